"""The wall clock of every process is set forward and back by an hour while tasks run: nothing comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from debian_tools import need
from running import KINDS, System, wait_for

from hedgerow_nodes.core.environment import Environment

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
HOUR_S = 3600.0


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """The file that says by how much the wall clock of the system's processes is off."""
    need("faketime", file=LIBRARY)
    file = tmp_path / "clock"
    file.write_text("+0s\n")
    return file


@pytest.fixture
def shifted(hedgerow_environment: Environment, clock: Path) -> Iterator[System]:
    """A system whose processes read their wall clock through `clock`, and their monotonic clock as it is."""
    variables = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    system = System(hedgerow_environment, variables)
    yield system
    system.stop()


def stamps(system: System) -> list[float]:
    """When the events so far happened, by the orchestrator's wall clock."""
    return [datetime.fromisoformat(row["at"]).timestamp() for row in system.reader.events(limit=1000)]


def last_seen(system: System) -> list[float]:
    """When the nodes were last heard, by the orchestrator's wall clock, and what their own says."""
    return [datetime.fromisoformat(node["last_seen_at"]).timestamp() for node in system.reader.nodes()]


def test_steps_of_an_hour_change_no_outcome(shifted: System, clock: Path, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    shifted.start_orchestrator()
    for kind in KINDS:
        behaviour = {"hold_file": str(hold)} if kind == "ml_model_provider" else {}
        shifted.start_node(kind, "--configuration", json.dumps(behaviour))
    shifted.wait_ready()
    began_s = stamps(shifted)[0]
    keys = []
    for off_s in (HOUR_S, -HOUR_S):
        hold.touch()
        keys += [shifted.submit(f"off by {off_s:g} s, number {number}") for number in range(3)]
        wait_for(lambda: shifted.node_state("ml_model_provider") == "RUNNING")
        clock.write_text(f"{off_s:+g}s\n")
        # Every node is heard after the step: by two heartbeats, for one may have been under way.
        since_s = began_s + off_s
        wait_for(lambda since_s=since_s: all(abs(seen_s - since_s) < HOUR_S / 2 for seen_s in last_seen(shifted)))
        hold.unlink()
        for key in keys[-3:]:
            shifted.finish(key)
    states = {(key, stage["state"], stage["attempt"]) for key in keys for stage in shifted.task(key)["stages"].values()}
    assert states == {(key, "SUCCEEDED", 1) for key in keys}
    kinds = {event.kind for event in shifted.events()}
    assert not kinds & {"node.lost", "node.left", "stage.retry", "stage.timed_out", "node.restart_wanted"}
    assert max(stamps(shifted)) - min(stamps(shifted)) > 1.9 * HOUR_S
    assert {shifted.node_state(kind) for kind in KINDS} == {"IDLE"}
