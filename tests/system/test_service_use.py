"""What a user does with services: ask them, place them, watch them, run several, and read what went wrong."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_items import all_once, chain, grows, lines
from serving_system import Serving, served

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

WORKERS = ("worker-1", "worker-2", "worker-3")
CHI_SQUARE_999 = 13.82
"""What three equal shares pass once in a thousand times."""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A system with three equal workers."""
    with served(tmp_path_factory.mktemp("serving")) as system:
        system.up(*WORKERS)
        yield system


def test_single_inputs_are_answered(serving: Serving, tmp_path: Path) -> None:
    handlers = [{"name": "ask", "type": "request"}, {"name": "work", "type": "step"}]
    handlers += [{"name": "answer", "type": "response"}]
    links = [{"from": "ask.value", "to": "work.record"}, {"from": "work.record", "to": "answer.value"}]
    file = tmp_path / "asked.json"
    file.write_text(json.dumps({"name": "asked", "handlers": handlers, "links": links}))
    serving.types("service", "deploy", str(file), "--wait", "--timeout", "60")
    for n in range(3):
        answer = json.loads(serving.types("service", "infer", "asked", "--record", json.dumps({"n": n}), "--json"))
        assert (answer["output"]["n"], answer["sequence"]) == (n + 1, n), answer
    serving.types("service", "stop", "asked")
    serving.until_state("asked", "STOPPED")
    serving.types("service", "delete", "asked")
    serving.until(lambda: "asked" not in [each["name"] for each in serving.get("services")["items"]])


def test_rates_show_real_beside_predicted(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain("rated", file))
    grows(serving, file, 200)

    def seen() -> dict[str, Any] | None:
        told: dict[str, Any] = serving.get(f"services/{name}/rates")
        stages = {each["name"]: each for each in told["stages"]}
        known = [stages["work"][figure] for figure in ("in_per_s", "out_per_s", "compute_s", "predicted_s", "ratio")]
        return stages["work"] if all(known) and told["over_s"] > 3 else None

    work = serving.until(seen, "rates and a prediction")
    assert 50 < work["in_per_s"] < 110  # one each 10 ms at most
    assert work["ratio"] == pytest.approx(work["compute_s"] / work["predicted_s"])
    serving.delete(name)


def test_a_placement_is_weighed_and_only_a_better_one_is_taken(serving: Serving, tmp_path: Path) -> None:
    pin = {"pin": "worker-1"}
    fixed = serving.deploy(chain("fixed", tmp_path / "out.jsonl", numbers=pin, work=pin, out=pin))
    told = serving.post(f"services/{fixed}/placement")
    assert (told["changed"], told["verdict"]) == (False, "same"), told
    assert told["reason"].startswith("no"), told
    assert serving.causes(fixed) == ["deploy"]
    tensors = {"kind": "tensors", "count": 0, "fps": 10, "shape": [1, 1, 1000, 1000]}
    handlers = [{"name": "numbers", "type": "generator", "parameters": tensors, "requires": pin}]
    handlers += [{"name": "out", "type": "log", "parameters": {"every": 1_000_000}}]
    links = [{"from": "numbers.tensors", "to": "out.value"}]
    wishes = {"replace": "never", "objective": "latency"}
    name = serving.deploy({"name": "weighed", "handlers": handlers, "links": links, "placement": wishes})
    serving.post("workers/measure")
    serving.post(f"services/{name}/placement", {"placement": {"out": "worker-2"}})
    serving.until(lambda: serving.instance(name, "out").get("node") == "worker-2")
    serving.until_state(name, "RUNNING")
    told = serving.post(f"services/{name}/placement", {"dry_run": True})
    assert (told["changed"], told["verdict"]) == (False, "better"), told
    assert serving.instance(name, "out")["node"] == "worker-2"
    told = serving.post(f"services/{name}/placement")
    assert (told["changed"], told["verdict"]) == (True, "better"), told
    assert told["reason"].startswith("yes"), told
    serving.until(lambda: serving.instance(name, "out").get("node") not in (None, "worker-2"))
    assert serving.causes(name)[-1] == "place"
    serving.delete(fixed, name)


def test_where_one_worker_cannot_prepare_nothing_is_left_on_the_others(serving: Serving, tmp_path: Path) -> None:
    blueprint = chain("rolled-back", tmp_path / "out.jsonl", numbers={"pin": "worker-1"}, out={"pin": "worker-3"})
    blueprint["handlers"][1] |= {"type": "broken", "requires": {"pin": "worker-2"}}
    service_id = serving.post("services", {"blueprint": blueprint})["service_id"]
    told = serving.until_state("rolled-back", "FAILED")
    assert "no model at /nowhere.onnx" in told["reason"]
    assert "worker-2" in told["reason"]

    def held() -> list[str]:
        return [
            one["name"]
            for each in serving.here().values()
            for one in each["status"].get("instances", [])
            if one["service_id"] == service_id
        ]

    serving.until(lambda: not held(), "nothing of it on any worker")
    assert serving.get("services/rolled-back")["instances"] == []
    serving.delete("rolled-back")


def test_two_services_on_one_worker_do_not_touch_each_other(serving: Serving, tmp_path: Path) -> None:
    one, two, pin = tmp_path / "one.jsonl", tmp_path / "two.jsonl", {"pin": "worker-2"}
    for name, file in (("one", one), ("two", two)):
        serving.deploy(chain(name, file, numbers=pin, work=pin, out=pin))
    grows(serving, one)
    serving.post("services/one/stop")
    serving.until_state("one", "STOPPED")
    grows(serving, two)
    for file in (one, two):
        all_once(file)
    serving.delete("one", "two")


def test_the_catalogue_tells_parameters_and_a_bad_value_is_refused(serving: Serving) -> None:
    shown = json.loads(serving.types("handler", "show", "resize", "--json"))
    assert shown["parameters"]["properties"]["width"]["default"] == 640
    assert shown["parameters"]["properties"]["width"]["maximum"] == 16384
    assert sorted(shown["workers"]) == sorted(WORKERS)
    source = {"name": "a", "type": "generator", "parameters": {"kind": "image"}}
    small = {"name": "b", "type": "resize", "parameters": {"width": 0}}
    blueprint = {"name": "bad", "handlers": [source, small], "links": [{"from": "a.image", "to": "b.image"}]}
    status, told = serving.ask("POST", "services", {"blueprint": blueprint})
    assert (status, told["field"]) == (400, "handlers[1].parameters.width"), told


def test_a_chain_over_three_workers_gives_what_one_gives(serving: Serving, tmp_path: Path) -> None:
    found = []
    for places in (("worker-1",) * 3, WORKERS):
        file = tmp_path / f"{len(set(places))}.jsonl"
        pins = {who: {"pin": where} for who, where in zip(("numbers", "work", "out"), places, strict=True)}
        name = serving.deploy(chain(f"on-{len(set(places))}", file, {"items": 300}, **pins), "ENDED")
        found.append([(line["sequence"], line["value"]["n"]) for line in lines(file)])
        serving.delete(name)
    assert found[0] == found[1] == [(n, n + 1) for n in range(300)]


def test_a_busy_handler_shows_its_processor_time(serving: Serving) -> None:
    picture = {"kind": "image", "count": 0, "width": 640, "height": 480}
    handlers: list[dict[str, Any]] = [{"name": "pictures", "type": "generator", "parameters": picture}]
    handlers += [{"name": "pack", "type": "encode", "parameters": {"format": "png", "quality": 1}}]
    handlers += [{"name": "out", "type": "log", "parameters": {"every": 100_000}}]
    links = [{"from": "pictures.image", "to": "pack.image"}, {"from": "pack.encoded_image", "to": "out.value"}]
    name = serving.deploy({"name": "busy", "trace": False, "handlers": handlers, "links": links})

    def busiest() -> float:
        rows = serving.get(f"telemetry/proc_info?service={name}&handler=pack")["items"]
        return max((each["cpu_percent"] or 0.0 for each in rows), default=0.0)

    serving.until(lambda: busiest() > 50, "more than half a core")
    serving.delete(name)


@pytest.mark.parametrize("strategy", ["random", "round_robin"])
def test_placement_at_random_and_in_turn(serving: Serving, strategy: str) -> None:
    work = {"name": "work", "type": "step", "instances": 240, "max_instances": 256}
    blueprint = {
        "name": "many",
        "placement": {"strategy": strategy},
        "handlers": [{"name": "a", "type": "count"}, work],
    }
    blueprint["links"] = [{"from": "a.record", "to": "work.record"}]
    told = serving.post("services/check", {"blueprint": blueprint})
    assert told["ok"], told
    counts = Counter(worker for name, worker in told["plan"]["places"].items() if name.startswith("work#"))
    assert sorted(counts) == sorted(WORKERS)
    if strategy == "round_robin":
        assert max(counts.values()) - min(counts.values()) <= 1
    else:
        assert sum((count - 80) ** 2 / 80 for count in counts.values()) < CHI_SQUARE_999, counts
        assert max(counts.values()) > min(counts.values()), "that would be in turn"


@pytest.mark.parametrize("order", list(itertools.permutations(("orchestrator", "frontend", "worker-1"))), ids="-".join)
def test_any_order_of_starting_comes_to_work(tmp_path: Path, order: tuple[str, ...]) -> None:
    with served(tmp_path / "home") as system:
        starts: dict[str, Callable[[], object]] = {
            "orchestrator": system.start_orchestrator,
            "frontend": lambda: system.start("frontend", ["-m", "hedgerow_frontend"]),
            "worker-1": lambda: system.start_worker("worker-1"),
        }
        for name in order:
            starts[name]()
        system.until(lambda: "worker-1" in system.here())
        file = tmp_path / "out.jsonl"
        system.deploy(chain("first", file, {"items": 20}), "ENDED")
        assert [line["sequence"] for line in lines(file)] == list(range(20))
