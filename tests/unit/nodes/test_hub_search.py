"""Search by words: the task that was taken, the order, what is remembered, and the command."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hedgerow_nodes.estimators.hub.access import Access
from hedgerow_nodes.estimators.hub.hugging_face import HuggingFace
from hedgerow_nodes.estimators.hub.interface import HubUnreachable
from hedgerow_nodes.estimators.hub.searching import Remembered, search
from hedgerow_nodes.estimators.text.tasks import UnknownGoal
from hedgerow_nodes.hub_command import app
from tests.unit.nodes.fake_hub import COMMIT, FakeHub, Repository, running

TOKEN = "hf_SecretOfTheHedge0123456789"
SENTENCE = "Translate the sentences of our German manuals into French"
Command = Callable[..., Any]


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with running() as found:
        for name, task, downloads, tags in (
            ("garden/opus-german", "translation", 5, ["license:mit", "german", "french"]),
            ("garden/opus-english", "translation", 900, []),
            ("garden/opus-detector", "object-detection", 9000, []),
        ):
            about = {"pipeline_tag": task, "downloads": downloads, "tags": tags}
            found.repositories[name] = Repository({"README.md": b"# Hello", "config.json": b"{}"}, about)
        yield found


@pytest.fixture
def hub(fake: FakeHub, tmp_path: Path) -> HuggingFace:
    return HuggingFace(Access(fake.url), tmp_path)


@pytest.fixture
def command(fake: FakeHub, tmp_path: Path) -> Command:
    def invoke(*arguments: str, **variables: str) -> Any:
        own = {"HEDGEROW_HOME": str(tmp_path), "HF_ENDPOINT": fake.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": ""}
        return CliRunner().invoke(app, arguments, env={**own, **variables})

    return invoke


def test_a_sentence_takes_its_task_and_ranks_by_words(hub: HuggingFace) -> None:
    answer = search(hub, SENTENCE)
    assert answer.task == "translation"
    assert answer.tasks[0][0] == "translation"
    assert answer.tasks[0][1] > 0.5
    assert [found.model.id for found in answer.models] == ["garden/opus-german", "garden/opus-english"]
    assert answer.models[0].fit > answer.models[1].fit
    assert "speak of translation" in answer.explanation
    assert "most downloaded" in answer.explanation


def test_a_name_takes_any_task(hub: HuggingFace) -> None:
    answer = search(hub, "opus")
    assert answer.task == ""
    assert answer.tasks
    assert len(answer.models) == 3
    assert answer.models[0].model.id == "garden/opus-detector"
    assert "any was taken" in answer.explanation


def test_a_given_task_is_taken(hub: HuggingFace) -> None:
    answer = search(hub, "opus", "Object Detection", 1)
    assert (answer.task, answer.tasks) == ("object-detection", ())
    assert [found.model.id for found in answer.models] == ["garden/opus-detector"]
    with pytest.raises(UnknownGoal, match="known"):
        search(hub, "opus", "no-such-task")


def test_a_search_is_remembered_for_a_while_and_a_failure_is_not(fake: FakeHub, hub: HuggingFace) -> None:
    now = [0.0]
    remembered = Remembered(hub, 300.0, lambda: now[0])
    fake.status = (500, {})
    with pytest.raises(HubUnreachable):
        remembered.search("opus")
    fake.status = None
    first = remembered.search("opus")
    asked = len(fake.seen)
    now[0] = 299.0
    assert remembered.search("opus") is first
    assert len(fake.seen) == asked
    now[0] = 301.0
    assert remembered.search("opus") is not first
    assert len(fake.seen) > asked


def test_the_command_searches(command: Command) -> None:
    found = command("search", *SENTENCE.split(), "--json")
    assert found.exit_code == 0, found.output
    answer = json.loads(found.stdout)
    assert answer["task"] == "translation"
    assert answer["models"][0]["required_model"] == "hf:garden/opus-german"
    assert answer["models"][0]["licence"] == "mit"
    assert answer["models"][1]["licence"] is None
    shown = command("search", "opus", "--task", "translation", "--limit", "1").stdout
    assert "garden/opus-english  (translation, no licence, 900 downloads" in shown
    assert "no model was found" in command("search", "oak", "--task", "translation").stdout


def test_the_command_shows_a_card(command: Command) -> None:
    shown = command("card", "hf:garden/opus-german")
    assert shown.exit_code == 0, shown.output
    assert f"model: garden/opus-german at commit {COMMIT}" in shown.stdout
    assert "licence: mit" in shown.stdout
    assert "# Hello" in shown.stdout
    card = json.loads(command("card", "garden/opus-german", "--json").stdout)
    assert (card["commit"], card["text"], card["likes"]) == (COMMIT, "# Hello", None)
    assert card["files"][1] == {"name": "config.json", "size_bytes": 2, "sha256": None}


def test_failures_have_their_exit_codes_and_no_token(fake: FakeHub, command: Command) -> None:
    answers = [
        (2, command("search", "opus", "--task", "no-such-task"), "goal 'no-such-task' unknown"),
        (2, command("search", "opus", HF_ENDPOINT="ftp://x"), "HF_ENDPOINT"),
        (3, command("search", "opus", HF_ENDPOINT="http://127.0.0.1:9"), "cannot be reached"),
        (3, command("card", "garden/never", HF_HUB_OFFLINE="1"), "HF_HUB_OFFLINE"),
        (1, command("card", "garden/nothing"), "no such model"),
        (1, command("card", "a/b/c"), "no hub name"),
    ]
    fake.status = (429, {"Retry-After": "5"})
    answers.append((1, command("search", "opus"), "after 5 s"))
    for code, answer, why in answers:
        assert answer.exit_code == code, answer.output
        assert answer.stderr.startswith("error: ")
        assert why in answer.stderr
        assert "Traceback" not in answer.output
        assert TOKEN not in answer.output


def test_the_command_joins_by_its_entry_point() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    module, _, attribute = project["entry-points"]["hedgerow.commands"]["hub"].partition(":")
    assert getattr(import_module(module), attribute) is app
