"""What the older systems could not: any order of starts, 600 tasks, restarts that repeat nothing, kill -9."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from cyclonedds.idl import IdlStruct
from running import KINDS, TRIVIAL_NODE, System, wait_for

from hedgerow_idl import AppRequirements, Header, NodeInfo, TaskId, uint32, wire_type
from hedgerow_idl.topics import BY_NAME, Topic
from hedgerow_nodes.core.cyclone_bus import CycloneBus

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.mark.parametrize("orchestrator_at", [0, 3, 6])
def test_nodes_come_to_idle_in_whatever_order_they_start(system: System, orchestrator_at: int) -> None:
    for position, kind in enumerate(KINDS):
        if position == orchestrator_at:
            system.start_orchestrator()
        system.start_node(kind)
    if orchestrator_at == len(KINDS):
        system.start_orchestrator()
    system.wait_ready()
    wait_for(lambda: [system.node_state(kind) for kind in KINDS] == ["IDLE"] * len(KINDS))


@pytest.mark.long
def test_600_tasks_one_after_another_pass_through_one_set_of_nodes(system: System) -> None:
    system.start_all()
    for number in range(1, 601):
        key = system.submit(f"task {number}")
        assert key == (number, 1)
        task = system.finish(key)
        assert task["state"] == "SUCCEEDED"
        assert task["stages"]["app_requirements"]["output"]["explanation"] == f"for task {number}"


def test_20_problems_at_once_all_end(system: System) -> None:
    system.start_all()
    keys = [system.submit(f"refuse {i}" if i % 5 == 0 else f"problem {i}") for i in range(20)]
    assert len(set(keys)) == 20
    for i, key in enumerate(keys):
        task = system.finish(key)
        if i % 5 == 0:
            assert task["state"] == "FAILED"
            assert task["error"]["code"] == "TOO_VAGUE"
        else:
            assert task["state"] == "SUCCEEDED"
    assert system.projection_differences() == []


def test_iterations_get_the_outputs_of_the_one_they_began_from(system: System) -> None:
    system.start_all()
    system.finish(system.submit("first"))
    for expected, text in ((2, "second"), (3, "third")):
        body = {"problem_id": 1, "from_iteration": 1, "changes": {"text": text}}
        assert system.ask("problem.iterate", body)["task"] == {"problem_id": 1, "iteration_id": expected}
        task = system.finish((1, expected))
        first = system.task((1, 1))["stages"]["ml_model_provider"]["output"]["chosen"]
        assert task["stages"]["ml_model_provider"]["output"]["explanation"] == f"before: {first}"


def test_a_restarted_node_runs_no_past_task_again(system: System, tmp_path: Path) -> None:
    record = tmp_path / "record"
    configuration = json.dumps({"record": str(record)})
    system.start_orchestrator()
    for kind in KINDS:
        system.start_node(kind, "--configuration", configuration if kind == "hw_resources" else "{}")
    system.wait_ready()
    for number in range(5):
        system.finish(system.submit(f"before {number}"))
    system.kill("hw_resources")
    wait_for(lambda: system.node_state("hw_resources") == "INACTIVE")
    system.start_node("hw_resources", "--configuration", configuration)
    wait_for(lambda: system.node_state("hw_resources") == "IDLE")
    system.finish(system.submit("after"))
    assert [json.loads(line) for line in record.read_text().splitlines()] == [[f"{n}.1", 1] for n in range(1, 7)]


def test_kill_9_of_the_orchestrator_amid_20_tasks(system: System, tmp_path: Path) -> None:
    hold, record = tmp_path / "hold", tmp_path / "record"
    hold.touch()
    system.start_orchestrator()
    for kind in KINDS:
        behaviour = {"hold_file": str(hold), "record": str(record)} if kind == "ml_model_provider" else {}
        system.start_node(kind, "--configuration", json.dumps(behaviour))
    system.wait_ready()
    keys = [system.submit(f"task {number}") for number in range(20)]
    wait_for(lambda: record.exists() and record.read_text())
    system.kill("orchestrator")
    system.start_orchestrator()
    hold.unlink()
    for number, key in enumerate(keys):
        task = system.finish(key)
        assert task["state"] == "SUCCEEDED"
        text = f"task {number}"
        seen = f"{text[::-1]}|for {text}|{len(text)}"
        assert task["stages"]["ml_model_provider"]["output"]["chosen"] == f"model for {seen}"
        assert task["stages"]["ml_model_provider"]["attempt"] == 1
    assert system.projection_differences() == []
    runs = [json.loads(line)[0] for line in record.read_text().splitlines()]
    assert sorted(runs) == sorted(f"{problem}.{iteration}" for problem, iteration in keys)


def test_work_of_a_killed_node_is_done_again_by_the_next(system: System, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    system.start_orchestrator()
    for kind in KINDS:
        behaviour = {"hold_file": str(hold)} if kind == "hw_constraints" else {}
        system.start_node(kind, "--configuration", json.dumps(behaviour))
    system.wait_ready()
    key = system.submit("survive")
    wait_for(lambda: system.node_state("hw_constraints") == "RUNNING")
    system.kill("hw_constraints")
    hold.unlink()
    system.start_node("hw_constraints")
    task = system.finish(key)
    assert task["state"] == "SUCCEEDED"
    assert task["stages"]["hw_constraints"]["attempt"] == 2
    assert {stage["attempt"] for name, stage in task["stages"].items() if name != "hw_constraints"} == {1}


def test_cancel_reaches_the_node(system: System, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    system.start_orchestrator()
    for kind in KINDS:
        behaviour = {"hold_file": str(hold)} if kind == "hw_constraints" else {}
        system.start_node(kind, "--configuration", json.dumps(behaviour))
    system.wait_ready()
    key = system.submit("never mind")
    wait_for(lambda: system.node_state("hw_constraints") == "RUNNING")
    assert system.ask("task.cancel", {"problem_id": key[0], "iteration_id": key[1]})["state"] == "CANCELLED"
    wait_for(lambda: system.node_state("hw_constraints") == "IDLE")
    hold.unlink()
    assert system.finish(system.submit("the next"))["state"] == "SUCCEEDED"


@wire_type
class Stranger(IdlStruct, typename="stranger.Thing"):
    """A type of somebody else's, under a name of ours."""

    number: uint32 = 0


def test_a_foreign_participant_does_no_harm(system: System) -> None:
    system.start_all()
    with CycloneBus(system.environment) as foreign:
        for name in ("hedgerow/user_input", "hedgerow/node_status", "hedgerow/command_answer"):
            topic = Topic(name, Stranger, BY_NAME[name].profile, "a stranger", ())
            foreign.writer(topic).write(Stranger(number=7))
        lies = foreign.writer(BY_NAME["hedgerow/app_requirements"])
        for task in (TaskId(), TaskId(problem_id=1, iteration_id=1), TaskId(problem_id=4_000_000_000, iteration_id=9)):
            header = Header(task=task, attempt=1, node_id="nobody", stage="app_requirements", stamped_at_s=1.0)
            lies.write(AppRequirements(header=header, explanation="a lie"))
        infos = foreign.writer(BY_NAME["hedgerow/node_info"])
        infos.write(NodeInfo(node_id="x", incarnation=2**64 - 1, kind="hw_resources", name="liar"))
        infos.write(NodeInfo(node_id="y", kind="odd", output_topic="odd/Thing", output_schema="[" * 70_000))
        foreign.flush()
        task = system.finish(system.submit("the truth"))
        assert task["state"] == "SUCCEEDED"
        assert task["stages"]["app_requirements"]["output"]["explanation"] == "for the truth"
        assert system.processes["orchestrator"].poll() is None


def test_every_process_leaves_with_0_and_says_goodbye(system: System) -> None:
    system.start_all()
    node = system.processes.pop("hw_resources")
    os.kill(node.pid, signal.SIGINT)
    assert node.wait(10) == 0
    wait_for(lambda: [e for e in system.reader.events(limit=200) if e["kind"] == "node.left"])
    assert set(system.stop().values()) == {0}


def test_a_second_node_of_the_same_name_is_refused(system: System) -> None:
    system.start_all()
    twin = system.start("twin", [TRIVIAL_NODE, "hw_resources"])
    assert twin.wait(20) == 2
    pid = system.processes["hw_resources"].pid
    assert f"already runs in {system.environment.home} with pid {pid}" in system.log_of("twin")
