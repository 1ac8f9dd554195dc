"""The wall clock of one worker is an hour ahead, and is set forward and back while items flow: nothing comes of it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import LOOK_AGAIN
from serving_items import all_once, chain, grows
from serving_system import Serving
from shifted_clock import HOUR_S, new_clock, set_clock, shift_variables

from hedgerow_nodes.core.environment import Environment

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(240)]

HANDLERS = ("numbers", "work", "out")
LONGER_THAN_A_LEASE_S = 2.5


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """The file that says by how much the wall clock of one worker is off: an hour, from its start on."""
    file = new_clock(tmp_path)
    set_clock(file, HOUR_S)
    return file


@pytest.fixture
def serving(hedgerow_environment: Environment, clock: Path, tmp_path: Path) -> Iterator[Serving]:
    """A system with two workers, of which `off` and its instances read their wall clock through `clock`."""
    shift = shift_variables(tmp_path, clock)
    system = Serving(hedgerow_environment)
    try:
        system.up("right")
        system._variables.update(shift)
        system.start_worker("off")
        for name in shift:
            del system._variables[name]
        system.until(lambda: "off" in system.here(), "the worker whose clock is off")
        yield system
    finally:
        system.stop()


def off_by_s(serving: Serving) -> float:
    """By how much the newest status of the worker is ahead, as it is stored; NaN before the first one is."""
    stamped_at_s = serving.here()["off"]["status"]["stamped_at_s"]
    return math.nan if stamped_at_s is None else float(stamped_at_s) - time.time()


def starts(serving: Serving, service: str) -> list[tuple[str, str, int]]:
    """Handlers, physical ids and processes of what works."""
    return [(who, serving.instance(service, who)["physical_id"], serving.pid_of(service, who)) for who in HANDLERS]


@pytest.mark.parametrize("who", HANDLERS)
def test_a_worker_whose_clock_is_off_stays_and_items_go_on(
    serving: Serving, clock: Path, tmp_path: Path, who: str
) -> None:
    file = tmp_path / "out.jsonl"
    places = {each: {"pin": "off" if each == who else "right"} for each in HANDLERS}
    name = serving.deploy(chain("off", file, **places))
    grows(serving, file)
    serving.until(lambda: abs(off_by_s(serving) - HOUR_S) < 60, "a status that is an hour ahead")
    before, incarnation = starts(serving, name), serving.here()["off"]["incarnation"]
    for shift_s in (0, -HOUR_S, HOUR_S):
        set_clock(clock, shift_s)
        LOOK_AGAIN.wait(LONGER_THAN_A_LEASE_S)
        # What it says still comes, by its clock as it is now.
        serving.until(lambda off=shift_s: abs(off_by_s(serving) - off) < 60, "a status by the new clock")
        grows(serving, file)
    assert starts(serving, name) == before
    assert serving.here()["off"]["incarnation"] == incarnation
    assert serving.causes(name) == ["deploy"]
    assert serving.get(f"services/{name}")["state"] == "RUNNING"
    kinds = {event["kind"] for event in serving.get("events?limit=200")["items"]}
    assert not kinds & {"worker.lost", "node.lost", "instance.lost", "instance.restarted"}
    serving.delete(name)
    all_once(file)
