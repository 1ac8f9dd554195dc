"""Networks from outside: profiled by real workers, cut as planned, moved by hand."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from running import free_port
from serving_system import Serving, served
from worker_system import Workers

from hedgerow_idl.serve import OrderCode, OrderKind
from hedgerow_nodes.core.environment import Environment
from tests.unit.nodes.partition.onnx_graphs import info, written

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

SHAPE = [1, 8, 64, 64]
TENSOR_BYTES = 4 * 8 * 64 * 64
LAYERS = 6


def residual(folder: Path) -> Path:
    """Six layers; what the second gives is added to what the third gives."""
    weights = {f"w{n}": np.random.default_rng(n).standard_normal((8, 8, 3, 3)).astype(np.float32) for n in range(3)}

    def conv(name: str, weight: str, given: str, gives: str) -> onnx.NodeProto:
        return helper.make_node("Conv", [given, weight], [gives], name=name, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    nodes = [
        conv("conv 1", "w0", "x", "a"),
        helper.make_node("Relu", ["a"], ["b"], name="relu 1"),
        conv("conv 2", "w1", "b", "c"),
        helper.make_node("Add", ["b", "c"], ["d"], name="add"),
        helper.make_node("Relu", ["d"], ["e"], name="relu 2"),
        conv("conv 3", "w2", "e", "y"),
    ]
    return written(folder, nodes, [info("x", SHAPE)], [info("y", SHAPE)], weights)


def test_a_residual_network_is_profiled_layer_by_layer(hedgerow_environment: Environment, tmp_path: Path) -> None:
    workers = Workers(hedgerow_environment)
    try:
        (node_id,) = workers.up("only")
        for iterations in (1, 20):
            body = json.dumps({"model": str(residual(tmp_path)), "iterations": iterations})
            answer = workers.order(node_id, OrderKind.PROFILE, 120.0, body=body)
            assert answer.code is OrderCode.DONE, answer.reason
            told = json.loads(answer.body)
            assert [each["op"] for each in told["layers"]] == ["Conv", "Relu", "Conv", "Add", "Relu", "Conv"]
            assert told["cut_bytes"] == [each * TENSOR_BYTES for each in (1, 1, 2, 1, 1, 1)]
            assert (told["iterations"], told["threads"], told["provider"]) == (iterations, 1, "CPUExecutionProvider")
            means = [each["seconds_mean"] for each in told["layers"]]
            assert all(mean >= 0 for mean in means)
            assert sum(means) == pytest.approx(told["whole_seconds_mean"], rel=1e-6)
            assert sum(means[at] for at in (0, 2, 5)) > sum(means) / 2  # nearly all of the work is in convolutions
            assert any(each["seconds_std"] > 0 for each in told["layers"]) == (iterations > 1)
    finally:
        workers.close()


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Serving]:
    """A system with two workers whose port and iterations come from the environment."""
    variables = {"HEDGEROW_PORT": str(port), "HEDGEROW_PROFILE_ITERATIONS": "3"}
    with served(tmp_path_factory.mktemp("serving"), variables=variables) as system:
        system.up("worker-1", "worker-2")
        system.post("workers/measure")
        yield system


def blueprint(name: str, model: Path, network: dict[str, Any], **placement: Any) -> dict[str, Any]:
    """Tensors through a network into a log; the ends are on the first worker."""
    pin = {"requires": {"pin": "worker-1"}}
    source = {"kind": "tensors", "count": 0, "fps": 50, "tensor": "x", "shape": SHAPE}
    handlers = [
        {"name": "tensors", "type": "generator", "parameters": source, **pin},
        {"name": "out", "type": "log", "parameters": {"every": 100_000}, **pin},
    ]
    links = [{"from": "tensors.tensors", "to": "net.tensors"}, {"from": "net.tensors", "to": "out.value"}]
    networks = [{"name": "net", "model": str(model), **network}]
    wishes = {"replace": "never", **placement}
    return {"name": name, "placement": wishes, "handlers": handlers, "networks": networks, "links": links}


def parts(serving: Serving, name: str) -> list[tuple[int, int, str]]:
    """First and last layer and worker of each part that runs, in order."""
    found = serving.get(f"services/{name}")
    names = {each["node_id"]: label for label, each in serving.here().items()}
    return sorted(
        (each["parameters"]["first"], each["parameters"]["last"], names[each["node_id"]])
        for each in found["plan"]["instances"]
        if each["handler"] == "onnx_partition"
    )


def received(serving: Serving, name: str) -> int:
    """What the sink has got, by its worker's status."""
    physical_id = serving.instance(name, "out").get("physical_id")
    told = (one for each in serving.here().values() for one in each["status"].get("instances", []))
    return int(next((one["received"] for one in told if one["physical_id"] == physical_id), 0))


def test_port_and_iterations_are_set_by_the_environment(serving: Serving, port: int, tmp_path: Path) -> None:
    with socket.create_connection(("127.0.0.1", port), 5):
        pass
    name = serving.deploy(blueprint("counted", residual(tmp_path), {}))
    (network,) = serving.get(f"services/{name}")["blueprint"]["networks"]
    assert network["profile_iterations"] == 3
    serving.delete(name)


def test_a_network_is_cut_as_planned_and_moved_by_hand(serving: Serving, tmp_path: Path) -> None:
    given = {"partitions": [3], "placement": ["worker-1", "worker-2"]}
    name = serving.deploy(blueprint("cut", residual(tmp_path), given))
    assert parts(serving, name) == [(0, 3, "worker-1"), (3, LAYERS, "worker-2")]
    serving.until(lambda: received(serving, name) > 20, "items")

    def digests() -> dict[str, str]:
        told = [(label, one) for label, each in serving.here().items() for one in each["status"].get("instances", [])]
        return {f"{label} {one['name']}": one["digest"] for label, one in told if one["name"].startswith("net/")}

    serving.until(lambda: sorted(digests()) == ["worker-1 net/0", "worker-2 net/1"] and all(digests().values()))
    assert len(set(digests().values())) == 1
    serving.types("service", "place", name, "--cut", "net=1", "--on", "net/0=worker-2", "--on", "net/1=worker-1")
    serving.until(lambda: parts(serving, name) == [(0, 1, "worker-2"), (1, LAYERS, "worker-1")], "the cut by hand")
    serving.until_state(name, "RUNNING")
    had = received(serving, name)
    serving.until(lambda: received(serving, name) > had + 20, "more items")
    serving.delete(name)


def assert_as_measured(predicted: dict[str, Any], expected: dict[str, str]) -> None:
    """Each part is where it was wished, and takes what was measured there, or less, as one that waits less."""
    for part, worker in expected.items():
        assert predicted["places"][part] == worker
        cell = predicted["costs"][part][worker]
        assert cell["source"] == "measured"
        assert 0.3 * cell["seconds"] < predicted["stages"][part] <= cell["seconds"]


def test_each_worker_profiles_a_network_itself_and_the_plan_counts_with_that(serving: Serving, tmp_path: Path) -> None:
    given = {"partitions": [3], "placement": ["worker-1", "worker-2"]}
    name = serving.deploy(blueprint("own", residual(tmp_path), given))
    first = serving.get(f"services/{name}")["placement"]["predicted"]
    for part in ("net/0", "net/1"):
        cells = first["costs"][part]
        assert {worker: each["source"] for worker, each in cells.items()} == dict.fromkeys(cells, "measured")
        one, two = cells["worker-1"]["seconds"], cells["worker-2"]["seconds"]
        print(f"{part}: {one * 1e6:.1f} us on worker-1, {two * 1e6:.1f} us on worker-2")
        assert one > 0 < two != one, "two measurements, which never agree to the last digit"
    assert_as_measured(first, {"net/0": "worker-1", "net/1": "worker-2"})
    wish = {"placement": {"net/0": "worker-2", "net/1": "worker-1"}, "dry_run": True}
    other = serving.post(f"services/{name}/placement", wish)["predicted"]
    assert_as_measured(other, {"net/0": "worker-2", "net/1": "worker-1"})
    # One that has come since has measured nothing of it, which is told.
    serving.start_worker("worker-3")
    serving.until(lambda: "worker-3" in serving.here(), "a third worker")
    later = serving.post(f"services/{name}/placement", wish)["predicted"]["costs"]["net/0"]["worker-3"]
    assert (later["source"], later["from"]) in {("scaled", "worker-1"), ("scaled", "worker-2")}
    serving.kill("worker-3")
    serving.until(lambda: "worker-3" not in serving.here(), "its end")
    serving.delete(name)
