"""Outputs as rows: estimates, limits, ranked lists, and types that nobody has seen before."""

from __future__ import annotations

import io

from rich.console import Console

from hedgerow_launch.answer_table import (
    Row,
    answer_table,
    limit_text,
    output_rows,
    stage_rows,
    verdict_count,
    verdict_row,
)

UNKNOWN_ESTIMATE = {"value": None, "low": None, "high": None, "method": "", "source": ""}


def test_every_kind_of_field_has_its_row() -> None:
    output = {
        "tasks": [{"id": f"t{number}", "score": 0.5} for number in range(5)],
        "margin": 0.25,
        "unsure": True,
        "offline": False,
        "metrics": ["mAP", "recall"],
        "decided_by": "text",
        "empty": "",
        "none": None,
        "nothing": [],
        "energy_kwh": {"value": 1e-8, "low": 5e-9, "high": 2e-8, "method": "roofline", "source": "x"},
        "intensity_g_per_kwh": UNKNOWN_ESTIMATE,
        "memory_bytes": 4e9,
        "memory_bytes_source": "data sheet",
        "weights_bytes": 8e6,
        "counted_by": "the file",
        "limits": [
            {"name": "latency_s", "comparison": "<=", "value": 0.1, "unit": "s", "found_in": "text"},
            {"name": "offline", "comparison": "==", "value": 1.0, "unit": "flag", "found_in": "text"},
        ],
        "candidates": [{"id": "a", "rejected": "too slow"}, {"id": "b", "rejected": ""}],
        "points": [{"x": 1}, {"x": 2}],
        "explanation": "because",
    }
    assert list(output_rows(output)) == [
        Row("tasks", "t0 0.5, t1 0.5, t2 0.5 and 2 more", "", "text"),
        Row("margin", "0.25"),
        Row("unsure", "yes"),
        Row("metrics", "mAP, recall"),
        Row("energy", "10 µWh", "5 – 20 µWh", "roofline", "x"),
        Row("memory", "4 GB", source="data sheet"),
        Row("weights", "8 MB", source="the file"),
        Row("limit: latency", "<= 100 ms", "", "text"),
        Row("limit: offline", "yes", "", "text"),
        Row("candidates", "b; 1 rejected"),
        Row("points", "2 entries"),
        Row("explanation", "because"),
    ]


def test_a_limit_without_a_unit_in_its_name_shows_its_own() -> None:
    assert limit_text({"name": "frame_rate", "comparison": ">=", "value": 30, "unit": "fps"}) == ">= 30 fps"
    assert limit_text({"name": "accuracy", "comparison": ">=", "value": 0.9, "unit": ""}) == ">= 0.9"


def test_all_rejected_is_said() -> None:
    assert list(output_rows({"candidates": [{"id": "a", "rejected": "x"}]})) == [
        Row("candidates", "none usable; 1 rejected")
    ]


def _facts(**other: object) -> dict[str, object]:
    columns = [
        {"name": "age", "kind": "integer", "missing": 3},
        {"name": "result", "kind": "boolean", "missing": 0},
    ]
    balance = [{"value": "yes", "rows": 60}, {"value": "no", "rows": 20}]
    facts = {"name": "club.csv", "format": "CSV", "rows": 80.0, "rows_read": 80, "rows_about": None}
    told = {"target": "result", "target_why": "its name says so", "columns": columns, "class_balance": balance}
    return {**facts, **told, "columns_total": 20, **other}


def test_a_data_set_is_told_by_size_columns_target_and_classes() -> None:
    assert list(output_rows({"dataset": [_facts()]})) == [
        Row("data set", "club.csv: CSV, 80 rows"),
        Row("columns", "age (integer, 3 missing), result (boolean) and 18 more"),
        Row("to be predicted", "result: its name says so"),
        Row("classes", "yes 75%, no 25%"),
    ]
    assert list(output_rows({"dataset": []})) == []


def test_a_data_set_that_was_not_read_to_its_end_says_so() -> None:
    bare = {"columns": [], "class_balance": [], "target": "", "rows": None}
    (row,) = output_rows({"dataset": [_facts(**bare, rows_about=9000.0)]})
    assert row.value == "club.csv: CSV, about 9,000 rows (estimated from the 80 read)"
    (row,) = output_rows({"dataset": [_facts(**bare)]})
    assert row.value == "club.csv: CSV, at least 80 rows"


def test_a_stage_without_output_says_why() -> None:
    failed = {"state": "FAILED", "output": None, "error": {"code": "NO_MODEL", "reason": "all excluded"}}
    assert stage_rows(failed) == [Row("NO_MODEL", "all excluded")]
    assert stage_rows({"state": "TIMED_OUT", "output": None, "error": None}) == [Row("timed out", "–")]
    assert stage_rows({"state": "SUCCEEDED", "output": {"x": None}, "error": None}) == [Row("output", "nothing known")]


def _verdict(name: str, unit: str, verdict: str) -> dict[str, object]:
    answer = {"value": 20.0, "low": 10.0, "high": 40.0, "method": "roofline", "source": "x", "remark": ""}
    limit = {"name": name, "unit": unit, "comparison": ">=", "value": 30.0, "found_in": "text", "excerpt": ""}
    known = answer if verdict != "unknown" else None
    return {"limit": limit, "verdict": verdict, "certain": False, "missed_by": None, "answer": known, "said": "so"}


def test_a_verdict_shows_its_interval_in_the_limits_unit() -> None:
    assert verdict_row(_verdict("throughput_per_s", "1/s", "missed")) == Row(
        "so", "missed", "10 – 40 /s", "roofline", "x"
    )
    assert verdict_row(_verdict("energy_j_per_day", "J/day", "met")).interval == "10 – 40 J/day"
    assert verdict_row(_verdict("f1", "1", "unknown")) == Row("so", "unknown", "", "")


def test_verdicts_are_counted_by_kind() -> None:
    kinds = ("met", "unknown", "missed", "met")
    assert verdict_count([_verdict("f1", "1", kind) for kind in kinds]) == "2 met, 1 missed, 1 unknown"
    assert verdict_count([]) == ""


def test_each_source_stands_once_below_the_table() -> None:
    estimate = {"value": 2.0, "low": 1.0, "high": 4.0, "method": "roofline", "source": "sheet A"}
    output = {"latency_s": estimate, "energy_j": estimate, "power_w": {**estimate, "source": "sheet B"}}
    stage = {"state": "SUCCEEDED", "output": output, "error": None}
    task = {"task": {"problem_id": 1, "iteration_id": 1}, "state": "SUCCEEDED", "stages": {"hw_resources": stage}}
    written = io.StringIO()
    Console(file=written, width=160).print(answer_table({**task, "verdicts": [_verdict("latency_s", "s", "met")]}))
    lines = written.getvalue().splitlines()
    assert [line.strip() for line in lines[-3:]] == ["[1] sheet A", "[2] sheet B", "[3] x"]
    assert [line.count("roofline [1]") for line in lines if "latency" in line or "energy" in line] == [1, 1]
    assert sum("roofline [2]" in line for line in lines) == sum("roofline [3]" in line for line in lines) == 1
