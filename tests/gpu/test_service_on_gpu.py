"""A network cut over a worker with the GPU and one without: announced, placed, asked, and seen in telemetry."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from graphics import MIB, Row
from serving_system import Serving, served

from hedgerow_nodes.estimators.models import bundled_weights
from hedgerow_nodes.partition.runtime import CPU, CUDA

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(300)]

PICTURE = bundled_weights.folder() / "samples" / "chelsea.jpg"
NETWORK = "shipped:efficientnet-lite0.onnx"
TOLERANCE = 0.02
"""Of a probability: products on the GPU are of TF32, see test_networks_on_cuda.py."""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, cuda: str) -> Iterator[Serving]:
    """A system with a worker that may use the GPU, and one that may not."""
    variables = {"HEDGEROW_PROFILE_ITERATIONS": "2"}
    with served(tmp_path_factory.mktemp("serving"), variables=variables) as system:
        both, one = {"execution_providers": [CUDA, CPU]}, {"execution_providers": [CPU]}
        system.up("worker-gpu", "worker-cpu", worker_gpu=both, worker_cpu=one)
        yield system


def through(name: str, inner: list[dict[str, Any]], links: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    """A picture through some handlers, which are asked from outside."""
    ends = [{"name": "ask", "type": "request"}, {"name": "decode", "type": "decode"}]
    ends += [{"name": "answer", "type": "response"}]
    pin = {"requires": {"pin": "worker-cpu"}}
    handlers = [{**each, **pin} for each in [*ends, *inner]]
    pairs = [("ask.value", "decode.encoded_image"), *links]
    wishes = {"replace": "never"}
    linked = [{"from": sender, "to": receiver} for sender, receiver in pairs]
    return {"name": name, "placement": wishes, "handlers": handlers, "links": linked, **more}


def cut(serving: Serving) -> str:
    """The network in two parts, the first of which is on the GPU."""
    inner = [{"name": "prepare", "type": "prepare"}, {"name": "read", "type": "read_classes"}]
    links = [("decode.image", "prepare.image"), ("prepare.tensors", "net.tensors"), ("net.tensors", "read.tensors")]
    links += [("read.record", "answer.value")]
    network = {"name": "net", "model": NETWORK, "partitions": [40], "placement": ["worker-gpu", "worker-cpu"]}
    return serving.deploy(through("cut", inner, links, networks=[network]))


def classes(serving: Serving, service: str) -> list[dict[str, Any]]:
    """What the service says of the picture."""
    url = json.loads((serving.environment.home / "run" / "frontend.json").read_text())["url"]
    request = urllib.request.Request(
        f"{url}/api/v1/services/{service}/infer", PICTURE.read_bytes(), {"Content-Type": "image/jpeg"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())["output"]["classes"]
    return found


def test_a_worker_announces_its_gpus_and_what_its_handlers_may_use(serving: Serving, gpus: list[Row]) -> None:
    told = {name: each["info"] for name, each in serving.here().items()}
    for name in ("worker-gpu", "worker-cpu"):
        assert [gpu["name"] for gpu in told[name]["gpus"]] == [row["name"] for row in gpus]
        total = float(gpus[0]["memory.total"]) * MIB
        assert told[name]["gpus"][0]["memory_bytes"] == pytest.approx(total, rel=0.02)
        assert told[name]["run_times"] == ["python"]
    assert told["worker-gpu"]["execution_providers"] == [CUDA, CPU]
    assert told["worker-cpu"]["execution_providers"] == [CPU]
    assert gpus[0]["name"] in serving.types("worker", "show", "worker-gpu")


def test_the_status_of_a_worker_tells_its_gpu(serving: Serving) -> None:
    def told() -> bool:
        status = serving.get("workers/worker-gpu")["status"]
        return status.get("gpu_load_percent") is not None and (status.get("gpu_temperature_c") or 0) > 0

    serving.until(told, "load and temperature")


def test_a_network_cut_over_gpu_and_processor_answers_as_the_processor_and_is_seen(
    serving: Serving, gpus: list[Row]
) -> None:
    inner = [{"name": "classify", "type": "classify"}]
    links = [("decode.image", "classify.image"), ("classify.record", "answer.value")]
    whole = serving.deploy(through("whole", inner, links))
    name = cut(serving)
    for _ in range(2):
        found, wanted = classes(serving, name), classes(serving, whole)
        print(found, wanted)
        assert found[0]["label"] == wanted[0]["label"] == "Egyptian cat"
        expected = {each["label"]: each["probability"] for each in wanted}
        shared = [each for each in found if each["label"] in expected]
        assert len(shared) >= 3
        assert all(each["probability"] == pytest.approx(expected[each["label"]], abs=TOLERANCE) for each in shared)
    assert f"layers [0, 40) of {NETWORK} by {CUDA}, {CPU}" in serving.log_of("worker-gpu")
    assert f"of {NETWORK} by {CPU}" in serving.log_of("worker-cpu")
    assert CUDA not in serving.log_of("worker-cpu")
    costs = serving.get(f"services/{name}")["placement"]["predicted"]["costs"]["net/0"]
    print({worker: (cell["source"], cell["seconds"]) for worker, cell in costs.items()})
    assert {cell["source"] for cell in costs.values()} == {"measured"}

    def newest(kind: str, **wanted: str) -> list[dict[str, Any]]:
        classes(serving, name)
        asked = "&".join(f"{key}={value}" for key, value in wanted.items())
        items = serving.get(f"telemetry/{kind}?{asked}")["items"]
        at_s = max((each["at_s"] for each in items), default=0.0)
        return [each for each in items if each["at_s"] == at_s]

    def rows_of_gpus() -> list[dict[str, Any]] | None:
        seen = newest("sys_info", worker="worker-gpu")
        figures = ("gpu_percent", "gpu_memory_percent", "gpu_clock_hz", "gpu_power_w")
        is_whole = seen and all(each[figure] is not None for each in seen for figure in figures)
        return seen if is_whole else None

    machine = serving.until(rows_of_gpus, "rows of each GPU")
    assert sorted(each["gpu_index"] for each in machine) == list(range(len(gpus)))
    assert all(0 < each["gpu_memory_percent"] <= 100 and each["gpu_power_w"] > 0 for each in machine)

    def row_of(part: str, *, on_gpu: bool) -> dict[str, Any] | None:
        for each in newest("proc_info", service=name, handler=part):
            if not on_gpu or (each["gpu_index"] is not None and each["gpu_percent"] is not None):
                return each
        return None

    first = serving.until(lambda: row_of("net/0", on_gpu=True), "the part on the GPU with its columns")
    print(first)
    assert first["gpu_index"] == 0
    assert 0 < first["gpu_memory_percent"] < 50
    assert 0 <= first["gpu_percent"] <= 100
    second = serving.until(lambda: row_of("net/1", on_gpu=False), "the part on the processor")
    assert second["gpu_index"] is None
    assert second["gpu_memory_percent"] is None
    serving.delete(name, whole)
