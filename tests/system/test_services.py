"""Services from outside: real processes, driven over REST and by the command, that lose and double nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_items import all_once, chain, grows, lines
from serving_system import Serving, served

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

ROOF = {"labels": ["site=roof"], "resources": [{"provider_id": "clock-1", "class_type": "generator"}]}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A system with three workers, of which the first has a label and a provider."""
    with served(tmp_path_factory.mktemp("serving")) as system:
        system.up("worker-1", "worker-2", "worker-3", worker_1=ROOF)
        yield system


def test_a_finite_source_ends_its_service_and_every_item_is_there(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain("finite", file, {"items": 50}), "ENDED")
    assert [(line["sequence"], line["value"]["n"]) for line in lines(file)] == [(n, n + 1) for n in range(50)]
    trace = serving.until(lambda: (found := serving.get(f"services/{name}/trace?sequence=7"))["events"] and found)
    assert [hop["name"] for hop in trace["hops"]] == ["numbers", "work", "out"]
    serving.delete(name)


def test_a_service_is_started_stopped_and_deleted(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    status, answer = serving.ask("POST", "services", {"blueprint": chain("cycle", file), "start": False})
    assert (status, answer["state"]) == (202, "PREPARING")
    serving.until_state("cycle", "READY")
    assert lines(file) == []
    serving.post("services/cycle/start")
    serving.until_state("cycle", "RUNNING")
    grows(serving, file)
    pids = [serving.pid_of("cycle", name) for name in ("numbers", "work", "out")]
    serving.post("services/cycle/stop")
    serving.until_state("cycle", "STOPPED")
    serving.post("services/cycle/start")
    serving.until_state("cycle", "RUNNING")
    grows(serving, file)
    all_once(file)
    serving.delete("cycle")
    serving.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the end of its processes")
    status, told = serving.ask("POST", "services/cycle/start", {})
    assert status == 404, told


@pytest.mark.parametrize("who", ["work", "numbers"])
def test_an_instance_moves_by_wish_and_no_item_is_lost_or_doubled(serving: Serving, tmp_path: Path, who: str) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain(f"move-{who}", file))
    grows(serving, file)
    before = serving.instance(name, who)
    to = next(worker for worker in serving.here() if worker != before["node"])
    intent = serving.post(f"services/{name}/migrate", {"handler": who, "to": to})
    assert intent["state"] in ("ACCEPTED", "DONE")
    after = serving.until(lambda: (now := serving.instance(name, who)).get("node") == to and now)
    assert after["logical_id"] == before["logical_id"]
    assert after["physical_id"] != before["physical_id"]
    serving.until_state(name, "RUNNING")
    grows(serving, file)
    all_once(file)
    assert serving.causes(name) == ["deploy", "migrate"]
    serving.delete(name)


def test_a_move_that_cannot_be_is_declined_and_the_old_one_goes_on(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain("stay", file, work={"labels": ["site=roof"]}))
    before = serving.pid_of(name, "work")
    assert serving.instance(name, "work")["node"] == "worker-1"
    intent = serving.post(f"services/{name}/migrate", {"handler": "work", "to": "worker-2"})
    assert (intent["state"], "has no label 'site=roof'" in intent["reason"]) == ("DECLINED", True), intent
    grows(serving, file)
    assert serving.pid_of(name, "work") == before
    assert serving.causes(name) == ["deploy"]
    all_once(file)
    serving.delete(name)


@pytest.mark.parametrize(
    ("requires", "worker"),
    [
        ({"labels": ["site=roof"]}, "worker-1"),
        ({"providers": ["clock-1"]}, "worker-1"),
        ({"nodes": ["worker-2"]}, "worker-2"),
        ({"pin": "worker-3"}, "worker-3"),
        ({"run_time": "python", "nodes": ["worker-3"]}, "worker-3"),
    ],
)
def test_a_requirement_chooses_the_worker(
    serving: Serving, tmp_path: Path, requires: dict[str, Any], worker: str
) -> None:
    name = serving.deploy(chain(f"wish-{'-'.join(requires)}", tmp_path / "out.jsonl", work=requires))
    serving.until(lambda: serving.instance(name, "work").get("node") == worker)
    serving.delete(name)


@pytest.mark.parametrize(
    ("requires", "why"),
    [
        ({"labels": ["site=cellar"]}, "has no label 'site=cellar'"),
        ({"providers": ["cam-9"]}, "has no provider 'cam-9'"),
        ({"nodes": ["worker-9"]}, "is none of worker-9"),
        ({"run_time": "wasm"}, "has no run-time 'wasm'"),
        ({"memory_bytes": 1e18}, "bytes of memory and"),
        ({"tee": "required"}, "has no trusted execution environment"),
        ({"tpm": "required"}, "has no TPM"),
    ],
)
def test_a_requirement_that_nobody_meets_is_told_worker_by_worker(
    serving: Serving, tmp_path: Path, requires: dict[str, Any], why: str
) -> None:
    answer = serving.post("services/check", {"blueprint": chain("never", tmp_path / "out.jsonl", work=requires)})
    assert answer["ok"] is False
    (problem,) = answer["problems"]
    assert problem["message"].count(why) == 3, problem
    assert all(worker in problem["message"] for worker in serving.here())


def test_what_is_wrong_with_a_blueprint_is_told_with_its_field(serving: Serving, tmp_path: Path) -> None:
    good = chain("bad", tmp_path / "out.jsonl")
    for field, part in (
        ("handlers[1].type", {"type": "stepp"}),
        ("handlers[1].instances", {"instances": 2, "max_instances": 1}),
        ("handlers[1].parameters", {"parameters": {"ad": 1}}),
    ):
        wrong = {**good, "handlers": [good["handlers"][0], {**good["handlers"][1], **part}, good["handlers"][2]]}
        status, told = serving.ask("POST", "services", {"blueprint": wrong})
        assert status == 400, told
        assert told["field"].startswith(field), told
    assert "bad" not in [each["name"] for each in serving.get("services")["items"]]


def test_one_process_that_crashes_is_begun_anew_and_the_others_stay(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain("crash", file))
    grows(serving, file)
    before = {who: serving.pid_of(name, who) for who in ("numbers", "work", "out")}
    os.kill(before["work"], signal.SIGKILL)
    serving.pid_of(name, "work", other_than=before["work"])
    grows(serving, file)
    assert {who: serving.pid_of(name, who) for who in ("numbers", "out")} == {
        who: before[who] for who in ("numbers", "out")
    }
    serving.delete(name)


def test_a_cordon_holds_over_restarts_of_the_orchestrator(serving: Serving, tmp_path: Path) -> None:
    for worker in ("worker-1", "worker-2", "worker-3"):
        serving.types("worker", "cordon", worker, "--reason", "new disk")
    serving.kill("orchestrator")
    serving.start_orchestrator()
    blueprint = chain("later", tmp_path / "out.jsonl")
    answer = serving.until(
        lambda: (told := serving.ask("POST", "services/check", {"blueprint": blueprint}))[0] == 200 and told[1]
    )
    answer = serving.until(
        lambda: (told := serving.ask("POST", "services/check", {"blueprint": blueprint})[1]).get("problems") and told
    )
    assert answer["problems"][0]["message"].count("is cordoned (new disk)") == 3, answer
    serving.post("services", {"blueprint": blueprint})
    serving.until(lambda: "is cordoned" in serving.get("services/later")["reason"])
    serving.types("worker", "uncordon", "worker-2")
    serving.until_state("later", "RUNNING")
    assert {each["node"] for each in serving.get("services/later")["instances"]} == {"worker-2"}
    for worker in ("worker-1", "worker-3"):
        serving.types("worker", "uncordon", worker)
    serving.delete("later")
