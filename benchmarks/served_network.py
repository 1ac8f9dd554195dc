"""The inside of the row `served`, run in the hub: `python -m benchmarks.served_network FILE HOST …`."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import cpu_cap
from benchmarks.delaying_relay import delayed
from benchmarks.serving_system import Handlers, ServingSystem, blueprint, read_tally, serving_system, until
from hedgerow_nodes.estimators.models.bundled_weights import folder as weights_folder

HOSTS = 3
RATE_BIT_PER_S = 200e6
ITERATIONS = 12
"""Of each profile, some five seconds: a machine that is shared may be slower for seconds at a time."""
WORKERS = tuple(f"worker-{number + 1}" for number in range(HOSTS))
OPENED = re.compile(r"net/\d+: layers \[(\d+), (\d+)\)")
CAPPED, CAPPED_CORES = "worker-2", 0.25
LATENCY_S = 0.005
PORTS = tuple(f"port{number + 1}" for number in range(HOSTS))

CUTS: dict[str, dict[str, Any]] = {
    "planned": {"partitions": "auto"},
    "20, 45": {"partitions": [20, 45], "placement": ["worker-1", "worker-2", "worker-3"]},
    "30": {"partitions": [30], "placement": ["worker-2", "worker-3"]},
}
"""Where the network is cut: as the engine does it, and twice by hand."""

CASES = {
    **{name: (name, "") for name in CUTS},
    "planned with a capped worker": ("planned", "capped"),
    "20, 45 with 5 ms": ("20, 45", "delayed"),
}
"""How it is cut, and what is done to the workers: one of them capped, or every link made later.

What makes links late takes processor time itself, so that is seen where the links bind.
"""

SETTLE_S = 5.0
WINDOWS, WINDOW_S = 2, 12.0
"""Medians of single seconds are taken: a part on a processor that is slow for some seconds shall not count for more.
With profiles before, between and behind them, both are of the same minute."""


@dataclass(frozen=True)
class Observed:
    """One way to cut it: prediction and what came of it.

    Attributes:
        predicted_hz: 1 / max(slowest stage, slowest link, processor time of all / shared cores), told while it runs,
            the mean of once a second: what is measured is a mean of that time too, in which the machine is now faster
            and now slower.
        bounded_by: the three terms in seconds, as told last.
        stages: of each part of the network the predicted processor time, by profiles alone, and the measured. The
            prediction is the mean of profiles before, between and behind the windows of the measurement: a machine
            that gets slower meanwhile says nothing of the profile.
        planned, deployed: worker, first layer and the one behind the last: of the plan, and of the files of the parts
            that the workers say they have opened.
    """

    cut: str
    predicted_hz: float
    measured_hz: float
    bounded_by: dict[str, float]
    stages: dict[str, tuple[float, float]]
    planned: list[Any]
    deployed: list[Any]


@dataclass(frozen=True)
class Window:
    """Some seconds of a service: the items that came out, and what each second told of stages and prediction."""

    seconds: float
    items: int
    rates: list[list[dict[str, Any]]]
    told: list[dict[str, Any]]


def read(file: Path) -> list[Observed]:
    """What `main` has left."""
    return [Observed(**one) for one in json.loads(file.read_text(encoding="utf-8"))]


def main(file: str, *hosts: str) -> None:
    """Serve the network in each way and write down what was seen."""
    workers = dict(zip(WORKERS, hosts, strict=True))
    variables = {name: os.environ[name] for name in ("HEDGEROW_DISCOVERY", "HEDGEROW_PEERS")}
    seen = []
    for name, (cut, what) in CASES.items():
        # A system for each, so that what is predicted was profiled in the same half minute: over several minutes the
        # processors of a shared machine were seen to get a third faster or slower.
        with (
            TemporaryDirectory(prefix="hedgerow-bench-") as home,
            serving_system(Path(home), list(workers), hosts=workers, variables=variables, log_level="INFO") as system,
            _changed(system, what) as can_be,
        ):
            if can_be:
                system.client.post("workers", "measure", body={}, timeout_s=60.0)
                seen.append(_observe(system, name, CUTS[cut]))
    Path(file).write_text(json.dumps([asdict(one) for one in seen]), encoding="utf-8")


@contextlib.contextmanager
def _changed(system: ServingSystem, what: str) -> Iterator[bool]:
    """Make one worker slow, or all links late; whether that can be done here."""
    if what == "capped" and not cpu_cap.is_writable():
        yield False
    elif what == "capped":
        with cpu_cap.capped(system.pid(CAPPED), CAPPED_CORES):
            until(lambda: _usable_cores(system) == CAPPED_CORES, 10.0, "the worker to see its limit")
            yield True
        until(lambda: _usable_cores(system) > CAPPED_CORES, 10.0, "the worker to see that its limit is gone")
    elif what == "delayed":
        with delayed(PORTS, "bridge", LATENCY_S / 2):
            yield True
    else:
        yield True


def _usable_cores(system: ServingSystem) -> float:
    return float(system.client.get("workers", CAPPED)["info"]["usable_cores"])


def _observe(system: ServingSystem, cut: str, wish: dict[str, Any]) -> Observed:
    """Profile, serve and watch by turns, a profile at both ends; cut each time as it was at first."""
    begun = {worker: len(system.launched.log_of(worker)) for worker in WORKERS}
    profiled: list[dict[str, float]] = []
    windows: list[Window] = []
    planned: list[Any] = []
    deployed: list[Any] = []
    for turn in range(WINDOWS + 1):
        name = f"served-{list(CASES).index(cut)}-{turn}"
        service_id = system.play.deploy(_blueprint(system, name, turn, _by_hand(planned) if planned else wish))
        service = system.client.get("services", service_id)
        profiled.append(service["placement"]["predicted"]["stages"])
        if turn == 0:
            planned = _planned(system, service)
        if turn < WINDOWS:
            windows.append(_watched(system, service_id, name, planned))
        if turn == 0:
            deployed = _deployed(system, begun)
        system.play.delete(service_id)
    rates = [each for window in windows for each in window.rates]
    told = [each for window in windows for each in window.told]
    stages = {
        part: (
            statistics.mean(each[part] for each in profiled),
            statistics.median(_compute_s(each, part) for each in rates),
        )
        for part in profiled[0]
        if part.startswith("net/")
    }
    now = told[-1]
    bounded_by = {
        "stage": max(now["stages"].values()),
        "link": max((link["seconds"] for link in now["links"]), default=0.0),
        "cores": max([*now["hosts"].values(), *now["limited"].values()]),
    }
    return Observed(
        cut=cut,
        predicted_hz=statistics.mean(each["throughput_hz"] for each in told),
        measured_hz=sum(window.items for window in windows) / sum(window.seconds for window in windows),
        bounded_by=bounded_by,
        stages=stages,
        planned=planned,
        deployed=deployed,
    )


def _blueprint(system: ServingSystem, name: str, turn: int, wish: dict[str, Any]) -> dict[str, Any]:
    """Each turn has a copy of the model of its own: the same model under another name is profiled anew."""
    model = system.home / f"model-{turn}.onnx"
    shutil.copy(weights_folder() / "efficientnet-lite0.onnx", model)
    handlers: Handlers = {
        "source": ("bench_tensor", {}, ("worker-1",)),
        "out": ("bench_tally", {"path": str(system.tally(name))}, ("worker-3",)),
    }
    network = {"name": "net", "model": str(model), "profile_iterations": ITERATIONS, **wish}
    made = blueprint(name, handlers, "source.tensors > net.tensors, net.tensors > out.value", networks=[network])
    made["placement"] |= {"objective": "throughput", "max_partitions": HOSTS}
    return made


def _by_hand(planned: list[Any]) -> dict[str, Any]:
    boundaries = [first for _worker, first, _last in planned[1:]]
    return {"partitions": boundaries, "placement": [worker for worker, _first, _last in planned]}


def _watched(system: ServingSystem, service_id: str, name: str, planned: list[Any]) -> Window:
    time.sleep(SETTLE_S)
    # Source and sink were assumed when it was placed; by now they were measured. Asked for is what runs, not the best.
    as_it_is = {
        "boundaries": {"net": _by_hand(planned)["partitions"]},
        "placement": {f"net/{at}": worker for at, (worker, _first, _last) in enumerate(planned)},
        "dry_run": True,
    }
    begin_s, rates, told = time.monotonic(), [], []
    while time.monotonic() < begin_s + WINDOW_S:
        time.sleep(1.0)
        rates.append(system.client.get("services", service_id, "rates")["stages"])
        told.append(system.client.post("services", service_id, "placement", body=as_it_is)["predicted"])
    end_s = time.monotonic()
    items = sum(begin_s <= item.at_s < end_s for item in read_tally(system.tally(name)))
    return Window(end_s - begin_s, items, rates, told)


def _planned(system: ServingSystem, service: dict[str, Any]) -> list[Any]:
    names = {worker["node_id"]: worker["name"] for worker in system.client.get("workers")["items"]}
    parts = [each for each in service["plan"]["instances"] if each["handler"] == "onnx_partition"]
    ends = [(names[each["node_id"]], each["parameters"]["first"], each["parameters"]["last"]) for each in parts]
    return sorted(map(list, ends), key=lambda one: int(one[1]))


def _deployed(system: ServingSystem, begun: dict[str, int]) -> list[Any]:
    """What the process of each part says that it has opened, as the part's file states it."""
    told = {worker: system.launched.log_of(worker)[offset:] for worker, offset in begun.items()}
    found = [[worker, int(first), int(last)] for worker, text in told.items() for first, last in OPENED.findall(text)]
    return sorted(found, key=lambda one: int(one[1]))


def _compute_s(stages: list[dict[str, Any]], name: str) -> float:
    """Processor time an item of a stage; NaN while it is not known."""
    told = next(stage["compute_s"] for stage in stages if stage["name"] == name)
    return float("nan") if told is None else float(told)


if __name__ == "__main__":
    main(*sys.argv[1:])
