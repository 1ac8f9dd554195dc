"""Iterations side by side: best and worst under any order, unknown never marked, doubts said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.comparison.cells import Cell, cells_of
from hedgerow_nodes.estimators.comparison.direction import Better, better
from hedgerow_nodes.estimators.comparison.marks import Marks, marks_of
from hedgerow_nodes.estimators.comparison.plain import row_objects
from hedgerow_nodes.estimators.comparison.side_by_side import Row, Subject, compare, only_differences

NUMBERS = st.integers(-3, 3).map(float)


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    value = draw(st.none() | NUMBERS)
    method = draw(st.sampled_from(["measured", "roofline"]))
    if value is None or draw(st.booleans()):
        return Cell(value, method=method)
    below, above = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    return Cell(value, value - below, value + above, method, "x")


ROWS = st.lists(cells(), max_size=6)
ENDS = st.sampled_from([Better.LESS, Better.MORE])


def _labels(row: Sequence[object]) -> list[str]:
    return [f"1.{place}" for place in range(len(row))]


@given(row=ROWS, end=ENDS)
def test_the_best_and_the_worst_are_the_ends_of_what_is_known(row: list[Cell], end: Better) -> None:
    marks = marks_of(row, _labels(row), end)
    known = [cell.value for cell in row if cell.value is not None]
    assert all(row[place].value is not None for place in (*marks.best, *marks.worst))
    if len(known) < 2 or len(set(known)) == 1:
        assert (marks.best, marks.worst, marks.certain) == ((), (), None)
        return
    good, bad = (min(known), max(known)) if end is Better.LESS else (max(known), min(known))
    assert [place for place, cell in enumerate(row) if cell.value == good] == list(marks.best)
    assert [place for place, cell in enumerate(row) if cell.value == bad] == list(marks.worst)


@given(row=ROWS, end=ENDS, data=st.data())
def test_the_order_of_the_iterations_does_not_matter(row: list[Cell], end: Better, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(row))))
    plain, moved = marks_of(row, _labels(row), end), marks_of([row[place] for place in order], _labels(row), end)
    assert sorted(order[place] for place in moved.best) == list(plain.best)
    assert sorted(order[place] for place in moved.worst) == list(plain.worst)
    assert plain.certain == moved.certain
    assert len(plain.remarks) == len(moved.remarks)


@given(row=ROWS, end=ENDS)
def test_a_difference_is_certain_only_where_like_intervals_lie_apart(row: list[Cell], end: Better) -> None:
    marks = marks_of(row, _labels(row), end)
    if not marks.certain:
        assert marks.certain is None or marks.remarks
        return
    known = [(place, cell) for place, cell in enumerate(row) if cell.value is not None]
    assert len({cell.method for _, cell in known}) == 1
    for marked in (marks.best, marks.worst):
        for place in marked:
            for other, cell in known:
                if other not in marked:
                    one = row[place]
                    assert None not in (one.low, one.high, cell.low, cell.high)
                    assert one.high < cell.low or cell.high < one.low  # type: ignore[operator]


@given(row=ROWS)
def test_without_a_direction_nothing_is_marked(row: list[Cell]) -> None:
    marks = marks_of(row, _labels(row), Better.NEITHER)
    assert (marks.best, marks.worst, marks.certain) == ((), (), None)


def test_unlike_methods_are_said_and_make_the_difference_uncertain() -> None:
    row = [Cell(1.0, 0.9, 1.1, "measured"), Cell(5.0, 4.9, 5.1, "roofline"), Cell(9.0, 8.9, 9.1, "measured")]
    marks = marks_of(row, ["1.1", "1.2", "2.1"], Better.LESS)
    assert (marks.best, marks.worst, marks.certain) == ((0,), (2,), False)
    assert marks.remarks == (
        "The methods differ (1.1 and 2.1: measured; 1.2: roofline), so that unlike figures stand beside each other.",
    )


def test_overlapping_intervals_are_said() -> None:
    row = [Cell(1.0, 0.5, 2.0, "m"), Cell(1.5, 1.0, 3.0, "m"), Cell(9.0, 8.0, 9.5, "m"), Cell()]
    marks = marks_of(row, ["1.1", "1.2", "2.1", "3.1"], Better.LESS)
    assert (marks.best, marks.worst, marks.certain) == ((0,), (2,), False)
    assert marks.remarks == ("The intervals of 1.1 and 1.2 overlap: that 1.1 is best is not certain.",)


def test_two_that_overlap_are_said_once() -> None:
    marks = marks_of([Cell(1.0, 0.5, 2.0, "m"), Cell(1.5, 1.0, 3.0, "m")], ["1.1", "1.2"], Better.MORE)
    assert (marks.best, marks.worst, marks.certain) == ((1,), (0,), False)
    assert marks.remarks == ("The intervals of 1.1 and 1.2 overlap: which is best and which is worst is not certain.",)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("latency_s", "less"),
        ("energy_kwh", "less"),
        ("carbon_gco2e", "less"),
        ("carbon_kgco2e_per_year", "less"),
        ("intensity_g_per_kwh", "less"),
        ("flops_per_inference", "less"),
        ("parts.GPU.energy_j", "less"),
        ("accuracy", "more"),
        ("throughput_per_s", "more"),
        ("max_latency_s", ""),
        ("memory_bytes", ""),
        ("parameters", ""),
        ("lifetime_years", ""),
        ("bandwidth_bytes_per_s", ""),
    ],
)
def test_the_name_tells_which_end_is_better(path: str, expected: str) -> None:
    assert better(path) == expected


def _estimate(value: Any, low: Any = None, high: Any = None, method: str = "roofline") -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "method": method, "source": "data sheet"}


OUTPUT: dict[str, Any] = {
    "header": {"attempt": 1},
    "chosen": "b",
    "latency_s": _estimate(0.1, 0.05, 0.2),
    "energy_j": _estimate(None),
    "power_w": _estimate(3.0, None, None),
    "parameters": 5,
    "lifetime_years": None,
    "offline": True,
    "host": {"cpu": "x86", "memory_bytes": 8e9},
    "started_at_s": 1.7e9,
    "tasks": [{"id": "first", "score": 0.9}, {"id": "second", "score": 0.1}],
    "limits": [{"name": "latency_s", "comparison": "<=", "value": 1.0}],
    "parts": [
        {"name": "CPU", "energy_kwh": _estimate(1.0, 1.0, 1.0)},
        {"name": "GPU", "energy_kwh": _estimate(2.0, 2.0, 2.0)},
        {"name": "GPU", "energy_kwh": _estimate(3.0, 3.0, 3.0)},
    ],
    "metrics": ["f1", "recall"],
    "candidates": [
        {"id": "a", "accuracy": 0.1, "accuracy_metric": "top-1"},
        {"id": "b", "accuracy": 0.7, "accuracy_metric": "top-1", "accuracy_source": "paper", "latency_s": _estimate(9)},
    ],
    "explanation": "because",
}


def test_every_kind_of_field_is_told_by_its_path() -> None:
    assert cells_of(OUTPUT, "leaf") == {
        "chosen": Cell(text="b"),
        "latency_s": Cell(0.1, 0.05, 0.2, "roofline", "data sheet"),
        "energy_j": Cell(method="roofline", source="data sheet"),
        "power_w": Cell(3.0, None, None, "roofline", "data sheet"),
        "parameters": Cell(5.0, 5.0, 5.0, "stated", "leaf"),
        "lifetime_years": Cell(),
        "offline": Cell(text="yes"),
        "host.cpu": Cell(text="x86"),
        "host.memory_bytes": Cell(8e9, 8e9, 8e9, "stated", "leaf"),
        "tasks": Cell(text="first"),
        "parts.CPU.name": Cell(text="CPU"),
        "parts.CPU.energy_kwh": Cell(1.0, 1.0, 1.0, "roofline", "data sheet"),
        "parts.GPU.name": Cell(text="GPU"),
        "parts.GPU.energy_kwh": Cell(2.0, 2.0, 2.0, "roofline", "data sheet"),
        "parts.GPU 3.name": Cell(text="GPU"),
        "parts.GPU 3.energy_kwh": Cell(3.0, 3.0, 3.0, "roofline", "data sheet"),
        "metrics": Cell(text="f1, recall"),
        "accuracy": Cell(0.7, 0.7, 0.7, "published top-1", "paper"),
    }


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("id"), inner, max_size=3),
    max_leaves=12,
)


@given(output=st.dictionaries(st.sampled_from(["chosen", "candidates", "limits", "x_s", "parts"]), ANYTHING))
def test_any_output_can_be_told(output: dict[str, Any]) -> None:
    for cell in cells_of(output, "any").values():
        assert cell.value is None or math.isfinite(cell.value)
        assert (cell.value is None) or not cell.text


def _subjects() -> list[Subject]:
    asked = {"text": "Count", "max_latency_s": 0.15, "goal": "", "location": None}
    limit = {
        "name": "latency_s",
        "comparison": "<=",
        "value": 0.15,
        "unit": "s",
        "found_in": "field:max_latency_s",
        "excerpt": "",
    }
    stated = {"app_requirements": {"limits": [limit]}}
    fast = {**stated, "hw_resources": {"latency_s": _estimate(0.1, 0.09, 0.11), "device_class": "edge"}}
    slow = {
        **stated,
        "hw_resources": {"latency_s": _estimate(0.3, 0.2, 0.4), "device_class": "edge"},
        "leaf": {"x_j": 2},
    }
    return [Subject("1.1", asked, fast), Subject("1.2", {**asked, "location": "ES"}, slow)]


def test_rows_hold_what_was_asked_the_limits_and_every_output() -> None:
    rows = {(row.group, row.name): row for row in compare(_subjects())}
    assert list(rows) == [
        ("request", "text"),
        ("request", "max_latency_s"),
        ("request", "location"),
        ("limits", "latency_s"),
        ("hw_resources", "latency_s"),
        ("hw_resources", "device_class"),
        ("leaf", "x_j"),
    ]
    assert [cell.verdict for cell in rows["limits", "latency_s"].cells] == ["met", "missed"]
    latency = rows["hw_resources", "latency_s"].marks
    assert (latency.best, latency.worst, latency.certain) == ((0,), (1,), True)
    assert rows["request", "max_latency_s"].marks == Marks()
    assert rows["leaf", "x_j"].marks.best == ()


def test_differences_only_leaves_out_what_all_say_alike() -> None:
    rows: Sequence[Row] = only_differences(compare(_subjects()))
    assert [row.name for row in rows] == ["location", "latency_s", "latency_s", "x_j"]
    assert only_differences(compare([_subjects()[0]] * 2)) == ()


def test_as_json_what_is_unknown_is_null() -> None:
    located = next(row for row in row_objects(compare(_subjects())) if row["name"] == "location")
    assert located["cells"][0] is None
    assert located["cells"][1]["text"] == "ES"
    assert (located["better"], located["differs"]) == (None, True)
