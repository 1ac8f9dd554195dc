"""`hedgerow problem submit --file`: what is sent, and what is said about a file that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hedgerow_frontend.bodies import LoopFields, ProblemRequest
from hedgerow_launch.problem_file import KEYS, LOOP_KEYS, place_dataset, read_problem_file

Hedgerow = Callable[..., Any]
SUBMIT = "POST /api/v1/problems"
ACCEPTED = (202, {"task": {"problem_id": 3, "iteration_id": 1}})
COWS = """text = "Count cows"
max_latency_s = 0.1
inputs = ["photo"]

[optimization]
mode = "auto"
target = "gco2e"
"""


def test_the_keys_are_those_of_the_rest_body() -> None:
    assert set(KEYS) == set(ProblemRequest.model_fields)
    assert set(LOOP_KEYS) == set(LoopFields.model_fields)


@pytest.mark.parametrize("ending", ["toml", "json"])
def test_a_file_is_sent_as_it_is_written(frontend: Any, hedgerow: Hedgerow, tmp_path: Path, ending: str) -> None:
    fields = {
        "text": "Count cows",
        "max_latency_s": 0.1,
        "inputs": ["photo"],
        "optimization": {"mode": "auto", "target": "gco2e"},
    }
    file = tmp_path / f"cows.{ending}"
    file.write_text(COWS if ending == "toml" else json.dumps(fields, indent=1))
    frontend.answers = {SUBMIT: ACCEPTED}
    result = hedgerow("problem", "submit", "--file", file)
    assert (result.exit_code, frontend.asked[0].body) == (0, fields)


def test_options_count_before_the_file(frontend: Any, hedgerow: Hedgerow, tmp_path: Path) -> None:
    file = tmp_path / "cows.toml"
    file.write_text('text = "Count cows"\nmax_latency_s = 0.1\nlocation = "ES"\n')
    frontend.answers = {SUBMIT: ACCEPTED}
    assert hedgerow("problem", "submit", "Count sheep", "--file", file, "--max-latency-ms", 50).exit_code == 0
    assert frontend.asked[0].body == {"text": "Count sheep", "max_latency_s": 0.05, "location": "ES"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", b'text = "x"\n\nmax_latency = 3\n', "a.toml:3: max_latency is unknown; known: text, goal,"),
        ("a.toml", b'text = "x"\n[limits]\nlatency = 3\n', "a.toml:2: limits is unknown"),
        ("a.toml", b'text = "x"\n[optimization]\nmodus = 3\n', "a.toml:3: optimization.modus is unknown; known: mode,"),
        ("a.toml", b'text = "x"\noptimization = { modus = 3 }\n', "a.toml:2: optimization.modus is unknown"),
        ("a.json", b'{"text": "x",\n "max": 3}', "a.json:2: max is unknown"),
        ("a.toml", b'text = "x"\ngoal =\n', "a.toml:2: is no TOML: Invalid value, column 7"),
        ("a.toml", b'text = "x', "a.toml:1: is no TOML: "),
        ("a.json", b'{"text": "x",\n', "a.json:2: is no JSON: "),
        ("a.json", b"[1]", "a.json:1: is a JSON list; write an object"),
        ("a.json", b"[" * 100_000, "a.json: is nested too deeply"),
        ("a.toml", b'text = "x"\ngoal = "\xff"\n', "a.toml:2: is no UTF-8 text"),
        ("a.yaml", b"text: x", "a.yaml: name it .toml or .json"),
        ("a.toml", b"#" * 1_000_001, "a.toml has more than 1000000 bytes"),
        ("a.toml", None, "a.toml cannot be read: No such file or directory"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    frontend: Any, hedgerow: Hedgerow, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = hedgerow("problem", "submit", "--file", tmp_path / name)
    assert (result.exit_code, frontend.asked) == (2, [])
    assert said in result.stderr
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("max_latency_s: -1: input should be greater than 0", "cows.toml:2: max_latency_s: -1:"),
        ("optimization.mode: 'x': input should be 'auto'", "cows.toml:6: optimization.mode: 'x':"),
        ("body: is too large", "cows.toml: body: is too large"),
    ],
)
def test_a_refusal_names_the_line(frontend: Any, hedgerow: Hedgerow, tmp_path: Path, detail: str, said: str) -> None:
    (tmp_path / "cows.toml").write_text(COWS)
    frontend.answers = {SUBMIT: (422, {"title": "Unprocessable", "detail": detail})}
    result = hedgerow("problem", "submit", "--file", tmp_path / "cows.toml")
    assert result.exit_code == 1
    assert said in result.stderr


def test_neither_text_nor_file_is_nothing_to_submit(frontend: Any, hedgerow: Hedgerow) -> None:
    result = hedgerow("problem", "submit")
    assert (result.exit_code, frontend.asked) == (2, [])
    assert "nothing to submit" in result.stderr


def test_the_data_set_beside_the_file_goes_where_the_nodes_look(tmp_path: Path) -> None:
    (tmp_path / "cows.toml").write_text('text = "Count"\ninputs = ["dataset:cows.csv"]\n')
    problem = read_problem_file(tmp_path / "cows.toml")
    home = tmp_path / "home"
    assert place_dataset(problem, home) is None
    (tmp_path / "cows.csv").write_text("a,b\n1,2\n")
    assert place_dataset(problem, home) == home / "datasets" / "cows.csv"
    assert (home / "datasets" / "cows.csv").read_text() == "a,b\n1,2\n"
    assert place_dataset(problem, home) is None
    (tmp_path / "cows.csv").write_text("a,b\n3,4\n")
    with pytest.raises(Exception, match=r"is another data set than .*cows.csv; rename one of them"):
        place_dataset(problem, home)
    assert (home / "datasets" / "cows.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "", ".."])
def test_only_a_plain_name_is_copied(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (folder / "cows.toml").write_text(f'text = "Count"\ninputs = ["dataset:{name}"]\n')
    assert place_dataset(read_problem_file(folder / "cows.toml"), tmp_path / "home") is None
    assert not (tmp_path / "home").exists()
