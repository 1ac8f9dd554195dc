"""Places by load: each worker reads the counters of another machine, and what is new goes where less is to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from debian_tools import lacking
from serving_items import all_once, chain, grows
from serving_system import Serving
from told_load import KERNELS, ToldLoad

from hedgerow_nodes.core.environment import Environment

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

WITH_FILES = str(Path(__file__).parent / "with_files.py")
WORKERS = ("worker-1", "worker-2")
BUSY, IDLE = 0.95, 0.05


@pytest.fixture
def load(tmp_path: Path) -> Iterator[ToldLoad]:
    """How busy the machine of each worker is."""
    if os.geteuid() != 0:
        lacking("mount namespaces can only be made by root")
    with ToldLoad(tmp_path, WORKERS) as load:
        yield load


@pytest.fixture
def serving(hedgerow_environment: Environment, load: ToldLoad) -> Iterator[Serving]:
    """A system with two workers, as on two machines."""
    through = {name: [WITH_FILES, f"{KERNELS}={load.files[name]}", "--"] for name in WORKERS}
    system = Serving(hedgerow_environment, through=through)
    try:
        system.up(*WORKERS)
        yield system
    finally:
        system.stop()


def until_told(serving: Serving, busy: str, idle: str) -> None:
    """Wait until both workers have told their load, as everybody can see it."""

    def percent(name: str) -> float:
        told: float | None = serving.get(f"workers/{name}")["status"]["cpu_percent"]
        return -1.0 if told is None else told

    serving.until(lambda: percent(busy) > 100 * (BUSY + IDLE) / 2 > percent(idle) >= 0, f"{busy} busy, {idle} idle")


def wish(name: str, file: Path) -> dict[str, Any]:
    """A chain of which every instance may be anywhere."""
    return {**chain(name, file), "placement": {"strategy": "load_aware"}}


def places(serving: Serving, name: str) -> set[str]:
    """The workers that have instances of a service."""
    return {each["node"] for each in serving.get(f"services/{name}")["instances"] if each["state"] == "RUNNING"}


def test_what_is_new_goes_to_the_worker_with_less_to_do(serving: Serving, load: ToldLoad, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.jsonl" for name in ("first", "second")}
    load.busy.update({"worker-1": BUSY, "worker-2": IDLE})
    until_told(serving, "worker-1", "worker-2")
    serving.deploy(wish("first", files["first"]))
    grows(serving, files["first"])
    assert places(serving, "first") == {"worker-2"}
    load.busy.update({"worker-1": IDLE, "worker-2": BUSY})
    until_told(serving, "worker-2", "worker-1")
    serving.deploy(wish("second", files["second"]))
    grows(serving, files["second"])
    assert places(serving, "second") == {"worker-1"}
    assert places(serving, "first") == {"worker-2"}, "load alone moves nothing that runs"
    for file in files.values():
        all_once(file)
    serving.delete("first", "second")
