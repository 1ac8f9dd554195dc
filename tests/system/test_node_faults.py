"""Faults of a node: stopped, out of memory, raising, leaving by `os._exit`; the others and the next task live."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import KINDS, LOOK_AGAIN, TRIVIAL_NODE, System, wait_for
from up_system import UpSystem, trivial_launch_file, up_system

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PIPELINE = """
extends = "advice"
name = "impatient"

[stages.app_requirements]
inputs = ["user_input"]
attempts = 2
losses = 2
backoff_s = 0.05
"""
LOST = "SELECT count(*) FROM event WHERE kind = 'node.lost'"
MEMORY_LIMIT_BYTES = 400_000_000


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpSystem]:
    """A system under the supervisor in which one node has a memory limit, and words in the text make it misbehave."""
    folder = tmp_path_factory.mktemp("faulty")
    limit = {"app_requirements": f"memory_limit_bytes = {MEMORY_LIMIT_BYTES}"}
    with up_system(folder / "home", str(trivial_launch_file(folder, more=limit, pipeline=PIPELINE))) as system:
        yield system
        system.down()


def fails(system: UpSystem, text: str) -> list[tuple[str, str, str]]:
    """A task with this text fails; how each attempt at the stage at fault ended. The next task is served."""
    others = {name: child.pid for name, child in system.children().items() if name != "app_requirements"}
    key = system.submit(text)
    assert system.finish(key)["state"] == "FAILED"
    assert system.finish(system.submit("the next"))["state"] == "SUCCEEDED"
    wait_for(lambda: system.node_state("app_requirements") == "IDLE")
    assert {name: child.pid for name, child in system.children().items() if name in others} == others
    sql = "SELECT state, error_code, reason FROM attempt WHERE problem_id = ? AND stage = ? ORDER BY attempt"
    return system.query(sql, key[0], "app_requirements")  # type: ignore[return-value]


def test_a_callback_that_raises_fails_once_each_attempt_with_type_and_message(faulty: UpSystem) -> None:
    pid = faulty.children()["app_requirements"].pid
    attempts = fails(faulty, "raise")
    assert attempts == [("FAILED", "EXCEPTION", "ValueError: text 'raise' asks for an exception")] * 2
    assert faulty.children()["app_requirements"].pid == pid


def test_a_callback_that_eats_memory_gets_no_more_than_its_node_may_have(faulty: UpSystem) -> None:
    attempts = fails(faulty, "eat memory")
    assert len(attempts) >= 2
    # Either Python was told that there is no more, or a library could not bear it and the process ended.
    ends = {(state, code) for state, code, _ in attempts}
    assert ends <= {("FAILED", "EXCEPTION"), ("CANCELLED", "NODE_LOST"), ("FAILED", "NODE_LOST")}
    assert all("MemoryError" in reason for _, code, reason in attempts if code == "EXCEPTION")
    assert faulty.children()["app_requirements"].memory_info().rss < MEMORY_LIMIT_BYTES


def test_a_callback_that_exits_is_a_loss_each_time_and_in_the_end_a_failure(faulty: UpSystem) -> None:
    attempts = fails(faulty, "os._exit")
    assert [(state, code) for state, code, _ in attempts] == [("CANCELLED", "NODE_LOST")] * 2 + [
        ("FAILED", "NODE_LOST")
    ]
    assert "that was loss 3, the pipeline allows 2" in attempts[-1][2]
    assert "app_requirements exited with code 3" in faulty.log_of("up")


def start_held(system: System, folder: Path, replicas: int) -> tuple[Path, Path]:
    """Trivial nodes, with replicas of hw_constraints; it and the last stage wait while the files returned are there."""
    holds = folder / "hold-hw_constraints", folder / "hold-carbon_footprint"
    system.start_orchestrator()
    for kind in KINDS:
        hold = folder / f"hold-{kind}"
        behaviour = ["--configuration", json.dumps({"hold_file": str(hold)})] if hold in holds else []
        system.start_node(kind, *behaviour)
        if kind == "hw_constraints":
            for number in range(2, replicas + 1):
                name = f"{kind}_{number}"
                system.start(name, [TRIVIAL_NODE, kind, "--name", name, *behaviour])
    system.wait_ready(60.0)
    names = [name for name in system.processes if name != "orchestrator"]
    wait_for(lambda: [system.node_state(name) for name in names] == ["IDLE"] * len(names))
    for hold in holds:
        hold.touch()
    return holds


def at_work(system: System, key: tuple[int, int], attempt: int = 1) -> str:
    """Wait until an attempt at hw_constraints runs; the name of the node that is at it."""

    def name() -> str:
        stage: dict[str, Any] = system.task(key)["stages"]["hw_constraints"]
        running = (stage["state"], stage["attempt"]) == ("RUNNING", attempt)
        return stage["node"] if running and system.node_state(stage["node"]) == "RUNNING" else ""

    return wait_for(name)


def test_a_node_that_stands_still_for_less_than_its_lease_is_not_missed(system: System, tmp_path: Path) -> None:
    hold, last = start_held(system, tmp_path, replicas=1)
    last.unlink()
    # On a machine so busy that processes stand still by themselves the pauses add up; one try of three must pass.
    tries = [pauses(system, hold, f"pause {number}") for number in range(3)]
    print(f"\nSIGSTOP for half a lease: 3 tries of 3 pauses, attempts needed by each stage: {tries}")
    assert {1} in tries


def pauses(system: System, hold: Path, text: str) -> set[int]:
    """One task whose node is stopped three times amid its work; how many attempts its stages needed."""
    hold.touch()
    key = system.submit(text)
    node = system.processes[at_work(system, key)]
    lost = system.query(LOST)
    for _ in range(3):
        os.kill(node.pid, signal.SIGSTOP)
        LOOK_AGAIN.wait(0.5)
        os.kill(node.pid, signal.SIGCONT)
        LOOK_AGAIN.wait(0.3)
    hold.unlink()
    task = system.finish(key)
    assert task["state"] == "SUCCEEDED"
    attempts = {stage["attempt"] for stage in task["stages"].values()}
    assert attempts == {1} or system.query(LOST) != lost
    return attempts


def test_a_node_that_stands_still_for_longer_is_replaced_and_comes_back(system: System, tmp_path: Path) -> None:
    hold, last = start_held(system, tmp_path, replicas=2)
    key = system.submit("stand still")
    first = at_work(system, key)
    os.kill(system.processes[first].pid, signal.SIGSTOP)
    wait_for(lambda: system.node_state(first) == "INACTIVE")
    second = at_work(system, key, attempt=2)
    assert {first, second} == {"hw_constraints", "hw_constraints_2"}
    hold.unlink()
    wait_for(lambda: system.task(key)["stages"]["hw_constraints"]["state"] == "SUCCEEDED")
    os.kill(system.processes[first].pid, signal.SIGCONT)
    wait_for(lambda: system.node_state(first) == "IDLE")
    outputs = wait_for(lambda: len(found := outputs_of(system, key)) == 2 and found)
    assert sorted(outputs) == [(1, False), (2, True)]
    last.unlink()
    task = system.finish(key)
    assert (task["state"], task["stages"]["hw_constraints"]["node"]) == ("SUCCEEDED", second)
    system.kill(second)
    wait_for(lambda: system.node_state(second) == "INACTIVE")
    served = system.finish(system.submit("serve again"))
    assert (served["state"], served["stages"]["hw_constraints"]["node"]) == ("SUCCEEDED", first)
    assert system.projection_differences() == []


def outputs_of(system: System, key: tuple[int, int]) -> list[tuple[int, bool]]:
    """Attempt and acceptance of every output of hw_constraints that was stored for a task."""
    sql = "SELECT attempt, accepted FROM output WHERE problem_id = ? AND stage = 'hw_constraints'"
    return [(attempt, bool(accepted)) for attempt, accepted in system.query(sql, key[0])]
