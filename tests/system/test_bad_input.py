"""Bad input as a user gives it, by the command: a clear outcome each, in time, and every node lives on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from user import User

from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain

LEAVES = "Classify photos of leaves"
DEADLINE_S = 60.0
# A PNG by its first bytes.
IMAGE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user whose system is up; when all tests are done it still answers, by the same processes."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "leaf.onnx").write_bytes(b"\x08\x07no model")
    with free_domain() as domain:
        variables = {"HEDGEROW_HOME": str(folder / "home"), "HEDGEROW_DOMAIN": str(domain)}
        user = User(Environment.read(variables), folder)
        try:
            user.types("up", "--detach")
            user.types("node", "config", "ml_model_provider", "--set", f"allowed_folders={json.dumps([str(folder)])}")
            before = living(user)
            assert len(before) == 7
            yield user
            assert user.json("problem", "submit", LEAVES, "--wait")["state"] == "SUCCEEDED"
            assert living(user) == before
        finally:
            user.run("down")
            assert user.processes() == []


def living(user: User) -> set[int]:
    """The processes of the nodes: another one would be a node that had to be started again."""
    return {process.pid for process in user.processes() if "--name" in process.cmdline()}


def refusal(user: User, *words: str) -> dict[str, Any]:
    """The error of the stage in which a task failed by itself; the stages behind it say that it was this one."""
    answer = user.json("problem", "submit", *words, "--wait", "--timeout", str(DEADLINE_S), code=1)
    assert answer["state"] == "FAILED"
    errors = {name: stage["error"] for name, stage in answer["stages"].items() if stage["error"]}
    first: dict[str, Any] = next(error for error in errors.values() if not error["reason"].endswith(" failed"))
    return first


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--max-memory-mb", "0.000001"), "NO_MODEL", "memory"),
        (("--max-latency-ms", "0.0000001"), "NO_MODEL", "too slow"),
        (("--location", "Atlantis"), "UNKNOWN_LOCATION", "Atlantis"),
        (("--device", "warp core"), "UNKNOWN_DEVICE", "warp core"),
        (("--model", "no-such-model"), "MODEL_REFUSED", "no-such-model"),
        (("--model", "/etc/passwd"), "MODEL_REFUSED", "/etc/passwd"),
        (("--goal", "telepathy"), "UNKNOWN_GOAL", "telepathy"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(user: User, options: tuple[str, ...], code: str, said: str) -> None:
    error = refusal(user, LEAVES, *options)
    assert error["code"] == code
    assert said in error["reason"]


def test_a_model_of_500_gb_is_not_loaded(user: User) -> None:
    """A file with a hole of that size: reading it would take minutes, loading it all memory."""
    with (user.folder / "huge.onnx").open("wb") as huge:
        huge.truncate(500_000_000_000)
    answer = user.json("problem", "submit", LEAVES, "--model", str(user.folder / "huge.onnx"), "--wait", code=1)
    model = answer["stages"]["ml_model_provider"]["output"]
    assert (model["runtime"], model["weights_bytes"]) == ("not run", 500e9)
    assert "its weights take 500 GB, up to 1.5 GB are executed" in model["explanation"]
    error = answer["stages"]["hw_resources"]["error"]
    assert error["code"] == "NO_FIGURES"
    assert "was not run and its work is unknown; it needs 500 GB of memory" in error["reason"]


def test_a_corrupt_onnx_file(user: User) -> None:
    error = refusal(user, LEAVES, "--model", str(user.folder / "leaf.onnx"))
    assert (error["code"], "leaf.onnx cannot be opened" in error["reason"]) == ("MODEL_REFUSED", True)


def test_a_data_set_that_is_not_what_its_name_says(user: User) -> None:
    (user.folder / "rows.csv").write_bytes(IMAGE)
    file = user.folder / "rows.toml"
    file.write_text('text = "Predict who leaves"\ninputs = ["dataset:rows.csv"]\n')
    error = refusal(user, "--file", str(file))
    assert error["code"] == "BAD_DATASET"
    assert "rows.csv is not what its name says: it is a PNG image" in error["reason"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "text"),
        (" \n ", "text"),
        ("cows " * 4_500, "at most 20000"),
        ("cows " * 200_000, "has 999911 bytes; at most"),
    ],
    ids=["empty", "blank", "too long", "a megabyte"],
)
def test_a_text_that_is_none_is_refused_at_the_door(user: User, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "problem.json"
    file.write_text(json.dumps({"text": text[:999_900]}))
    printed = user.types("problem", "submit", "--file", str(file), "--wait", code=1)
    assert said in printed
    assert len(printed) < 2000


@pytest.mark.parametrize("option", ["--max-latency-ms", "--max-memory-mb", "--max-gco2e"])
def test_a_limit_of_nothing_is_a_mistake_in_usage(user: User, option: str) -> None:
    assert "give a number above 0" in user.types("problem", "submit", LEAVES, f"{option}=0", code=2)


def test_limits_that_contradict_each_other_are_said(user: User) -> None:
    asked = f"{LEAVES}, at least 4 GB of RAM and at most 1 GB of RAM"
    answer = user.json("problem", "submit", asked, "--wait", "--timeout", str(DEADLINE_S))
    explained = answer["stages"]["app_requirements"]["output"]["explanation"]
    assert "Nothing can keep both memory at least 4 GB and" in explained
    assert "missed" in {one["verdict"] for one in answer["verdicts"]}


def test_another_language_is_answered_or_said_to_be_unsure(user: User) -> None:
    asked = "Finde Kühe auf Fotos einer Wiese und zähle sie, höchstens 50 ms je Bild"
    answer = user.json("problem", "submit", asked, "--wait", "--timeout", str(DEADLINE_S))
    metadata = answer["stages"]["ml_model_metadata"]["output"]
    assert metadata["unsure"] or metadata["tasks"][0]["id"] == "object-detection"
