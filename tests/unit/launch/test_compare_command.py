"""`hedgerow problem compare`: what it asks for and how it shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hedgerow_launch.comparison_table import cell_text, row_label

Hedgerow = Callable[..., Any]


def _cell(
    value: float | None = None, text: str | None = None, method: str = "roofline", **other: Any
) -> dict[str, Any]:
    low, high = (value * 0.5, value * 2) if value is not None else (None, None)
    cell = {"value": value, "low": low, "high": high, "method": method, "source": "x", "text": text, "verdict": None}
    return {**cell, **other}


def _row(name: str, *cells: dict[str, Any] | None, **other: Any) -> dict[str, Any]:
    row = {"group": "hw_resources", "name": name, "better": "less", "cells": list(cells), "best": [], "worst": []}
    return {**row, "certain": None, "differs": True, "remarks": [], **other}


FOUND = {
    "tasks": [
        {"task": {"problem_id": 1, "iteration_id": number}, "state": "SUCCEEDED", "title": "Count"} for number in (1, 2)
    ],
    "differences": False,
    "rows": [
        _row(
            "limits",
            _cell(text="latency at most 1 s: met", verdict="met"),
            _cell(text="latency at most 1 s: missed", verdict="missed"),
            group="limits",
        ),
        _row(
            "latency_s",
            _cell(0.01),
            _cell(0.02),
            best=[0],
            worst=[1],
            certain=False,
            remarks=["The intervals of 1.1 and 1.2 overlap: that 1.1 is best is not certain."],
        ),
        _row("device_class", _cell(text="[bold]edge"), None),
    ],
}


def test_it_asks_for_every_iteration_and_shows_best_worst_and_remarks(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {"GET /api/v1/comparisons": (200, FOUND)}
    result = hedgerow("problem", "compare", "1.1", "1.2", "--differences")
    assert result.exit_code == 0
    assert frontend.lines() == ["GET /api/v1/comparisons?task=1.1&task=1.2&differences=true"]
    for words in ("10 ms [5 – 20 ms] roofline (best)", "(worst)", "not certain", "overlap", "[bold]edge", "met"):
        assert words in " ".join(result.stdout.split()), words


def test_json_is_the_answer_itself(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {"GET /api/v1/comparisons": (200, FOUND)}
    assert json.loads(hedgerow("problem", "compare", "1.1", "2.1", "--json").stdout) == FOUND
    assert frontend.lines() == ["GET /api/v1/comparisons?task=1.1&task=2.1"]


def test_equal_iterations_are_said_to_be_so(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {"GET /api/v1/comparisons": (200, {**FOUND, "rows": []})}
    assert hedgerow("problem", "compare", "1.1", "1.2").stderr == "they say the same in everything\n"


def test_a_refusal_is_one_line(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {"GET /api/v1/comparisons": (422, {"detail": "task: 1 named; name 2 to 16", "field": "task"})}
    result = hedgerow("problem", "compare", "1.1")
    assert (result.exit_code, result.stderr) == (1, "error: task: 1 named; name 2 to 16\n")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (None, "–"),
        (_cell(text="edge"), "edge"),
        (_cell(5e6, method="stated"), "5 MB"),
        (_cell(5e6, method="measured", low=None), "5 MB measured"),
    ],
)
def test_a_cell_says_what_is_known(cell: Any, shown: str) -> None:
    assert cell_text(_row("memory_bytes", cell), 0) == shown


def test_a_row_says_which_end_is_better_where_that_is_not_the_usual() -> None:
    assert row_label(_row("parts.GPU.energy_kwh")) == "parts GPU energy"
    assert row_label(_row("accuracy", better="more")) == "accuracy (more is better)"
