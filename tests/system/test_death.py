"""A node is killed amid its work: how soon that is noticed, and how soon another replica is at the stage."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from running import KINDS, LOOK_AGAIN, TRIVIAL_NODE, System, wait_for
from test_chaos import SEED

pytestmark = [pytest.mark.system]

MORTAL = KINDS[:3]
"""The stages that a task begins with; all are in hand at once, so that three nodes can be killed for each task."""

KILLS = 100
NOTICED_S = 1.1
RUNS_AGAIN_S = 2.0


@dataclass
class Deaths:
    """Two replicas of each mortal kind, killed in turn, and how long what followed took."""

    system: System
    hold: Path
    noticed_s: list[float] = field(default_factory=list)
    runs_again_s: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start everything."""
        self.system.start_orchestrator()
        for kind in KINDS[3:]:
            self.system.start_node(kind)
        for kind in MORTAL:
            for number in (1, 2):
                self._start_replica(f"{kind}-{number}")
        self.system.wait_ready(60.0)
        self._wait_idle()

    def round(self, text: str) -> None:
        """One task: the node of each first stage is killed amid its work, the other replica does it."""
        self.hold.touch()
        key = self.system.submit(text)
        at_work = wait_for(lambda: self._at_work(key))
        newest = self.system.query("SELECT max(event_id) FROM event")[0][0]
        killed_at_s = {}
        for kind, name in at_work.items():
            killed_at_s[kind] = time.time()
            self.system.kill(name)
        for kind, name in at_work.items():
            lost = "SELECT at_s FROM event JOIN node USING (node_id) WHERE event_id > ? AND event.kind = 'node.lost'"
            again = "SELECT at_s FROM event WHERE event_id > ? AND kind = 'stage.running' AND stage = ?"
            lost_at_s = wait_for(lambda n=name, q=lost: self.system.query(f"{q} AND name = ?", newest, n))[0][0]  # type: ignore[misc]
            again_at_s = wait_for(lambda k=kind, q=again: self.system.query(q, newest, k))[0][0]  # type: ignore[misc]
            self.noticed_s.append(lost_at_s - killed_at_s[kind])
            self.runs_again_s.append(again_at_s - killed_at_s[kind])
        self.hold.unlink()
        task = self.system.finish(key)
        assert task["state"] == "SUCCEEDED"
        for kind, name in at_work.items():
            stage = task["stages"][kind]
            assert (stage["attempt"], {stage["node"], name}) == (2, {f"{kind}-1", f"{kind}-2"})
            self._start_replica(name)
        self._wait_idle()

    def _start_replica(self, name: str) -> None:
        behaviour = json.dumps({"hold_file": str(self.hold)})
        self.system.start(name, [TRIVIAL_NODE, name[:-2], "--name", name, "--configuration", behaviour])

    def _wait_idle(self) -> None:
        names = [f"{kind}-{number}" for kind in MORTAL for number in (1, 2)]
        wait_for(lambda: all(self.system.node_state(name) == "IDLE" for name in names), 60.0)

    def _at_work(self, key: tuple[int, int]) -> dict[str, str] | None:
        """Which node is at each first stage, once all are inside the call."""
        stages = self.system.task(key)["stages"]
        names = {kind: stages[kind]["node"] for kind in MORTAL if stages[kind]["state"] == "RUNNING"}
        inside = len(names) == len(MORTAL) and all(self.system.node_state(name) == "RUNNING" for name in names.values())
        return names if inside else None


@pytest.fixture
def deaths(system: System, tmp_path: Path) -> Deaths:
    """Everything running and idle."""
    deaths = Deaths(system, tmp_path / "hold")
    deaths.start()
    return deaths


@pytest.mark.timeout(120)
def test_the_work_of_a_killed_node_goes_to_its_replica(deaths: Deaths) -> None:
    deaths.round("survive")
    print(f"\ndeath: {summary(deaths)}")


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_death_is_noticed_within_1_1_s_and_the_work_runs_elsewhere_within_2_s(deaths: Deaths) -> None:
    chance = random.Random(SEED)
    while len(deaths.noticed_s) < KILLS:
        LOOK_AGAIN.wait(chance.random())  # so that the kills meet the heartbeats at any phase
        deaths.round(f"survive {len(deaths.noticed_s)}")
    print(f"\ndeath: seed {SEED}, {summary(deaths)}")
    assert percentile(deaths.noticed_s, 0.99) <= NOTICED_S
    assert max(deaths.runs_again_s) <= RUNS_AGAIN_S


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of all does not exceed."""
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


def summary(deaths: Deaths) -> str:
    """Both times, with the number of trials."""
    return f"{len(deaths.noticed_s)} kills; " + "; ".join(
        f"{what} after p50 {percentile(of, 0.5):.3f} s, p99 {percentile(of, 0.99):.3f} s, max {max(of):.3f} s"
        for what, of in (("noticed", deaths.noticed_s), ("at work elsewhere", deaths.runs_again_s))
    )
