"""The wall clock of every process is set forward and back by an hour while tasks run: nothing comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from running import KINDS, System, wait_for
from shifted_clock import HOUR_S, new_clock, set_clock, shift_variables

from hedgerow_nodes.core.environment import Environment

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """The file that says by how much the wall clock of the system's processes is off."""
    return new_clock(tmp_path)


@pytest.fixture
def shifted(hedgerow_environment: Environment, clock: Path, tmp_path: Path) -> Iterator[System]:
    """A system whose processes read their wall clock through `clock`, and their monotonic clock as it is."""
    system = System(hedgerow_environment, shift_variables(tmp_path, clock))
    yield system
    system.stop()


def stamps(system: System) -> list[float]:
    """When the events so far happened, by the orchestrator's wall clock."""
    return [datetime.fromisoformat(row["at"]).timestamp() for row in system.reader.events(limit=1000)]


def all_heard_at(system: System, wall_s: float) -> bool:
    """Every node has been heard since the wall clock was set to about this."""
    seen = [datetime.fromisoformat(node["last_seen_at"]).timestamp() for node in system.reader.nodes()]
    return all(abs(seen_s - wall_s) < HOUR_S / 2 for seen_s in seen)


def whereabouts(system: System) -> str:
    """When each node was last heard, and what the orchestrator says."""
    return "\n".join([*(f"{node['name']}: {node['last_seen_at']}" for node in system.reader.nodes()), system.logs()])


def test_steps_of_an_hour_change_no_outcome(shifted: System, clock: Path, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    shifted.start_orchestrator()
    for kind in KINDS:
        behaviour = {"hold_file": str(hold)} if kind == "ml_model_provider" else {}
        shifted.start_node(kind, "--configuration", json.dumps(behaviour))
    shifted.wait_ready()
    began_s = stamps(shifted)[0]
    keys = []
    for off_s in (HOUR_S, 0, -HOUR_S):
        hold.touch()
        keys += [shifted.submit(f"off by {off_s} s, number {number}") for number in range(3)]
        wait_for(lambda: shifted.node_state("ml_model_provider") == "RUNNING")
        set_clock(clock, off_s)
        # Rows of nodes are stored every few seconds, far longer than a lease: who fell silent has been lost by then.
        wait_for(lambda wall_s=began_s + off_s: all_heard_at(shifted, wall_s), 45, lambda: whereabouts(shifted))
        hold.unlink()
        for key in keys[-3:]:
            shifted.finish(key)
    states = {(key, stage["state"], stage["attempt"]) for key in keys for stage in shifted.task(key)["stages"].values()}
    assert states == {(key, "SUCCEEDED", 1) for key in keys}
    kinds = {event.kind for event in shifted.events()}
    assert not kinds & {"node.lost", "node.left", "stage.retry", "stage.timed_out", "node.restart_wanted"}
    assert max(stamps(shifted)) - min(stamps(shifted)) > 1.9 * HOUR_S
    wait_for(lambda: {shifted.node_state(kind) for kind in KINDS} == {"IDLE"})
