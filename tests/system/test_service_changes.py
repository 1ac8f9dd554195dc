"""What changes under services: workers come, freeze, leave and die, places change, the orchestrator restarts."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from running import LOOK_AGAIN
from serving_items import all_once, chain, grows, lines
from serving_system import Serving, served

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

CLOCKS: dict[str, dict[str, Any]] = {
    f"worker_{n}": {"resources": [{"provider_id": f"clock-{n}", "class_type": "generator"}]} for n in (1, 2)
}
FROZEN_S = 0.5
"""Less than the bus's lease, after which a worker counts as lost."""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A system with three workers; two have a provider of one class."""
    with served(tmp_path_factory.mktemp("serving")) as system:
        system.up("worker-1", "worker-2", "worker-3", **CLOCKS)
        yield system


def comes_back(serving: Serving, name: str, before: dict[str, Any]) -> dict[str, Any]:
    """A worker that was killed, started again."""
    serving.start_worker(name, **CLOCKS.get(name.replace("-", "_"), {}))
    found: dict[str, Any] = serving.until(
        lambda: (now := serving.here().get(name)) and now["incarnation"] != before["incarnation"] and now, name
    )
    return found


def test_a_worker_shows_what_it_is_and_how_it_is(serving: Serving) -> None:
    info = serving.get("workers/worker-1")["info"]
    assert info["cores"] == len(os.sched_getaffinity(0))
    assert info["memory_bytes"] == pytest.approx(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), rel=0.05)
    names = {"clock_hz", "disk_bytes", "gpus", "has_tee", "has_tpm", "labels", "run_times", "execution_providers"}
    assert names <= set(info)
    assert info["resources"][0]["provider_id"] == "clock-1"
    first = serving.get("workers/worker-1")
    later = serving.until(lambda: (now := serving.get("workers/worker-1"))["at"] != first["at"] and now, "a status")
    assert 0 <= later["status"]["cpu_percent"] <= 100


def test_a_worker_tells_its_execution_providers(serving: Serving) -> None:
    told = serving.get("workers/worker-1")["info"]["execution_providers"]
    assert "CPUExecutionProvider" in told
    before = serving.here()["worker-3"]
    serving.kill("worker-3")
    serving.start_worker("worker-3", execution_providers=["CPUExecutionProvider"])
    serving.until(lambda: serving.here().get("worker-3", before)["incarnation"] != before["incarnation"], "it is back")
    assert serving.here()["worker-3"]["info"]["execution_providers"] == ["CPUExecutionProvider"]


def test_links_are_measured_by_the_command(serving: Serving) -> None:
    links = serving.post("workers/measure")["links"]
    names = ("worker-1", "worker-2", "worker-3")
    assert sorted((each["from"], each["to"]) for each in links) == sorted(
        (a, b) for a in names for b in names if a != b
    )
    assert all(each["bandwidth_bytes_per_s"] > 1e6 and 0 < each["latency_s"] < 1 for each in links)
    assert "worker-3" in serving.types("worker", "measure", "worker-1", "worker-3")


def test_a_worker_that_comes_back_is_known_again(serving: Serving) -> None:
    before = serving.here()["worker-3"]
    serving.kill("worker-3")
    after = comes_back(serving, "worker-3", before)
    assert after["node_id"] == before["node_id"]
    found = [each for each in serving.get("workers")["items"] if each["name"] == "worker-3"]
    assert len(found) == 1
    for name in ("worker-1", "worker-2"):
        assert serving.here()[name]["incarnation"]
    assert len(serving.post("workers/measure")["links"]) == 6


def test_a_killed_worker_is_replaced_and_items_go_on(serving: Serving, tmp_path: Path) -> None:
    file, ends = tmp_path / "out.jsonl", {"nodes": ["worker-1"]}
    name = serving.deploy(chain("killed", file, numbers=ends, out=ends, work={"nodes": ["worker-2", "worker-3"]}))
    grows(serving, file)
    before = serving.instance(name, "work")
    numbers = serving.pid_of(name, "numbers")
    victim = serving.here()[before["node"]]
    serving.kill(before["node"])
    grows(serving, file)
    after = serving.until(lambda: (now := serving.instance(name, "work")).get("node") != before["node"] and now)
    assert after["logical_id"] == before["logical_id"]
    assert serving.causes(name) == ["deploy", "failover"]
    assert serving.pid_of(name, "numbers") == numbers
    sequences = [line["sequence"] for line in lines(file)]
    assert sequences == sorted(set(sequences))
    lost = sequences[-1] + 1 - len(sequences)
    print(f"{lost} items of {sequences[-1] + 1} were lost with their worker, at some 100 a second")
    assert lost < 500
    serving.delete(name)
    comes_back(serving, before["node"], victim)


def test_a_worker_that_leaves_is_replaced(serving: Serving, tmp_path: Path) -> None:
    file, ends = tmp_path / "out.jsonl", {"nodes": ["worker-1"]}
    name = serving.deploy(chain("left", file, numbers=ends, out=ends, work={"nodes": ["worker-2", "worker-3"]}))
    grows(serving, file)
    before = serving.instance(name, "work")
    leaver = serving.here()[before["node"]]
    process = serving.processes.pop(before["node"])
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    serving.until(lambda: serving.instance(name, "work").get("node") not in (None, before["node"]))
    grows(serving, file)
    assert serving.causes(name)[-1] in ("drain", "failover")
    serving.delete(name)
    comes_back(serving, before["node"], leaver)


def test_a_worker_that_is_frozen_for_a_moment_keeps_its_work(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain("late", file, work={"nodes": ["worker-3"]}))
    grows(serving, file)
    pid = serving.pid_of(name, "work")
    os.kill(serving.processes["worker-3"].pid, signal.SIGSTOP)
    LOOK_AGAIN.wait(FROZEN_S)
    os.kill(serving.processes["worker-3"].pid, signal.SIGCONT)
    grows(serving, file)
    assert serving.pid_of(name, "work") == pid
    assert serving.causes(name) == ["deploy"]
    all_once(file)
    serving.delete(name)


def test_what_lost_its_only_worker_waits_and_recovers(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain("waits", file, work={"pin": "worker-2"}, numbers={"pin": "worker-1"}))
    grows(serving, file)
    before = serving.here()["worker-2"]
    logical_id = serving.instance(name, "work")["logical_id"]
    serving.kill("worker-2")
    told = serving.until_state(name, "DEGRADED")
    assert "no worker can host 'work" in told["reason"]
    comes_back(serving, "worker-2", before)
    serving.until_state(name, "RUNNING")
    serving.until(lambda: serving.instance(name, "work"), "the new start to tell that it works")
    assert serving.instance(name, "work")["logical_id"] == logical_id
    grows(serving, file)
    serving.delete(name)


def test_a_class_is_placed_by_its_provider_and_moves_to_another(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    source = {"name": "clock", "class": "generator", "parameters": {"count": 0, "fps": 50}}
    sink = {"name": "out", "type": "json_lines", "parameters": {"path": str(file)}, "requires": {"pin": "worker-3"}}
    links = [{"from": "clock.record", "to": "out.value"}]
    name = serving.deploy({"name": "resource", "handlers": [source, sink], "links": links})
    grows(serving, file)
    before = serving.instance(name, "clock")["node"]
    assert before in ("worker-1", "worker-2")
    victim = serving.here()[before]
    serving.kill(before)
    other = {"worker-1": "worker-2", "worker-2": "worker-1"}[before]
    serving.until(lambda: serving.instance(name, "clock").get("node") == other)
    grows(serving, file)
    serving.delete(name)
    comes_back(serving, before, victim)


def test_a_drain_empties_a_worker_without_losing_an_item(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    two = {"nodes": ["worker-1", "worker-2"]}
    name = serving.deploy(chain("drained", file, numbers=two, work=two, out={"nodes": ["worker-3"]}))
    grows(serving, file)
    worker = serving.instance(name, "work")["node"]
    serving.types("worker", "drain", worker, "--reason", "new disk")
    serving.until(
        lambda: worker not in {each["node"] for each in serving.get(f"services/{name}")["instances"]}, "it is empty"
    )
    serving.until_state(name, "RUNNING")
    grows(serving, file)
    all_once(file)
    assert "drain" in serving.causes(name)
    assert serving.get(f"workers/{worker}")["reason"] == "new disk"
    serving.types("worker", "uncordon", worker)
    serving.delete(name)


def test_the_orchestrator_is_restarted_and_no_item_is_lost(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain("goes-on", file))
    grows(serving, file)
    before = [serving.pid_of(name, who) for who in ("numbers", "work", "out")]
    serving.kill("orchestrator")
    grows(serving, file, 200)
    serving.start_orchestrator()
    serving.until(lambda: serving.ask("POST", f"services/{name}/placement", {"dry_run": True})[0] == 200, "its answers")
    grows(serving, file, 100)
    assert serving.get(f"services/{name}")["state"] == "RUNNING"
    assert [serving.pid_of(name, who) for who in ("numbers", "work", "out")] == before
    assert serving.causes(name) == ["deploy"]
    all_once(file)
    serving.delete(name)


def test_a_placement_by_hand_runs_as_given(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    name = serving.deploy(chain("by-hand", file))
    grows(serving, file)
    places = {"numbers": "worker-2", "work": "worker-3", "out": "worker-1"}
    words = [word for who, worker in places.items() for word in ("--on", f"{who}={worker}")]
    serving.types("service", "place", name, *words, "--dry-run")
    assert serving.causes(name) == ["deploy"]
    serving.types("service", "place", name, *words)
    serving.until(lambda: {who: serving.instance(name, who).get("node") for who in places} == places)
    serving.until_state(name, "RUNNING")
    grows(serving, file)
    all_once(file)
    assert serving.causes(name) == ["deploy", "manual"]
    serving.delete(name)


def test_telemetry_has_rows_of_machines_processes_and_items(serving: Serving, tmp_path: Path) -> None:
    name = serving.deploy(chain("told", tmp_path / "out.jsonl"))

    def rows(kind: str, wanted: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = serving.until(lambda: serving.get(f"telemetry/{kind}?{wanted}")["items"], kind)
        return found

    machine = rows("sys_info", "worker=worker-1")[0]
    gpu = {"gpu_percent", "gpu_memory_percent", "gpu_clock_hz", "gpu_power_w"}
    assert {"at_s", "node_ID", "cpu_percent", "memory_bytes", "memory_percent", *gpu} <= set(machine)
    total_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert machine["memory_bytes"] == pytest.approx(total_bytes, rel=0.05)
    process = rows("proc_info", f"service={name}")[0]
    assert {"session_ID", "handler_ID", "cpu_percent", "memory_percent"} <= set(process)
    wanted = {"start", "end", "sent", "recv"}
    serving.until(lambda: wanted <= {each["event"] for each in rows("packet_info", f"service={name}")}, "all events")
    sql = (
        "SELECT count(DISTINCT sequence) FROM packet_info"
        " JOIN telemetry_session ON telemetry_session.id = session_ID WHERE telemetry_session.name = ?"
    )
    with closing(sqlite3.connect(f"file:{serving.environment.home / 'hedgerow.sqlite'}?mode=ro", uri=True)) as store:
        serving.until(lambda: store.execute(sql, (name,)).fetchone()[0] > 50, "rows in the store")
        names = [each[0] for each in store.execute("SELECT * FROM sys_info LIMIT 1").description]
    columns = ["cpu_util", "mem_total", "mem_util", "gpu_util", "gpu_mem_util", "gpu_clock", "gpu_power"]
    assert names == ["timestamp", "node_ID", *columns]
    serving.delete(name)
