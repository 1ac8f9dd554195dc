"""Files that are none, in whatever way, and files of many questions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import PLAIN, refused
from typer.testing import CliRunner, Result

from hedgerow_orchestrator.what_if.command import app

Ask = Callable[..., Result]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nodes = [", "is no TOML: invalid value (at end of document)"),
        ("name = 1", "nodes: there is none; give one at least, as [[nodes]]"),
        ("[[problem]]\nname = 'x'\n[[problem.nodes]]\nnam = 'a'", "problem[0].nodes[0].nam: 'nam' is unknown"),
        ("name = 'x'\nproblem = [1]", "name: 'name' is unknown; known: problem"),
        ("problem = []", "problem: holds an empty list; write each problem as [[problem]]"),
        ("problem = [1]", "problem[0]: 1 is no table"),
    ],
)
def test_what_is_no_question_is_refused(ask: Ask, text: str, told: str) -> None:
    assert refused(ask(text), 2).startswith(told)


def test_a_file_that_cannot_be_read_is_refused(ask: Ask, tmp_path: Path) -> None:
    def again(file: Path) -> Result:
        return CliRunner().invoke(app, ["plan", str(file)])

    assert refused(ask([1]), 2).startswith("holds a list; write a table with nodes and stages")
    file = tmp_path / "asked.json"
    for text, told in (('{"nodes": 1,', "is no JSON: "), ('{"name": "x", "name": "y"}', "name: stands twice")):
        file.write_text(text)
        assert refused(again(file), 2).startswith(told)
    assert refused(again(tmp_path / "gone.json"), 2) == "cannot be read: No such file or directory"
    assert refused(again(tmp_path / "asked.yaml"), 2).startswith("name the file .toml or .json")
    file.write_bytes(b'{"name": "\xff"}')
    assert refused(again(file), 2) == "is no UTF-8 text: byte 10 is 0xff"


def test_of_several_questions_one_without_an_answer_leaves_the_others_theirs(ask: Ask) -> None:
    impossible = {**PLAIN, "max_cuts": 0}
    result = ask({"problem": [PLAIN, impossible, PLAIN]}, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)["problems"]
    assert [each["error"] is None for each in found] == [True, False, True]
    assert "problem[1]: memory and max_partitions" in result.stderr
    assert ask({"problem": [PLAIN, PLAIN]}).exit_code == 0
