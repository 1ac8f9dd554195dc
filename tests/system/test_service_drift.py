"""A service moves by itself when what is measured makes another place better: a link is cut down while items flow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from debian_tools import lacking, need
from network import inside, tag_of_this_process
from serving_system import Serving, served

from hedgerow_launch.scenes.shaped_network import ShapedNetwork

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

IN_NAMESPACE = str(Path(__file__).parent / "in_namespace.py")
WORKERS = ("worker-1", "worker-2", "worker-3")
FAST, MIDDLING, SLOW = 400e6, 60e6, 12e6
"""Rates of links, bits a second."""

PATIENCE_S = 120.0
"""A look at the service every ten seconds, and the measured rate has to have come down."""


@pytest.fixture
def network() -> Iterator[ShapedNetwork]:
    """Three hosts around a hub; the last one has a slower link."""
    need("iproute2", command="tc")
    if os.geteuid() != 0:
        lacking("network namespaces can only be made by root")
    with ShapedNetwork(len(WORKERS), FAST, tag_of_this_process()) as network:
        network.shape(network.hosts[2], MIDDLING)
        yield network


@pytest.fixture
def serving(network: ShapedNetwork, tmp_path: Path) -> Iterator[Serving]:
    """A system with a worker on each host, and all else in the hub, where the test is too."""
    peers = {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": ",".join(network.all_addresses)}
    through = {name: [IN_NAMESPACE, host] for name, host in zip(WORKERS, network.hosts, strict=True)}
    with inside(network.hub), served(tmp_path / "home", peers, through=through) as system:
        system.up(*WORKERS)
        yield system


BLUEPRINT: dict[str, Any] = {
    "name": "drifting",
    "placement": {"minimum_dwell_s": 5},
    "handlers": [
        {
            "name": "camera",
            "type": "generator",
            "parameters": {"kind": "image", "count": 0, "fps": 4, "width": 320, "height": 240},
            "requires": {"pin": "worker-1"},
        },
        {
            "name": "out",
            "type": "log",
            "parameters": {"every": 100_000},
            "requires": {"nodes": ["worker-2", "worker-3"]},
        },
    ],
    "links": [{"from": "camera.image", "to": "out.value"}],
}


def received(serving: Serving) -> int:
    """How many pictures the start of the sink that works now has got."""
    physical_id = serving.instance("drifting", "out").get("physical_id")
    told = (one for each in serving.here().values() for one in each["status"].get("instances", []))
    return int(next((one["received"] for one in told if one["physical_id"] == physical_id), 0))


def rate(serving: Serving, to: str) -> float:
    """Of the link from the camera's worker to another one, bits a second, as its sender told it last."""
    links = serving.get("telemetry/links")["items"]
    found = (each["bandwidth_bytes_per_s"] for each in links if (each["from"], each["to"]) == ("worker-1", to))
    return 8 * (next(found, None) or float("nan"))


def is_worker_2_nearest(serving: Serving) -> bool:
    """Measure all links, and tell whether the camera's worker has found its faster one, as it does unless starved."""
    links = {(each["from"], each["to"]): each for each in serving.post("workers/measure")["links"]}
    fast, middling = (links["worker-1", to]["bandwidth_bytes_per_s"] for to in ("worker-2", "worker-3"))
    return bool(fast and middling and fast > 2 * middling)


def test_a_slower_link_moves_a_service_by_itself(serving: Serving, network: ShapedNetwork) -> None:
    serving.until(lambda: is_worker_2_nearest(serving), "the links as they are", PATIENCE_S)
    serving.deploy(BLUEPRINT)
    serving.until(lambda: received(serving) > 10, "pictures")
    assert serving.instance("drifting", "out")["node"] == "worker-2"
    network.shape(network.hosts[1], SLOW)
    serving.until(lambda: rate(serving, "worker-2") < MIDDLING, "the slower rate, seen in traffic", PATIENCE_S)
    serving.until(lambda: serving.instance("drifting", "out").get("node") == "worker-3", "the move", PATIENCE_S)
    serving.until_state("drifting", "RUNNING")
    serving.until(lambda: received(serving) > 10, "pictures at the new place")
    newest = serving.get("services/drifting/epochs")["items"][0]
    print(newest["reason"])
    assert re.match(
        r"yes: [\d.]+% less time between items \([\d.e-]+ items/s now, [\d.e-]+ items/s planned\)", newest["reason"]
    )
    assert newest["predicted"]["places"]["out"] == "worker-3"
    placed = [each["body"] for each in serving.get("events?after=0")["items"] if each["kind"] == "service.placed"]
    assert [each["cause"] for each in placed] == ["deploy", "drift"]
    assert placed[-1]["reason"] in newest["reason"]
    assert "drift" in serving.types("service", "show", "drifting", "--epochs")
    serving.delete("drifting")
