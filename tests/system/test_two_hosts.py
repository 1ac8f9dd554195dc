"""Two hosts with a link that is cut and restored while tasks run: nodes go, come back, and every task ends right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian_tools import lacking, need
from network import Link, inside, tag_of_this_process
from running import KINDS, LOOK_AGAIN, TRIVIAL_NODE, System, wait_for

from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import LaunchedSystem, free_domain

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

IN_NAMESPACE = str(Path(__file__).parent / "in_namespace.py")
FAR = ("ml_model_metadata", "hw_constraints", "hw_resources")
LATE_S = 45.0
NEAR = tuple(kind for kind in KINDS if kind not in FAR)


@pytest.fixture
def link() -> Iterator[Link]:
    """Two hosts and a cable."""
    need("iproute2", command="ip")
    if os.geteuid() != 0:
        lacking("network namespaces can only be made by root")
    with Link(tag_of_this_process()) as link:
        yield link


class TwoHosts:
    """The orchestrator and some nodes on host a, which is told b's address; the rest on b, which knows its own only."""

    def __init__(self, link: Link, folder: Path, domain: int) -> None:
        self.link = link
        common = {"HEDGEROW_DOMAIN": str(domain), "HEDGEROW_DISCOVERY": "peers"}
        near = Environment.read({**common, "HEDGEROW_HOME": str(folder / "near"), "HEDGEROW_PEERS": link.address_b})
        far = Environment.read({**common, "HEDGEROW_HOME": str(folder / "far"), "HEDGEROW_PEERS": link.address_b})
        with inside(link.a):
            self.near = System(near)
        self.far = LaunchedSystem(far)

    def start_near(self) -> None:
        """Start host a's processes."""
        self.near.start("orchestrator", [IN_NAMESPACE, self.link.a, "-m", "hedgerow_orchestrator"])
        for kind in NEAR:
            self.near.start(kind, [IN_NAMESPACE, self.link.a, TRIVIAL_NODE, kind])

    def start_far(self, behaviour: dict[str, dict[str, str]]) -> None:
        """Start host b's processes and wait until the whole system is ready."""
        for kind in FAR:
            configuration = json.dumps(behaviour.get(kind, {}))
            self.far.start(kind, [IN_NAMESPACE, self.link.b, TRIVIAL_NODE, kind, "--configuration", configuration])
        self.near.wait_ready(60)

    def states(self, kinds: tuple[str, ...]) -> set[str]:
        """The states of nodes."""
        return {self.near.node_state(kind) for kind in kinds}

    def incarnations(self) -> dict[str, int]:
        """The incarnation of each node."""
        return {node["name"]: node["incarnation"] for node in self.near.reader.nodes()}

    def stop(self) -> None:
        """End everything."""
        self.far.stop()
        self.near.stop()


@pytest.fixture
def hosts(link: Link, tmp_path: Path) -> Iterator[TwoHosts]:
    """Two hosts with no process yet."""
    with free_domain() as domain:
        hosts = TwoHosts(link, tmp_path, domain)
        yield hosts
        hosts.stop()


@pytest.mark.parametrize("cut_s", [3.0, pytest.param(10.0, marks=pytest.mark.chaos)])
def test_a_link_is_cut_and_restored_while_tasks_run(hosts: TwoHosts, tmp_path: Path, cut_s: float) -> None:
    hold, record = tmp_path / "hold", tmp_path / "record"
    held = {"hold_file": str(hold), "record": str(record)}
    hosts.start_near()
    hosts.start_far({"hw_resources": held})
    system = hosts.near
    assert system.finish(system.submit("both hosts work"))["state"] == "SUCCEEDED"
    incarnations = hosts.incarnations()

    hold.touch()
    keys = [system.submit(f"before the cut {number}") for number in range(4)]
    wait_for(lambda: len(record.read_text().splitlines()) == 2)
    hosts.link.cut()
    cut_at_s = time.monotonic()
    hold.unlink()
    wait_for(lambda: hosts.states(FAR) == {"INACTIVE"})
    lost_after_s = time.monotonic() - cut_at_s
    assert hosts.states(NEAR) <= {"IDLE", "RUNNING"}
    keys += [system.submit(f"during the cut {number}") for number in range(4)]
    LOOK_AGAIN.wait(max(0.0, cut_at_s + cut_s - time.monotonic()))

    hosts.link.restore()
    restored_at_s = time.monotonic()
    wait_for(lambda: hosts.states(FAR) <= {"IDLE", "RUNNING"}, 60)
    back_after_s = time.monotonic() - restored_at_s
    keys += [system.submit(f"after the cut {number}") for number in range(2)]
    for key in keys:
        task = system.finish(key)
        assert task["state"] == "SUCCEEDED"
        text = task["title"]
        seen = f"{text[::-1]}|for {text}|{len(text)}"
        assert task["stages"]["hw_resources"]["output"]["chosen"] == f"device for model for {seen}"
        states = [(row["stage"], row["state"]) for row in system.reader.attempts(*key)]
        assert sorted(stage for stage, state in states if state == "SUCCEEDED") == sorted(KINDS)
        assert {state for _, state in states} <= {"SUCCEEDED", "CANCELLED"}
    assert hosts.incarnations() == incarnations, "no node was restarted"
    assert system.projection_differences() == []
    print(f"cut of {cut_s:g} s: all lost after {lost_after_s:.2f} s, all back {back_after_s:.2f} s after it ended")


@pytest.mark.chaos
def test_a_host_that_comes_up_late_is_found_by_the_one_that_names_it(hosts: TwoHosts) -> None:
    hosts.start_near()
    wait_for(lambda: hosts.near.client.call("health", {}, 20.0).body["components"])
    LOOK_AGAIN.wait(LATE_S)  # longer than the library tries an address by itself
    hosts.start_far({})
    assert hosts.near.finish(hosts.near.submit("late"))["state"] == "SUCCEEDED"


LEAVES = """
import sys
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
bus = CycloneBus(Environment.read({
    "HEDGEROW_DOMAIN": sys.argv[1], "HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": sys.argv[2]
}))
print("there", flush=True)
sys.stdin.readline()
bus.close()
vars(sys.modules["hedgerow_nodes.core.cyclone_bus"]).clear()  # as the interpreter does at its end, at times
"""


def test_a_process_ends_whose_network_has_gone(link: Link) -> None:
    with free_domain() as domain:
        command = [sys.executable, IN_NAMESPACE, link.a, "-c", LEAVES, str(domain), link.address_b]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "there\n"
            link.remove()
            try:
                process.communicate("\n", timeout=20)
            finally:
                process.kill()
        assert process.returncode == 0
