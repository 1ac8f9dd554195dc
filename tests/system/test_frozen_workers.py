"""Workers that stand still for longer or for less than the deadline that each announces, and killed ones."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from running import LOOK_AGAIN
from serving_items import all_once, chain, grows, lines
from serving_system import HANDLERS as HANDLER_MODULE
from serving_system import Serving, served
from worker_system import descendants

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

FROZEN_S = 2.5
"""Longer than the deadline of 1 s that a worker has if it is told none, shorter than that of the patient one."""

PATIENT_S = 4.0
HANDLERS = ("numbers", "work", "out")
STANDING_WORKER = Path(__file__).parent / "standing_worker.py"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A system with three workers, and a patient one."""
    with served(tmp_path_factory.mktemp("frozen")) as system:
        patience = {"refresh_deadline_s": PATIENT_S}
        system.up("worker-1", "worker-2", "worker-3", "patient", patient=patience)
        yield system


def freeze(serving: Serving, name: str, for_s: float = FROZEN_S) -> None:
    """Stop a worker with all its processes for some time."""
    worker = psutil.Process(serving.processes[name].pid)
    stopped = [worker, *descendants(worker.pid)]
    for process in stopped:
        process.suspend()
    LOOK_AGAIN.wait(for_s)
    for process in reversed(stopped):
        process.resume()


def losses(serving: Serving, name: str) -> list[str]:
    """The reasons for which a worker was taken for lost so far."""
    with closing(sqlite3.connect(f"file:{serving.environment.home / 'hedgerow.sqlite'}?mode=ro", uri=True)) as store:
        bodies = [json.loads(row[0]) for row in store.execute("SELECT body FROM event WHERE kind = 'worker.lost'")]
    return [body["reason"] for body in bodies if body["name"] == name]


def killed(serving: Serving, service: str, name: str, who: str) -> float:
    """Kill a worker, and start it again once another one has its instance; seconds until the new placement."""
    before = serving.here()[name]
    configuration = {"refresh_deadline_s": before["info"]["refresh_deadline_s"]}
    at_s = time.time()
    serving.kill(name)
    serving.until(lambda: serving.instance(service, who).get("node") not in (None, name), "a place elsewhere")
    sql = "SELECT max(service_epoch.created_at_s) FROM service_epoch JOIN service USING (service_id) WHERE name = ?"
    with closing(sqlite3.connect(f"file:{serving.environment.home / 'hedgerow.sqlite'}?mode=ro", uri=True)) as store:
        placed_at_s = float(store.execute(sql, (service,)).fetchone()[0])
    serving.start_worker(name, **configuration)
    serving.until(lambda: serving.here().get(name, before)["incarnation"] != before["incarnation"], f"{name} again")
    return placed_at_s - at_s


def starts(serving: Serving, service: str) -> list[tuple[str, str, int]]:
    """Handlers, physical ids and processes of what works."""
    return [(who, serving.instance(service, who)["physical_id"], serving.pid_of(service, who)) for who in HANDLERS]


@pytest.mark.parametrize("who", HANDLERS)
def test_a_worker_that_is_lost_and_comes_back_goes_on_and_every_item_is_there_once(
    serving: Serving, tmp_path: Path, who: str
) -> None:
    file = tmp_path / "out.jsonl"
    places = {each: {"pin": "worker-2" if each == who else "worker-1"} for each in HANDLERS}
    name = serving.deploy(chain(f"frozen-{who}", file, **places))
    grows(serving, file)
    before, had = starts(serving, name), len(losses(serving, "worker-2"))
    for _ in range(2):  # the second loss is told otherwise by the bus: by the status alone
        freeze(serving, "worker-2")
        serving.until_state(name, "RUNNING")
        grows(serving, file)
    assert len(losses(serving, "worker-2")) >= 2 + had
    assert starts(serving, name) == before
    assert serving.causes(name) == ["deploy"]
    serving.delete(name)
    all_once(file)


@pytest.mark.parametrize("who", ["numbers", "work"])
def test_what_was_placed_elsewhere_meanwhile_ends_where_it_was(serving: Serving, tmp_path: Path, who: str) -> None:
    file = tmp_path / "out.jsonl"
    places = {each: {"nodes": ["worker-2", "worker-3"] if each == who else ["worker-1"]} for each in HANDLERS}
    name = serving.deploy(chain(f"moved-{who}", file, **places))
    grows(serving, file)
    before = serving.instance(name, who)
    freeze(serving, before["node"])
    after = serving.until(lambda: (now := serving.instance(name, who)).get("node") != before["node"] and now)
    assert after["physical_id"] != before["physical_id"]

    def is_ended() -> bool:
        worker = serving.here().get(before["node"])  # heard again a moment after it goes on
        told = worker["status"]["instances"] if worker else [before]
        return before["physical_id"] not in {each["physical_id"] for each in told}

    serving.until(is_ended, "its end")
    serving.until_state(name, "RUNNING")
    grows(serving, file)
    assert serving.causes(name) == ["deploy", "failover"]
    sequences = [line["sequence"] for line in lines(file)]
    assert len(sequences) == len(set(sequences))
    serving.delete(name)


def test_within_its_deadline_a_worker_may_stand_still(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    work = {"nodes": ["patient", "worker-3"]}
    name = serving.deploy(chain("late", file, numbers={"pin": "worker-1"}, work=work, out={"pin": "worker-1"}))
    grows(serving, file)
    if serving.instance(name, "work")["node"] != "patient":
        serving.types("service", "migrate", name, "work", "--to", "patient")
        serving.until(lambda: serving.instance(name, "work").get("node") == "patient")
        serving.until_state(name, "RUNNING")
    grows(serving, file)
    before, causes = starts(serving, name), serving.causes(name)
    assert serving.here()["patient"]["info"]["refresh_deadline_s"] == PATIENT_S
    freeze(serving, "patient")
    grows(serving, file)
    assert starts(serving, name) == before
    assert serving.causes(name) == causes
    all_once(file)
    LOOK_AGAIN.wait(2.0)  # it has found the others again, and is heard: its silence begins when it is killed
    took_s = killed(serving, name, "patient", "work")
    print(f"a killed worker with a deadline of {PATIENT_S:g} s: its instance was placed anew after {took_s:.2f} s")
    assert PATIENT_S - 1.0 < took_s < PATIENT_S + 2.0
    grows(serving, file)
    assert serving.causes(name) == [*causes, "failover"]
    serving.delete(name)


def test_a_worker_that_is_told_no_deadline_has_one_second(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    work = {"nodes": ["worker-2", "worker-3"]}
    name = serving.deploy(chain("soon", file, numbers={"pin": "worker-1"}, work=work, out={"pin": "worker-1"}))
    grows(serving, file)
    took_s = killed(serving, name, serving.instance(name, "work")["node"], "work")
    print(f"a killed worker with a deadline of 1 s: its instance was placed anew after {took_s:.2f} s")
    assert 0.5 < took_s < 2.0
    grows(serving, file)
    serving.delete(name)


def test_a_worker_whose_loop_stands_still_is_lost_though_its_process_lives(serving: Serving, tmp_path: Path) -> None:
    file, hold = tmp_path / "out.jsonl", serving.environment.home / "stand-still"
    told = json.dumps({"handler_modules": [HANDLER_MODULE]})
    serving.start("standing", [str(STANDING_WORKER), "--name", "standing", "--configuration", told])
    serving.until(lambda: "standing" in serving.here(), "the worker")
    work = {"nodes": ["standing"]}
    name = serving.deploy(chain("mute", file, numbers={"pin": "worker-1"}, work=work, out={"pin": "worker-1"}))
    grows(serving, file)
    before = starts(serving, name)
    hold.touch()
    told_s = time.monotonic()
    lost = serving.until_state(name, "DEGRADED")
    took_s = time.monotonic() - told_s
    print(f"a loop that stands still was noticed after {took_s:.2f} s: {lost['reason']}")
    assert 2.0 < took_s < 5.0
    assert "standing" in serving.here()
    assert any("has said nothing for" in reason for reason in losses(serving, "standing"))
    hold.unlink()
    serving.until_state(name, "RUNNING")
    grows(serving, file)
    assert starts(serving, name) == before
    serving.delete(name)
    all_once(file)
