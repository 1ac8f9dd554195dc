"""`hedgerow problem`: bodies sent, objects printed, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hedgerow_launch.problem_options import OPTIONS, rest_fields

MakeTask = Callable[..., dict[str, Any]]
Hedgerow = Callable[..., Any]

SUBMIT = "POST /api/v1/problems"
ITERATE = "POST /api/v1/problems/3/iterations"
TASK = "GET /api/v1/problems/3/iterations/1"
EVENTS = "GET /api/v1/events"
ACCEPTED = (202, {"task": {"problem_id": 3, "iteration_id": 1}})

EXPECTED = {
    "task": {"problem_id": 3, "iteration_id": 1},
    "state": "SUCCEEDED",
    "stages": {
        "ml_model_metadata": {
            "state": "SUCCEEDED",
            "attempt": 1,
            "node_id": "n-1",
            "started_at": "2026-11-21T05:13:00.123Z",
            "finished_at": "2026-11-21T05:13:00.223Z",
            "output": {"tasks": [{"id": "object-detection", "score": 0.91}], "decided_by": "text"},
            "error": None,
        },
        "hw_resources": {
            "state": "SUCCEEDED",
            "attempt": 2,
            "node_id": "n-2",
            "started_at": "2026-11-21T05:13:00.323Z",
            "finished_at": "2026-11-21T05:13:00.423Z",
            "output": {
                "chosen": "jetson",
                "latency_s": {
                    "value": 0.0123,
                    "low": 0.01,
                    "high": 0.015,
                    "method": "measured",
                    "source": "this host",
                },
            },
            "error": None,
        },
    },
    "verdicts": [
        {
            "limit": {
                "name": "latency_s",
                "comparison": "<=",
                "value": 0.01,
                "unit": "s",
                "found_in": "text",
                "excerpt": "within 10 ms",
            },
            "verdict": "missed",
            "certain": True,
            "missed_by": 0.0023,
            "answer": {
                "value": 0.0123,
                "low": 0.01,
                "high": 0.015,
                "method": "measured",
                "source": "this host",
                "remark": "",
            },
            "said": "latency at most 10 ms: missed by 2.3 ms, 1.23 times the limit, with 12.3 ms (measured).",
        }
    ],
}

EVERY_OPTION = [
    *("--goal", "object-detection", "--modality", "image"),
    *("--input", "photo", "--input", "date", "--output", "count"),
    *("--max-latency-ms", 100, "--max-memory-mb", 4000, "--max-gco2e", 0.5),
    *("--location", "Spain", "--objective", "energy", "--precision", "int8", "--model", "yolo", "--device", "jetson"),
    *("--exclude-model", "a", "--exclude-model", "b"),
    *("--functional-unit", "image", "--inferences-per-year", 1e6, "--intensity", 120.5),
    *("--training-samples", 50000, "--epochs", 90),
]
EVERY_FIELD = {
    "goal": "object-detection",
    "modality": "image",
    "inputs": ["photo", "date"],
    "outputs": ["count"],
    "max_latency_s": pytest.approx(0.1),
    "max_memory_bytes": pytest.approx(4e9),
    "max_carbon_gco2e": 0.5,
    "location": "Spain",
    "objective": "energy",
    "precision": "int8",
    "required_model": "yolo",
    "required_device": "jetson",
    "excluded_models": ["a", "b"],
    "functional_unit": "image",
    "inferences_per_year": 1e6,
    "intensity_g_per_kwh": 120.5,
    "training_samples": 50_000.0,
    "epochs": 90.0,
}


def test_a_text_alone_is_a_problem(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {SUBMIT: ACCEPTED}
    result = hedgerow("problem", "submit", "Count bicycles")
    assert (result.exit_code, frontend.asked[0].body) == (0, {"text": "Count bicycles"})
    assert result.stdout == "task 3.1: hedgerow problem show 3 1\n"


def test_every_option_fills_its_field_in_the_fields_unit(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {SUBMIT: ACCEPTED}
    result = hedgerow("problem", "submit", "Count bicycles", *EVERY_OPTION, "--json")
    assert frontend.asked[0].body == {"text": "Count bicycles", **EVERY_FIELD}
    assert json.loads(result.stdout) == {"task": {"problem_id": 3, "iteration_id": 1}}


def test_iterate_takes_the_same_options(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {ITERATE: (202, {"task": {"problem_id": 3, "iteration_id": 2}})}
    result = hedgerow("problem", "iterate", 3, "--from", 1, "--text", "Count cars", *EVERY_OPTION)
    assert result.exit_code == 0
    assert frontend.asked[0].body == {"from_iteration": 1, "text": "Count cars", **EVERY_FIELD}


def test_iterate_sends_only_what_was_said(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {ITERATE: ACCEPTED}
    hedgerow("problem", "iterate", 3, "--exclude-model", "yolo")
    assert frontend.asked[0].body == {"excluded_models": ["yolo"]}


@pytest.mark.parametrize("value", ["nan", "inf", "0", "-1"])
@pytest.mark.parametrize("option", ["--max-latency-ms", "--max-memory-mb", "--max-gco2e"])
def test_a_limit_is_a_number_above_zero(frontend: Any, hedgerow: Hedgerow, option: str, value: str) -> None:
    result = hedgerow("problem", "submit", "Count bicycles", f"{option}={value}")
    assert (result.exit_code, frontend.asked) == (2, [])
    assert result.stderr == f"error: {option} {value}: give a number above 0\n"


def test_every_option_has_another_field() -> None:
    assert len({option.field for option in OPTIONS}) == len(OPTIONS)
    assert rest_fields({option.parameter: None for option in OPTIONS}) == {}


@pytest.mark.parametrize("command", [("submit", "Count bicycles"), ("iterate", 3)])
def test_wait_json_prints_exactly_the_task_object(
    frontend: Any, hedgerow: Hedgerow, task: MakeTask, command: tuple[object, ...]
) -> None:
    events = 'retry: 1\n\nevent: task.succeeded\ndata: {"id": 1}\n\n'
    states = iter(["RUNNING", "SUCCEEDED"])
    frontend.answers = {
        SUBMIT: ACCEPTED,
        ITERATE: ACCEPTED,
        EVENTS: events,
        TASK: lambda asked: (200, task(state=next(states))),
    }
    result = hedgerow("problem", *command, "--wait", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == EXPECTED


@pytest.mark.parametrize(("state", "exit_code"), [("SUCCEEDED", 0), ("FAILED", 1), ("CANCELLED", 1)])
def test_wait_tells_by_its_exit_code_how_it_ended(
    frontend: Any, hedgerow: Hedgerow, task: MakeTask, state: str, exit_code: int
) -> None:
    frontend.answers = {SUBMIT: ACCEPTED, EVENTS: "", TASK: (200, task(state=state))}
    result = hedgerow("problem", "submit", "Count bicycles", "--wait", "--json")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (exit_code, state)


def test_wait_gives_up_with_exit_code_4(frontend: Any, hedgerow: Hedgerow, task: MakeTask) -> None:
    frontend.answers = {SUBMIT: ACCEPTED, EVENTS: "retry: 1\n\n", TASK: (200, task(state="RUNNING"))}
    result = hedgerow("problem", "submit", "Count bicycles", "--wait", "--timeout", 0, "--json")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "task 3.1 has not ended within 0 s" in result.stderr


def test_a_time_out_needs_something_to_wait_for(frontend: Any, hedgerow: Hedgerow) -> None:
    result = hedgerow("problem", "submit", "Count bicycles", "--timeout", 3)
    assert (result.exit_code, result.stderr, frontend.asked) == (2, "error: --timeout needs --wait\n", [])


def test_an_interrupted_wait_leaves_the_task_alone(
    frontend: Any, hedgerow: Hedgerow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hedgerow_launch.follow.Follower.wait", interrupt)
    frontend.answers = {SUBMIT: ACCEPTED}
    result = hedgerow("problem", "submit", "Count bicycles", "--wait")
    assert result.exit_code == 130
    assert "hedgerow task cancel 3 1" in result.stderr


def test_a_refused_problem_is_one_line_with_the_field(frontend: Any, hedgerow: Hedgerow) -> None:
    detail = "goal: 'flying' unknown; known: image-classification"
    frontend.answers = {SUBMIT: (422, {"title": "Unprocessable Entity", "detail": detail, "field": "goal"})}
    result = hedgerow("problem", "submit", "Count bicycles", "--goal", "flying")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"error: {detail}\n")


def test_show_prints_the_outputs_as_a_table(frontend: Any, hedgerow: Hedgerow, task: MakeTask) -> None:
    frontend.answers = {TASK: (200, task())}
    result = hedgerow("problem", "show", 3, 1)
    shown = " ".join(result.stdout.split())
    assert "task 3.1: SUCCEEDED" in shown
    for words in ("object-detection 0.91", "text", "12.3 ms", "10 – 15 ms", "measured", "jetson"):
        assert words in shown
    assert "asked: Count bicycles" in result.stderr


@pytest.mark.parametrize("command", [("show", 3, 1), ("submit", "Count bicycles", "--wait")])
def test_each_limit_is_shown_with_its_verdict(
    frontend: Any, hedgerow: Hedgerow, task: MakeTask, command: tuple[object, ...]
) -> None:
    frontend.answers = {TASK: (200, task()), SUBMIT: ACCEPTED, EVENTS: ""}
    shown = hedgerow("problem", *command).stdout
    row = next(line for line in shown.splitlines() if line.startswith("│ limits"))
    assert "missed" in row
    assert "10 – 15 ms" in row
    assert "latency at most 10 ms: missed by 2.3 ms" in shown


def test_show_json_prints_exactly_the_task_object(frontend: Any, hedgerow: Hedgerow, task: MakeTask) -> None:
    frontend.answers = {TASK: (200, task())}
    assert json.loads(hedgerow("problem", "show", 3, 1, "--json").stdout) == EXPECTED


def test_show_json_of_a_problem_holds_its_iterations(frontend: Any, hedgerow: Hedgerow, task: MakeTask) -> None:
    problem = {"problem_id": 3, "title": "Count bicycles", "iterations": [task(), task(iteration_id=2)]}
    frontend.answers = {"GET /api/v1/problems/3": (200, problem)}
    second = {**EXPECTED, "task": {"problem_id": 3, "iteration_id": 2}}
    shown = json.loads(hedgerow("problem", "show", 3, "--json").stdout)
    assert shown == {"problem_id": 3, "iterations": [EXPECTED, second]}
    listed = hedgerow("problem", "show", 3).stdout
    assert "SUCCEEDED" in listed
    assert listed.count("1 missed") == 2


def test_an_unknown_problem_names_the_known_ones(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {"GET /api/v1/problems/9": (404, {"detail": "problem 9 unknown; known: 1 to 3"})}
    result = hedgerow("problem", "show", 9)
    assert (result.exit_code, result.stderr) == (1, "error: problem 9 unknown; known: 1 to 3\n")


def test_list(frontend: Any, hedgerow: Hedgerow) -> None:
    latest = {"iteration_id": 2, "state": "RUNNING"}
    created = "2026-11-21T05:13:00.000Z"
    item = {"problem_id": 3, "title": "Count [bold]", "created_at": created, "iterations": 2, "latest": latest}
    page = {"items": [item], "next": "abc"}
    frontend.answers = {"GET /api/v1/problems": (200, page)}
    assert json.loads(hedgerow("problem", "list", "--limit", 1, "--json").stdout) == page
    result = hedgerow("problem", "list", "--cursor", "x y")
    assert "Count [bold]" in result.stdout
    assert result.stderr == "more: hedgerow problem list --cursor abc\n"
    assert frontend.lines() == ["GET /api/v1/problems?limit=1", "GET /api/v1/problems?limit=50&cursor=x+y"]


EXPORT = "GET /api/v1/problems/3/export"


def test_export_prints_the_file_as_it_comes(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {EXPORT: "a,b\r\n'=1,é\r\n"}
    result = hedgerow("problem", "export", 3, "--format", "csv")
    assert (result.exit_code, result.stdout_bytes) == (0, "a,b\r\n'=1,é\r\n".encode())
    assert frontend.lines() == [f"{EXPORT}?format=csv"]


def test_export_writes_the_file_that_is_named(frontend: Any, hedgerow: Hedgerow, tmp_path: Path) -> None:
    frontend.answers = {EXPORT: "<!doctype html>"}
    result = hedgerow("problem", "export", 3, "--format", "html", "--output", tmp_path / "p.html")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "p.html").read_text() == "<!doctype html>"
    assert "15 bytes" in result.stderr


def test_export_is_json_where_nothing_is_said_and_knows_no_other_format(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {EXPORT: (200, {"schema": "hedgerow/problem-export"})}
    assert json.loads(hedgerow("problem", "export", 3).stdout) == {"schema": "hedgerow/problem-export"}
    assert hedgerow("problem", "export", 3, "--format", "pdf").exit_code == 2
    assert frontend.lines() == [f"{EXPORT}?format=json"]


def test_a_file_that_cannot_be_written_is_one_line(frontend: Any, hedgerow: Hedgerow, tmp_path: Path) -> None:
    frontend.answers = {EXPORT: "x"}
    result = hedgerow("problem", "export", 3, "--output", tmp_path / "no" / "p.json")
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr
