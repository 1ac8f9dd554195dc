"""The lease that a process announces: the others wait for as long, by their own clocks, and none asks for less."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgerow_idl import NodeStatus
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Kind
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain

STATUS = BY_NAME["hedgerow/node_status"]
SPEAKER = """
import sys, time
from hedgerow_idl import NodeStatus
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
given = [float(lease) for lease in sys.argv[1:]]
bus = CycloneBus(Environment.read(), *given)
writer = bus.writer(BY_NAME["hedgerow/node_status"])
while True:
    writer.write(NodeStatus(node_id="speaker"))
    bus.flush()
    time.sleep(0.1)
"""


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CycloneBus]:
    """A place on the bus with the lease that all nodes have."""
    with free_domain() as domain:
        environment = Environment.read({"HEDGEROW_HOME": str(tmp_path), "HEDGEROW_DOMAIN": str(domain)})
        for name, value in environment.variables().items():
            monkeypatch.setenv(name, value)
        with CycloneBus(environment) as bus:
            yield bus


@pytest.mark.parametrize(("told", "lease_s"), [((), 1.0), (("0.5",), 0.5), (("2.5",), 2.5)])
def test_a_killed_process_is_lost_after_the_lease_that_it_announced(
    listener: CycloneBus, told: tuple[str, ...], lease_s: float
) -> None:
    reader = listener.reader(STATUS)
    speaker = subprocess.Popen([sys.executable, "-c", SPEAKER, *told])

    def until(kind: Kind) -> float:
        give_up_at_s = time.monotonic() + 20
        while time.monotonic() < give_up_at_s:
            listener.wait(0.02)
            if any(received.kind is kind for received in reader.take()):
                return time.monotonic()
        raise TimeoutError(f"no {kind} from the speaker")

    try:
        until(Kind.DATA)
    finally:
        speaker.kill()
        speaker.wait()
    killed_at_s = time.monotonic()
    # Its last word came up to 0.1 s before it was killed, or later where the machine is busy.
    assert lease_s - 0.5 < until(Kind.LOST) - killed_at_s < lease_s + 0.5


def test_the_longest_deadline_of_a_worker_can_be_announced(listener: CycloneBus) -> None:
    with CycloneBus(Environment.read(), 86_400.0) as patient:
        writer = patient.writer(STATUS)
        reader = listener.reader(STATUS)
        writer.write(NodeStatus(node_id="patient"))
        patient.flush()
        give_up_at_s = time.monotonic() + 10
        while not (taken := reader.take()) and time.monotonic() < give_up_at_s:
            listener.wait(0.05)
    assert [received.sample.node_id for received in taken] == ["patient"]
