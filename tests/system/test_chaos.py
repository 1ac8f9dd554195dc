"""Chaos: whatever is killed whenever, no task is lost, none is doubled, and the answers are those of a quiet run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from chaos import Killer, Offerer
from kill_log import Chooser, Kill, KillLog
from running import KINDS, wait_for
from up_system import PROCESSES, trivial_launch_file, up_system
from verdict import accepted_outputs, check_store, restarts, retried_stages, wait_until_all_ended

KILL_EVERY_S = 0.5
GIVE_UP_AFTER_S = 900.0
"""On a machine where processes take longer to start than they live, no number of kills is enough."""

SEED = int(os.environ.get("HEDGEROW_CHAOS_SEED") or 1)


def text_of(number: int) -> str:
    """A problem whose answers nobody else's are."""
    return f"problem {number} " + "x" * (number % 37)


def chaos(folder: Path, *, tasks: int, per_s: float, kills: int | None, kills_each: int) -> None:
    """Run it and judge it.

    Args:
        folder: where the two runs have their homes.
        tasks: at least so many are offered.
        per_s: how many a second.
        kills: there are exactly so many, or as many as `kills_each` takes.
        kills_each: tasks are offered until every process was killed so often at its work.
    """
    # Each call takes a moment, so that kills hit work.
    file = str(trivial_launch_file(folder, configuration={kind: {"work_s": 0.03} for kind in KINDS}))
    with up_system(folder / "chaos", file) as system:
        give_up_at_s = time.monotonic() + GIVE_UP_AFTER_S
        with Killer(system, SEED, KILL_EVERY_S, kills) as killer:

            def more(offered: int) -> bool:
                killer.check()
                if time.monotonic() > give_up_at_s:
                    return False  # and the log says what is missing
                enough = len(killer.log.kills) >= (kills or 0) and (not kills_each or killer.log.enough(kills_each))
                return offered < tasks or not enough

            offered = Offerer(system, system.frontend_url).offer_all(per_s, more, text_of)
        killer.check()
        assert killer.log.enough(kills_each, share=0.5 if kills_each else 0.0), killer.log.summary()
        wait_until_all_ended(system, 120.0)
        wait_for(system.frontend_ready, 120.0, lambda: system.log_of("up"))
        outputs = accepted_outputs(system, offered)
        stored = f"{restarts(system)} starts of the orchestrator, {retried_stages(system)} stages retried"
        print(f"\nchaos: {len(offered)} tasks, {stored}, {killer.log.summary()}")
        assert restarts(system) > kills_each
        system.down()
        check_store(system, offered)
    with up_system(folder / "quiet", file) as quiet:
        count = len(offered)
        quiet_tasks = Offerer(quiet, quiet.frontend_url).offer_all(1000.0, lambda offered: offered < count, text_of)
        wait_until_all_ended(quiet, 120.0)
        assert outputs == accepted_outputs(quiet, quiet_tasks)
        quiet.down()
        check_store(quiet, quiet_tasks)


@pytest.mark.system
@pytest.mark.timeout(300)
def test_a_hundred_tasks_while_a_random_process_is_killed_twice_a_second(tmp_path: Path) -> None:
    chaos(tmp_path, tasks=100, per_s=10.0, kills=20, kills_each=0)


@pytest.mark.system
@pytest.mark.chaos
@pytest.mark.timeout(1800)
def test_a_thousand_tasks_until_every_process_was_killed_twenty_times(tmp_path: Path) -> None:
    chaos(tmp_path, tasks=1000, per_s=8.0, kills=None, kills_each=20)


def test_the_same_seed_chooses_the_same_victims() -> None:
    chooser, again = Chooser(3), Chooser(3)
    first = [chooser.choose(PROCESSES) for _ in range(200)]
    assert first == [again.choose(reversed(PROCESSES)) for _ in range(200)]
    assert set(first) == set(PROCESSES)
    assert chooser.choose([]) is None


def test_the_log_says_when_it_is_enough() -> None:
    log = KillLog(1, ("a", "b"))
    for victim, in_flight in (("a", 1), ("a", 0), ("b", 0), ("b", 0)):
        log.kills.append(Kill(0.0, victim, 1, 2.0, True, in_flight, 0))
    assert (log.count("a"), log.share_in_flight("a"), log.share_in_flight("b"), log.share_in_flight()) == (
        2,
        0.5,
        0.0,
        0.25,
    )
    assert not log.enough(2)
    log.kills += [Kill(0.0, "b", 1, 2.0, True, 3, 1)] * 2
    assert log.enough(2)
    assert not log.enough(3)
    log.kills += [Kill(0.0, name, 1, 0.5, False, 3, 1) for name in ("a", "b")]
    assert not log.enough(3)
    assert "8 kills" in log.summary()
    assert len(log.lines().splitlines()) == 8
