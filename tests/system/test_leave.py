"""A node that is told to leave, by a signal or by command, is seen as gone soon after."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from datetime import datetime

import pytest
from running import System, wait_for

from hedgerow_nodes.core.environment import Environment

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LEAVES = 20
LEFT_WITHIN_S = 0.3

WAITS_LONG = """
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.signals import leave_on_signals

left = []
with CycloneBus(Environment.read()) as bus:
    leave_on_signals(lambda: left.append(True), bus.wake)
    print("waiting", flush=True)
    while not left:
        bus.wait(3600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_wait_on_the_bus(hedgerow_environment: Environment, number: signal.Signals) -> None:
    variables = {**os.environ, **hedgerow_environment.variables()}
    with subprocess.Popen([sys.executable, "-c", WAITS_LONG], env=variables, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waiting\n"
        process.send_signal(number)
        assert process.wait(60) == 0


def leave(system: System, way: str) -> float:
    """Start a node, have it leave, and say how long after that the orchestrator stored that it has left."""
    after_id = len(system.events())
    system.start_node("hw_resources")
    wait_for(lambda: system.node_state("hw_resources") == "IDLE")
    process = system.processes.pop("hw_resources")
    told_s = time.time()
    if way == "SIGTERM":
        process.send_signal(signal.SIGTERM)
    else:
        assert system.ask("node.command", {"node": "hw_resources", "command": "TERMINATE"})["code"] == "ACCEPTED"

    def left_s() -> float | None:
        rows = system.reader.events(after_id=after_id)
        ats = [datetime.fromisoformat(row["at"]).timestamp() for row in rows if row["kind"] == "node.left"]
        return ats[0] if ats else None

    took_s = wait_for(left_s) - told_s
    assert process.wait(10) == 0
    return took_s


@pytest.mark.parametrize("way", ["SIGTERM", "TERMINATE"])
def test_a_node_that_leaves_is_seen_to_have_left(system: System, way: str) -> None:
    system.start_orchestrator()
    system.ask("health", {})
    leave(system, way)
    assert system.node_state("hw_resources") == "INACTIVE"
    assert "node.lost" not in {event.kind for event in system.events()}


@pytest.mark.chaos
@pytest.mark.parametrize("way", ["SIGTERM", "TERMINATE"])
def test_leaving_is_seen_within_the_promised_time(system: System, way: str) -> None:
    system.start_orchestrator()
    system.ask("health", {})
    took = sorted(leave(system, way) for _ in range(LEAVES))
    print(f"graceful leave by {way}: {LEAVES} trials, p50 {statistics.median(took):.3f} s, longest {took[-1]:.3f} s")
    assert took[-1] <= LEFT_WITHIN_S
