"""Trouble on the bus with real processes: two under one node id, and two orchestrators in one domain."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import KINDS, TRIVIAL_NODE, System, wait_for

from hedgerow_nodes.core.testing import LaunchedSystem

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


@pytest.fixture
def elsewhere(system: System) -> Iterator[LaunchedSystem]:
    """Another home in the same domain."""
    home = system.environment.home.parent / "elsewhere"
    own = {"HEDGEROW_HOME": str(home), "HEDGEROW_STORE": "", "HEDGEROW_BLOBS": ""}
    other = LaunchedSystem(system.environment.read(system.environment.variables() | own))
    yield other
    other.stop()


def copy_identity(system: System, other: LaunchedSystem, name: str) -> None:
    """What copying a home does to a node: the same id is used a second time."""
    folder = other.environment.home / "nodes"
    folder.mkdir(parents=True)
    shutil.copy(system.environment.home / "nodes" / f"{name}.json", folder)


def duplicates(system: System) -> list[dict[str, object]]:
    components = system.ask("health", {})["components"]
    return [component for component in components if component["name"].startswith("duplicate ")]


def calls(record: Path) -> list[list[object]]:
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


def test_of_two_processes_under_one_id_the_last_one_works_and_the_other_takes_its_place(
    system: System, elsewhere: LaunchedSystem, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    system.start_orchestrator()
    for kind in KINDS:
        recorded = {"record": str(first)} if kind == "hw_resources" else {}
        system.start_node(kind, "--configuration", json.dumps(recorded))
    system.wait_ready()
    assert system.finish(system.submit("alone"))["state"] == "SUCCEEDED"
    copy_identity(system, elsewhere, "hw_resources")
    configuration = json.dumps({"record": str(second)})
    twin = elsewhere.start("twin", [TRIVIAL_NODE, "hw_resources", "--configuration", configuration])
    (told,) = wait_for(lambda: [event for event in system.events() if event.kind == "node.duplicate"])
    pids = {use: json.loads(told.body)[use]["pid"] for use in ("used", "unused")}
    assert pids == {"used": twin.pid, "unused": system.processes["hw_resources"].pid}
    (component,) = duplicates(system)
    assert f"pid {twin.pid}" in str(component["detail"])
    for number in range(5):
        task = system.finish(system.submit(f"doubled {number}"))
        assert (task["state"], task["stages"]["hw_resources"]["attempt"]) == ("SUCCEEDED", 1)
    assert (len(calls(first)), len(calls(second))) == (1, 5)
    assert system.ask("node.command", {"node": "hw_resources", "command": "STOP"})["state"] == "INITIALIZING"
    assert system.ask("node.command", {"node": "hw_resources", "command": "START"})["code"] == "ACCEPTED"
    elsewhere.kill("twin")
    wait_for(lambda: not duplicates(system) and system.node_state("hw_resources") == "IDLE")
    assert system.finish(system.submit("alone again"))["state"] == "SUCCEEDED"
    assert (len(calls(first)), len(calls(second))) == (2, 5)
    assert len([event for event in system.events() if event.kind == "node.duplicate"]) == 1
    assert system.projection_differences() == []


def test_a_second_orchestrator_refuses_and_names_the_first(system: System, elsewhere: LaunchedSystem) -> None:
    system.start_all()
    second = elsewhere.start("orchestrator", ["-m", "hedgerow_orchestrator"])
    assert second.wait(20) == 2
    first = f"pid {system.processes['orchestrator'].pid} on host {socket.gethostname()}, home {system.environment.home}"
    assert first in elsewhere.log_of("orchestrator")
    assert "HEDGEROW_DOMAIN" in elsewhere.log_of("orchestrator")
    assert system.finish(system.submit("still served"))["state"] == "SUCCEEDED"
    assert {node["kind"] for node in system.reader.nodes()} == set(KINDS)


def test_of_two_orchestrators_that_start_at_once_one_stays(system: System, elsewhere: LaunchedSystem) -> None:
    for _ in range(3):
        processes = [one.start("orchestrator", ["-m", "hedgerow_orchestrator"]) for one in (system, elsewhere)]
        wait_for(lambda both=processes: [process.poll() for process in both].count(2) == 1)
        (stays,) = [process for process in processes if process.poll() is None]
        wait_for(lambda: system.client.call("health", {}, 5.0).body["components"])
        assert stays.poll() is None
        for one in (system, elsewhere):
            one.kill("orchestrator")


def test_an_orchestrator_that_was_killed_is_no_rival_of_its_next_start(system: System) -> None:
    system.start_all()
    system.kill("orchestrator")
    system.start_orchestrator()
    system.wait_ready()
    assert system.finish(system.submit("after the kill"))["state"] == "SUCCEEDED"
