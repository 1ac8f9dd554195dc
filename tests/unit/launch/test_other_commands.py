"""`hedgerow task`, `node`, `down`, and what all commands have in common."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from hedgerow_launch.commands.node import parse_changes
from hedgerow_launch.failures import CommandFailure
from hedgerow_launch.lock import SystemLock

Hedgerow = Callable[..., Any]

NODE = {
    "node_id": "n-1",
    "name": "hw_resources",
    "kind": "hw_resources",
    "state": "IDLE",
    "incarnation": 4,
    "last_seen_at": "2026-11-21T05:13:00.000Z",
    "info": {"configuration": '{"depth": 3}', "host": "here"},
    "status": {"completed": 7},
}
GROUPS = {
    "problem": ["submit", "iterate", "cancel", "list", "show", "compare", "export", "choices"],
    "task": ["list", "cancel"],
    "node": ["list", "show", "start", "stop", "reset", "terminate", "config"],
    "topic": ["list", "echo", "hz"],
    "service": [
        *("check", "deploy", "list", "show", "start", "stop", "delete"),
        *("place", "migrate", "infer", "trace", "rates", "upload"),
    ],
    "worker": ["list", "show", "cordon", "uncordon", "drain", "measure"],
    "handler": ["list", "show"],
}


def test_tasks_are_listed_by_state(frontend: Any, hedgerow: Hedgerow) -> None:
    page = {"items": [{"task": {"problem_id": 3, "iteration_id": 1}, "state": "RUNNING"}], "next": None}
    frontend.answers = {"GET /api/v1/tasks": (200, page)}
    assert json.loads(hedgerow("task", "list", "--state", "running", "--json").stdout) == page
    assert hedgerow("task", "list").stdout.split()[4:6] == ["3.1", "RUNNING"]
    assert frontend.lines() == ["GET /api/v1/tasks?state=RUNNING&limit=50", "GET /api/v1/tasks?limit=50"]


def test_a_task_is_cancelled(frontend: Any, hedgerow: Hedgerow) -> None:
    answer = {"task": {"problem_id": 3, "iteration_id": 1}, "state": "CANCELLED"}
    frontend.answers = {"POST /api/v1/problems/3/iterations/1/cancel": (200, answer)}
    assert hedgerow("task", "cancel", 3, 1).stdout == "task 3.1: CANCELLED\n"
    assert json.loads(hedgerow("task", "cancel", 3, 1, "--json").stdout) == answer


def test_nodes_are_listed_and_shown(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {
        "GET /api/v1/nodes": (200, {"items": [NODE]}),
        "GET /api/v1/nodes/hw_resources": (200, NODE),
    }
    assert json.loads(hedgerow("node", "list", "--json").stdout) == {"items": [NODE]}
    assert "hw_resources" in hedgerow("node", "list").stdout
    assert json.loads(hedgerow("node", "show", "hw_resources", "--json").stdout) == NODE
    shown = hedgerow("node", "show", "hw_resources").stdout
    assert "completed" in shown
    assert "here" in shown


@pytest.mark.parametrize("command", ["start", "stop", "reset", "terminate"])
def test_a_node_is_commanded(frontend: Any, hedgerow: Hedgerow, command: str) -> None:
    answer = {"node_id": "n-1", "name": "hw_resources", "code": "ACCEPTED", "state": "IDLE", "reason": ""}
    frontend.answers = {"POST /api/v1/nodes/hw_resources/commands": (200, answer)}
    result = hedgerow("node", command, "hw_resources")
    assert result.stdout == f"hw_resources: {command.upper()} accepted, IDLE\n"
    assert frontend.asked[0].body == {"command": command.upper()}
    assert json.loads(hedgerow("node", command, "hw_resources", "--json").stdout) == answer


def test_a_refused_command_fails_with_the_nodes_reason(frontend: Any, hedgerow: Hedgerow) -> None:
    detail = "BEGIN refused in state ERROR; accepted there: RESET, STOP"
    frontend.answers = {"POST /api/v1/nodes/a/commands": (409, {"detail": detail})}
    result = hedgerow("node", "start", "a")
    assert (result.exit_code, result.stderr) == (1, f"error: {detail}\n")


def test_a_configuration_is_shown_and_changed(frontend: Any, hedgerow: Hedgerow) -> None:
    changed = {"node_id": "n-1", "code": "ACCEPTED", "configuration": {"depth": 4, "on": True}, "reason": ""}
    frontend.answers = {
        "GET /api/v1/nodes/hw_resources": (200, NODE),
        "PATCH /api/v1/nodes/hw_resources/configuration": (200, changed),
    }
    assert json.loads(hedgerow("node", "config", "hw_resources", "--json").stdout) == {"depth": 3}
    result = hedgerow("node", "config", "hw_resources", "--set", "depth=4", "--set", '{"on": true}', "--json")
    assert json.loads(result.stdout) == {"depth": 4, "on": True}
    assert frontend.asked[-1].body == {"depth": 4, "on": True}


def test_changes_are_json_or_text() -> None:
    assert parse_changes(["a=1", "b=x y", "c=[1]", "d=", "e=k=v", ' {"f": null}']) == {
        "a": 1,
        "b": "x y",
        "c": [1],
        "d": "",
        "e": "k=v",
        "f": None,
    }
    for wrong in ("a", "=1", "{a}"):
        with pytest.raises(CommandFailure, match="--set"):
            parse_changes([wrong])


def test_without_a_system_the_exit_code_is_3(
    hedgerow: Hedgerow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEDGEROW_URL", raising=False)
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    for command in (["problem", "list"], ["task", "list"], ["node", "list"], ["down"]):
        result = hedgerow(*command)
        assert (result.exit_code, result.stdout) == (3, "")
        assert result.stderr.startswith(f"error: no system runs in {tmp_path}")


def test_down_asks_politely_and_waits(hedgerow: Hedgerow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lock = SystemLock.acquire(tmp_path, 99)
    sent: list[tuple[int, int]] = []

    def kill(pid: int, number: int) -> None:
        sent.append((pid, number))
        lock.release()

    monkeypatch.setattr("os.kill", kill)
    monkeypatch.setattr("hedgerow_launch.commands.down._gone", lambda pid, timeout_s: True)
    result = hedgerow("down", "--json")
    assert (result.exit_code, sent) == (0, [(os.getpid(), 15)])
    assert json.loads(result.stdout) == {"pid": os.getpid(), "stopped": True}


def test_down_gives_up_with_exit_code_4(hedgerow: Hedgerow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lock = SystemLock.acquire(tmp_path, 99)
    monkeypatch.setattr("os.kill", lambda pid, number: None)
    result = hedgerow("down", "--timeout", 0)
    lock.release()
    assert result.exit_code == 4
    assert f"pid {os.getpid()} has not stopped within 0 s" in result.stderr


def test_an_unknown_command_names_the_known_ones(hedgerow: Hedgerow) -> None:
    result = hedgerow("serve")
    assert result.exit_code == 2
    known = "up, down, problem, task, node, topic, service, worker, handler, telemetry, doctor, demo"
    assert result.stderr.startswith(f"error: command 'serve' unknown; known: {known}")


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_names_its_commands(hedgerow: Hedgerow, group: str) -> None:
    for arguments, words in (
        (["none"], f"command 'none' unknown; known: {', '.join(GROUPS[group])}"),
        ([], f"command missing; known: {', '.join(GROUPS[group])}"),
    ):
        result = hedgerow(group, *arguments)
        assert (result.exit_code, result.stderr) == (2, f"error: {words}\n")
    for command in GROUPS[group]:
        assert "--json" in hedgerow(group, command, "--help").stdout


@pytest.mark.parametrize("command", ["up", "down", "doctor", "demo"])
def test_each_command_prints_json_if_asked(hedgerow: Hedgerow, command: str) -> None:
    assert "--json" in hedgerow(command, "--help").stdout


def test_an_unknown_option_names_the_known_ones(hedgerow: Hedgerow) -> None:
    result = hedgerow("problem", "list", "--limits", 3)
    assert result.exit_code == 2
    assert result.stderr == "error: option '--limits' unknown; known: --limit, --cursor, --json\n"


def test_a_value_of_the_wrong_kind_is_a_usage_error(hedgerow: Hedgerow) -> None:
    result = hedgerow("problem", "show", "three")
    assert result.exit_code == 2
    assert "three" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_version_is_printed(hedgerow: Hedgerow) -> None:
    result = hedgerow("--version")
    assert (result.exit_code, result.stdout.split()[0]) == (0, "hedgerow")


def test_without_a_command_the_help_is_printed(hedgerow: Hedgerow) -> None:
    result = hedgerow()
    assert result.exit_code == 0
    assert "problem" in result.stdout


@pytest.mark.parametrize(
    ("file", "says"), [("nothing.toml", "launch file 'nothing.toml' not found"), ("wrong.toml", "wrong.toml:2: a: ")]
)
def test_a_wrong_launch_file_starts_nothing(
    hedgerow: Hedgerow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, says: str
) -> None:
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.toml").write_text("# one\na = 1\n")
    result = hedgerow("up", file)
    assert result.exit_code == 2
    assert says in result.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("HEDGEROW_DOMAIN", "100"), ("HEDGEROW_PORT", "70000"), ("HEDGEROW_PORT", "x"), ("HEDGEROW_DISCOVERY", "magic")],
)
def test_a_wrong_variable_is_a_usage_error(
    hedgerow: Hedgerow, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = hedgerow("up")
    assert result.exit_code == 2
    assert f"{name}={value!r}" in result.stderr


def test_a_home_that_cannot_be_made_is_said(
    hedgerow: Hedgerow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path / "file" / "home"))
    result = hedgerow("up")
    assert result.exit_code == 1
    assert "file/home cannot be used (Not a directory); set HEDGEROW_HOME" in result.stderr


def joins(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    entry = EntryPoint("extra", target, "hedgerow.commands")
    monkeypatch.setattr("hedgerow_launch.command_group.entry_points", lambda group: [entry])


def test_a_command_of_another_package_joins(hedgerow: Hedgerow, monkeypatch: pytest.MonkeyPatch) -> None:
    joins(monkeypatch, "hedgerow_launch.commands.task:app")
    assert "list" in hedgerow("extra", "--help").stdout
    assert hedgerow("extra", "none").exit_code == 2
    assert "extra" in hedgerow("--help").stdout


def test_a_command_whose_extra_is_missing_says_so(hedgerow: Hedgerow, monkeypatch: pytest.MonkeyPatch) -> None:
    joins(monkeypatch, "not_installed_here.cli:app")
    result = hedgerow("extra", "check", "--all")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: command 'extra' is not installed: No module named 'not_installed_here'")
    assert "not installed" in hedgerow("--help").stdout
