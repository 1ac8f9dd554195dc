"""The problems of `examples/advice`, typed as its page tells to: golden outcomes, and an origin for each number."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from golden import differences, read_golden
from user import User

from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain
from tests import origins

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "advice"
WORKED = ("leaves", "faces", "delivery_notes", "questions", "digits", "stories")

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]


def commands() -> list[list[str]]:
    """The `hedgerow` commands of the page, in order."""
    lines = (EXAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/hedgerow ")]


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Everything that the page tells to type was typed, with one system; what each command printed, and the answers."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "examples").symlink_to(ROOT / "examples")
    with free_domain() as domain:
        variables = {"HEDGEROW_HOME": str(folder / "home"), "HEDGEROW_DOMAIN": str(domain)}
        user = User(Environment.read(variables), folder)
        printed = {}
        try:
            for words in commands():
                if words[0] == "down":
                    for number, _ in enumerate(WORKED, start=1):
                        printed[f"answer {number}"] = user.types("problem", "show", str(number), "--json")
                    printed["answer 7"] = user.types("problem", "show", "7", "--json")
                printed[shlex.join(words)] = user.types(*words)
            printed["report"] = (folder / "report.html").read_text(encoding="utf-8")
            yield printed
        finally:
            user.run("down")
            assert user.processes() == []


def iterations(typed: dict[str, str], number: int) -> list[dict[str, Any]]:
    """The iterations of the problem that was submitted as the n-th."""
    found: list[dict[str, Any]] = json.loads(typed[f"answer {number}"])["iterations"]
    return found


def test_the_page_submits_each_example_by_one_command() -> None:
    submitted = [words[words.index("--file") + 1] for words in commands() if "--file" in words]
    assert submitted[: len(WORKED)] == [f"examples/advice/{name}.toml" for name in WORKED]
    files = {path.stem for path in EXAMPLES.glob("*.toml")}
    assert files == {*WORKED, *(f"{name}.golden" for name in WORKED)}


@pytest.mark.parametrize("name", WORKED)
def test_the_outcome_is_the_golden_one(typed: dict[str, str], name: str) -> None:
    first = iterations(typed, WORKED.index(name) + 1)[0]
    assert differences(read_golden(EXAMPLES / f"{name}.golden.toml"), first) == []


def test_another_outcome_is_told_from_the_golden_one(typed: dict[str, str]) -> None:
    leaves, faces = (read_golden(EXAMPLES / f"{name}.golden.toml") for name in ("leaves", "faces"))
    answer = iterations(typed, 1)[0]
    assert any("models: 'efficientnet-lite0' is none of" in one for one in differences(faces, answer))
    narrow = {**leaves, "ranges": {"hw_resources.latency_s": [1.0, 2.0]}}
    assert [one.partition(" is ")[0] for one in differences(narrow, answer)] == ["hw_resources.latency_s"]


@pytest.mark.parametrize("number", range(1, len(WORKED) + 2))
def test_every_number_has_its_origin(typed: dict[str, str], number: int) -> None:
    for task in iterations(typed, number):
        for stage, answer in task["stages"].items():
            assert origins.faults(stage, answer["output"]) == []
        assert sum(1 for answer in task["stages"].values() for _ in origins.figures(answer["output"])) > 30


@pytest.mark.parametrize("name", WORKED)
def test_the_command_prints_method_and_source_of_each_number(typed: dict[str, str], name: str) -> None:
    printed = typed[f"problem submit --file examples/advice/{name}.toml --wait"]
    output = iterations(typed, WORKED.index(name) + 1)[0]["stages"]["hw_resources"]["output"]
    below = " ".join(printed.rpartition("┘")[2].split())
    for figure in (output["latency_s"], output["energy_j"], output["memory_required_bytes"]):
        assert figure["method"].split()[0] in printed
        assert " ".join(figure["source"].split()) in below


def test_a_tighter_limit_gives_another_model(typed: dict[str, str]) -> None:
    before, after = iterations(typed, 1)
    chosen = [task["stages"]["ml_model_provider"]["output"]["chosen"] for task in (before, after)]
    assert chosen[0] != chosen[1]
    needed = [task["stages"]["hw_resources"]["output"]["memory_required_bytes"]["value"] for task in (before, after)]
    assert needed[1] < 20e6 < needed[0]
    assert {one["limit"]["name"]: one["verdict"] for one in after["verdicts"]}["memory_bytes"] == "met"
    compared = typed["problem compare 1.1 1.2 --differences"]
    assert all(model in compared for model in chosen)


def test_the_loop_reaches_its_target(typed: dict[str, str]) -> None:
    found = iterations(typed, 7)
    carbon = [task["stages"]["carbon_footprint"]["output"]["carbon_gco2e"]["value"] for task in found]
    assert found[-1]["stages"]["optimizer"]["output"]["decision"] == "target_met"
    assert carbon[-1] <= 1e-6 < carbon[0]


def test_the_report_holds_it_all(typed: dict[str, str]) -> None:
    report = typed["report"]
    for piece in ("Classify photos of leaves", "efficientnet-lite0", "roofline", "Ember (2026)"):
        assert piece in report
