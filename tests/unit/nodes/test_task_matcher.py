"""How well free text is matched with the tasks of the taxonomy, and what wins over the guess."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_nodes.estimators.text.hit_rates import count_hits, main, read_problems
from hedgerow_nodes.estimators.text.task_matcher import SURE_MARGIN, TaskMatcher, packaged_matcher
from hedgerow_nodes.estimators.text.tasks import UnknownGoal, UnknownModality, load_taxonomy
from hedgerow_nodes.estimators.text.text_index import words

PROBLEMS = json.loads((Path(__file__).parent / "task_problems.json").read_text(encoding="utf-8"))
DATA = Path(__file__).parents[2] / "data"
TUNING, TEST, PLAIN = (read_problems(DATA / f"problems_{name}.json") for name in ("tuning", "test", "plain"))
BASE = TaskMatcher(load_taxonomy())
STREET = "Count people and bicycles in photos from a street camera within 100 ms on a small edge computer in Spain"
LARGEST_BYTES = 150_000


def _hits(part: str, depth: int) -> float:
    problems = PROBLEMS[part]
    ranked = [[id_ for id_, _ in packaged_matcher().match(problem["text"]).tasks] for problem in problems]
    return sum(problem["task"] in ids[:depth] for problem, ids in zip(problems, ranked, strict=True)) / len(problems)


@pytest.mark.parametrize(("part", "first", "third"), [("tuning", 0.9, 0.97), ("held_out", 0.85, 0.95)])
def test_labelled_problems_find_their_task(part: str, first: float, third: float) -> None:
    assert _hits(part, 1) >= first
    assert _hits(part, 3) >= third


def test_an_answer_that_is_sure_is_mostly_right() -> None:
    matches = [(packaged_matcher().match(problem["text"]), problem["task"]) for problem in PROBLEMS["held_out"]]
    sure = [match.tasks[0][0] == task for match, task in matches if not match.unsure]
    assert len(sure) > len(matches) / 2
    assert sum(sure) / len(sure) >= 0.9


def test_the_street_camera_is_object_detection() -> None:
    match = packaged_matcher().match(STREET)
    assert match.tasks[0][0] == "object-detection"
    assert not match.unsure
    assert match.modality == "cv"
    assert match.decided_by == "text"
    assert "Mean Average Precision" in match.metrics
    assert "people" in match.explanation


def test_scores_fall_and_stay_within_bounds() -> None:
    for problem in PROBLEMS["held_out"]:
        match = packaged_matcher().match(problem["text"])
        scores = [score for _, score in match.tasks]
        assert len(scores) == 5
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert match.margin == pytest.approx(scores[0] - scores[1], abs=2e-4)
        assert match.unsure or match.margin >= SURE_MARGIN


@pytest.mark.parametrize("goal", ["image-classification", "Image Classification", " IMAGE_CLASSIFICATION "])
def test_a_goal_wins_however_it_is_written(goal: str) -> None:
    match = packaged_matcher().match(STREET, goal=goal)
    assert match.tasks == (("image-classification", 1.0),)
    assert (match.decided_by, match.unsure) == ("goal", False)
    assert "object-detection" in match.explanation


def test_a_goal_needs_no_text() -> None:
    assert packaged_matcher().match("", goal="translation").metrics == ("bleu", "sacrebleu")


def test_an_unknown_goal_is_answered_with_the_nearest_and_all_known() -> None:
    with pytest.raises(
        UnknownGoal, match=r"goal 'object detecion' unknown; nearest: .*object-detection.*; known: "
    ) as raised:
        packaged_matcher().match("", goal="object detecion")
    assert all(task.id in str(raised.value) for task in load_taxonomy().tasks)


@pytest.mark.parametrize("name", ["audio", "Speech"])
def test_a_modality_leaves_only_its_tasks(name: str) -> None:
    match = packaged_matcher().match("Classify what is in it", modality=name)
    modality_of = {task.id: task.modality for task in load_taxonomy().tasks}
    assert {modality_of[id_] for id_, _ in match.tasks} == {"audio"}
    assert match.tasks[0][0] == "audio-classification"
    assert match.decided_by == "modality and text"


def test_an_unknown_modality_is_answered_with_those_known() -> None:
    with pytest.raises(UnknownModality, match="modality 'smell' unknown; known: cv, nlp, audio"):
        packaged_matcher().match("Find the smell", modality="smell")


def test_inputs_and_outputs_decide_between_directions() -> None:
    matcher = packaged_matcher()
    text = "Convert our announcements for the visitors"
    assert matcher.match(text, inputs=["text"], outputs=["audio"]).tasks[0][0] == "text-to-speech"
    assert matcher.match(text, inputs=["audio"], outputs=["text"]).tasks[0][0] == "automatic-speech-recognition"


@pytest.mark.parametrize(
    "text", ["xyzzy plugh", "12345", "????", "Zähle Äpfel mit einem Gerät", "数える", "the of and"]
)
def test_words_that_say_nothing_leave_it_unsure(text: str) -> None:
    match = packaged_matcher().match(text)
    assert match.unsure
    assert match.tasks


def test_two_matchers_agree_to_the_last_digit() -> None:
    other = TaskMatcher(load_taxonomy())
    for problem in PROBLEMS["held_out"][:10]:
        assert other.match(problem["text"]) == BASE.match(problem["text"])


@settings(max_examples=50)
@given(text=st.text(max_size=200), fields=st.lists(st.text(max_size=20), max_size=3))
def test_no_text_upsets_it(text: str, fields: list[str]) -> None:
    match = packaged_matcher().match(text, inputs=fields, outputs=fields)
    assert len(match.tasks) == 5
    assert match.explanation


def test_the_taxonomy_is_whole() -> None:
    taxonomy = load_taxonomy()
    assert len(taxonomy.tasks) == 57
    assert len({task.id for task in taxonomy.tasks}) == 57
    assert {task.modality for task in taxonomy.tasks} == set(taxonomy.modalities)
    assert all(5 <= len(task.examples) <= 10 for task in taxonomy.tasks)
    assert all(task.acts <= set(taxonomy.acts) for task in taxonomy.tasks)


def test_the_extracted_data_are_small_and_carry_their_licence() -> None:
    folder = resources.files("hedgerow_nodes.estimators") / "data"
    text = (folder / "tasks.json").read_text(encoding="utf-8")
    assert len(text.encode()) <= LARGEST_BYTES
    assert "MIT" in json.loads(text)["licence"]
    assert "Hugging Face" in (folder / "LICENSE.huggingface-tasks").read_text(encoding="utf-8")


def _runs(text: str, length: int = 4) -> set[tuple[str, ...]]:
    said = words(text)
    return {tuple(said[n : n + length]) for n in range(len(said) - length + 1)}


JUDGED = [
    *PROBLEMS["held_out"],
    *(vars(one) for name in ("test", "plain") for one in read_problems(DATA / f"problems_{name}.json")),
]


def test_no_example_shares_four_words_in_a_row_with_a_problem_that_judges() -> None:
    examples = {run: text for task in load_taxonomy().tasks for text in task.examples for run in _runs(text)}
    shared = {problem["text"]: examples[run] for problem in JUDGED for run in _runs(problem["text"]) if run in examples}
    assert not shared


def test_runs_of_four_words_are_seen() -> None:
    assert _runs("Count the red cows here") & _runs("please count the red cows") == {("count", "the", "red", "cows")}


def test_no_judging_problem_is_a_tuning_problem() -> None:
    tuning = {*(one["text"] for one in PROBLEMS["tuning"]), *(one.text for one in TUNING)}
    assert not tuning & {problem["text"] for problem in JUDGED}
    assert len(TEST) >= 30
    assert len(TUNING) >= 30
    assert len({one.text for one in (*TUNING, *TEST)}) >= 60


def test_every_modality_is_judged_and_every_labelled_task_exists() -> None:
    modality_of = {task.id: task.modality for task in load_taxonomy().tasks}
    assert {modality_of[one.task] for one in TEST} == set(modality_of.values())
    assert {one.task for one in (*TUNING, *PLAIN)} <= set(modality_of)


def test_the_base_alone_finds_the_task_of_plain_problems_without_a_modality() -> None:
    assert count_hits(PLAIN, BASE.match).hits[3] >= 22


def test_the_base_alone_finds_the_task_of_problems_never_looked_at() -> None:
    assert count_hits(TEST, BASE.match).hits[3] >= 0.85 * len(TEST)


def test_hit_rates_count_what_they_say(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "three.json"
    entries = [
        {"text": "Translate letters into Dutch", "task": "translation"},
        {"text": "Translate letters into Dutch", "task": "image-to-3d"},
    ]
    path.write_text(json.dumps({"problems": entries}), encoding="utf-8")
    assert main([str(path), "--missed", "--base"]) == 0
    said = capsys.readouterr().out
    assert "three: 2 problems, top 1 1 (50%), top 3 1 (50%), top 5 1 (50%), sure 2 of which right 1" in said
    assert "image-to-3d is not in translation, " in said


@pytest.mark.parametrize("content", ['{"problems": []}', '{"problems": [{"text": "a"}]}', "[]"])
def test_hit_rates_refuse_a_file_of_something_else(content: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"other\.json"):
        read_problems(path)


def test_an_unsure_answer_shows_the_alternatives() -> None:
    match = packaged_matcher().match("Something with pictures")
    assert match.unsure
    assert "Unsure: " in match.explanation
    assert all(id_ in match.explanation for id_, _ in match.tasks[:3])


def test_every_task_but_the_open_ones_has_metrics() -> None:
    without = {task.id for task in load_taxonomy().tasks if not task.metrics}
    assert without == {"any-to-any", "other"}
    assert "leaves open: success rate" in packaged_matcher().match("", goal="robotics").explanation


def test_the_page_on_method_shows_the_rates_that_are_counted() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (DATA.parents[1] / "docs").glob("method*.md"))
    for name, problems in (("plain", PLAIN), ("test", TEST), ("tuning", TUNING)):
        assert count_hits(problems, BASE.match).line(f"problems_{name}") in pages
