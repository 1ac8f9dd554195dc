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
"""Of each of two profiles, some five seconds: a machine that is shared may be slower for seconds at a time."""
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
WINDOW_S = 20.0
"""Medians of single seconds are taken: a part on a processor that is slow for some seconds shall not count for more."""


@dataclass(frozen=True)
class Observed:
    """One way to cut it: prediction and what came of it.

    Attributes:
        predicted_hz: 1 / max(slowest stage, slowest link, processor time of all / shared cores), told while it runs,
            the mean of once a second: what is measured is a mean of that time too, in which the machine is now faster
            and now slower.
        bounded_by: the three terms in seconds, as told last.
        stages: of each part of the network the predicted processor time, by profiles alone, and the measured. The
            prediction is the mean of a profile before the measurement and one behind it: a machine that gets slower
            between the two says nothing of the profile.
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
    name = f"served-{list(CASES).index(cut)}"
    tally = system.tally(name)
    handlers: Handlers = {
        "source": ("bench_tensor", {}, ("worker-1",)),
        "out": ("bench_tally", {"path": str(tally)}, ("worker-3",)),
    }
    network = {"name": "net", "model": str(weights_folder() / "efficientnet-lite0.onnx"), **wish}
    made = blueprint(
        name,
        handlers,
        "source.tensors > net.tensors, net.tensors > out.value",
        networks=[{**network, "profile_iterations": ITERATIONS}],
    )
    made["placement"] |= {"objective": "throughput", "max_partitions": HOSTS}
    begun = {worker: len(system.launched.log_of(worker)) for worker in WORKERS}
    service_id = system.play.deploy(made)
    first = system.client.get("services", service_id)
    profiled = first["placement"]["predicted"]
    planned = _planned(system, first)
    time.sleep(SETTLE_S)
    # Source and sink were assumed when it was placed; by now they were measured. Asked for is what runs, not the best.
    as_it_is = {
        "boundaries": {"net": [first for _worker, first, _last in planned[1:]]},
        "placement": {f"net/{at}": worker for at, (worker, _first, _last) in enumerate(planned)},
        "dry_run": True,
    }
    begin_s, rates, told = time.monotonic(), [], []
    while time.monotonic() < begin_s + WINDOW_S:
        time.sleep(1.0)
        rates.append(system.client.get("services", service_id, "rates")["stages"])
        told.append(system.client.post("services", service_id, "placement", body=as_it_is)["predicted"])
    end_s, now = time.monotonic(), told[-1]
    items = [item for item in read_tally(tally) if begin_s <= item.at_s < end_s]
    deployed = _deployed(system, begun)
    system.play.delete(service_id)
    by_profiles = [profiled["stages"], _profiled_again(system, made, planned)]
    stages = {
        part: (
            statistics.mean(each[part] for each in by_profiles),
            statistics.median(_compute_s(each, part) for each in rates),
        )
        for part in profiled["stages"]
        if part.startswith("net/")
    }
    bounded_by = {
        "stage": max(now["stages"].values()),
        "link": max((link["seconds"] for link in now["links"]), default=0.0),
        "cores": max([*now["hosts"].values(), *now["limited"].values()]),
    }
    return Observed(
        cut=cut,
        predicted_hz=statistics.mean(each["throughput_hz"] for each in told),
        measured_hz=len(items) / (end_s - begin_s),
        bounded_by=bounded_by,
        stages=stages,
        planned=planned,
        deployed=deployed,
    )


def _profiled_again(system: ServingSystem, made: dict[str, Any], planned: list[Any]) -> dict[str, float]:
    """What another profile predicts of the same parts: the same model under another name is profiled anew."""
    network = made["networks"][0]
    model = system.home / "again.onnx"
    shutil.copy(network["model"], model)
    by_hand = {"partitions": [first for _, first, _ in planned[1:]], "placement": [worker for worker, _, _ in planned]}
    again = {**network, "model": str(model), **by_hand}
    service_id = system.play.deploy({**made, "name": f"{made['name']}-again", "networks": [again]})
    predicted: dict[str, float] = system.client.get("services", service_id)["placement"]["predicted"]["stages"]
    system.play.delete(service_id)
    return predicted


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
