"""The orchestrator is killed and stopped again and again under load: nodes live on, and nothing is done twice."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest
from chaos import Offerer
from running import KINDS, System, wait_for
from verdict import check_store, restarts, wait_until_all_ended

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

TASKS = 200
PER_S = 20.0
HOW = (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)
NODES = "SELECT name, node_id, incarnation FROM node ORDER BY name"


@pytest.mark.long
def test_work_goes_on_and_healthy_nodes_are_left_alone(system: System, tmp_path: Path) -> None:
    system.start_orchestrator()
    for kind in KINDS:
        behaviour = {"work_s": 0.01, "record": str(tmp_path / kind)}
        system.start_node(kind, "--configuration", json.dumps(behaviour))
    system.wait_ready(60.0)
    nodes = system.query(NODES)
    pids = {kind: system.processes[kind].pid for kind in KINDS}
    offered: list[tuple[int, int]] = []

    def offer() -> None:
        offered.extend(Offerer(system).offer_all(PER_S, lambda so_far: so_far < TASKS, lambda number: f"task {number}"))

    offering = threading.Thread(target=offer)
    offering.start()
    for how in HOW:
        wait_for(lambda: system.open_tasks() > 0)
        before = restarts(system)
        orchestrator = system.processes.pop("orchestrator")
        orchestrator.send_signal(how)
        assert orchestrator.wait(30) == (0 if how is signal.SIGTERM else -how)
        system.start_orchestrator()
        wait_for(lambda before=before: restarts(system) > before, 60.0)  # type: ignore[misc]
        done = succeeded_stages(system)
        wait_for(lambda done=done: succeeded_stages(system) > done, 60.0)  # type: ignore[misc]
    offering.join()
    wait_until_all_ended(system, 60.0)
    check_store(system, offered)
    assert len(offered) == TASKS
    assert restarts(system) == len(HOW) + 1
    assert system.query(NODES) == nodes
    assert {kind: system.processes[kind].pid for kind in KINDS if system.processes[kind].poll() is None} == pids
    assert system.query("SELECT DISTINCT attempt FROM stage_now") == [(1,)]
    for kind in KINDS:
        calls = Counter(line for line in (tmp_path / kind).read_text().splitlines())
        assert set(calls.values()) == {1}, f"{kind} was called more than once for the same attempt"
        assert len(calls) == TASKS


def succeeded_stages(system: System) -> int:
    """How many stages have been done."""
    return int(system.query("SELECT count(*) FROM stage_now WHERE state = 'SUCCEEDED'")[0][0])
