"""Rows of telemetry from the bus into the store, by real processes: none is lost or doubled, whatever goes away."""

from __future__ import annotations

import json
import re
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from running import LOOK_AGAIN, System, free_port, wait_for
from serving_system import Serving

from hedgerow_nodes.core.environment import Environment
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.reader import StoreReader
from tests.debian_postgres import Postgres

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

SOURCE = str(Path(__file__).parent / "telemetry_source.py")
BATCHES, ROWS, EVERY_S = 60, 60, 0.1
"""Some 600 rows a second for 6 s, of each source."""

COUNT = """
SELECT telemetry_source.uuid, count(*), count(DISTINCT row_number), min(row_number), max(row_number)
FROM (SELECT source_key, row_number FROM telemetry_packet
      UNION ALL SELECT source_key, row_number FROM telemetry_system) AS both_kinds
JOIN telemetry_source ON telemetry_source.id = source_key GROUP BY telemetry_source.uuid ORDER BY telemetry_source.uuid
"""
ALL = BATCHES * ROWS


def start_source(system: System, name: str) -> None:
    rate = ["--batches", str(BATCHES), "--rows", str(ROWS), "--every-s", str(EVERY_S)]
    system.start(name, [SOURCE, "--source-id", name, *rate])


def start_collector(system: System) -> None:
    system.start("collector", ["-m", "hedgerow_nodes.collector"])


def stored(system: System) -> list[tuple[object, ...]]:
    return system.query(COUNT)


def until_all_are_there(system: System, *sources: str) -> None:
    wanted = [(source, ALL, ALL, 1, ALL) for source in sources]
    wait_for(
        lambda: stored(system) == wanted, 60.0, lambda: f"{stored(system)}\n{system.log_of('collector')}{system.logs()}"
    )


def some_are_there(system: System, more_than: int = 0) -> None:
    wait_for(lambda: sum(int(str(row[1])) for row in stored(system)) > more_than, 30.0, system.logs)


@pytest.mark.long
def test_the_store_goes_away_and_the_collector_and_the_orchestrator_are_killed(system: System) -> None:
    migrate.upgrade(system.environment.store_url)
    system.start_orchestrator()
    start_collector(system)
    wait_for(lambda: system.node_state("collector") == "IDLE", 30.0, system.logs)
    start_source(system, "source-1")
    some_are_there(system)
    file = system.environment.home / "hedgerow.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30.0)) as other:
        other.execute("BEGIN IMMEDIATE")
        before = stored(system)
        system.kill("collector")  # it has rows in hand that nobody has stored
        start_collector(system)
        wait_for(lambda: "rows cannot be stored now" in system.log_of("collector"), 30.0, system.logs)
        start_source(system, "source-2")
        LOOK_AGAIN.wait(1.0)
        assert stored(system) == before
        other.execute("ROLLBACK")
    some_are_there(system, more_than=int(str(before[0][1])))
    system.kill("orchestrator")
    LOOK_AGAIN.wait(1.0)
    system.start_orchestrator()
    until_all_are_there(system, "source-1", "source-2")
    for name in ("source-1", "source-2"):
        wait_for(lambda name=name: "DONE" in system.log_of(name), 10.0, system.logs)  # said after its last row
    # A collector that starts now gets the whole rings again, and nothing comes of it.
    system.kill("collector")
    start_collector(system)
    wait_for(lambda: has_heard_all(detail(system)), 30.0, lambda: f"{detail(system)}\n{system.logs()}")
    until_all_are_there(system, "source-1", "source-2")
    assert set(system.stop().values()) == {0}


def has_heard_all(said: str) -> bool:
    """Of what it heard it handed over a part, and that the rest is stored it was told before."""
    counted = {what: int(number) for number, what in re.findall(r"(\d+) rows (held|stored|repeated)", said)}
    return counted.get("held") == 0 and counted["stored"] + counted.get("repeated", 0) == 2 * ALL


def detail(system: System) -> str:
    node = system.reader.node("collector")
    return str(node["status"]["detail"]) if node else ""


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """Debian's PostgreSQL, ended with the test."""
    server = Postgres()
    yield server
    server.close()


@pytest.mark.long
def test_postgresql_is_stopped_and_started_again(hedgerow_environment: Environment, postgres: Postgres) -> None:
    environment = Environment.read({**hedgerow_environment.variables(), "HEDGEROW_STORE": postgres.url})
    migrate.upgrade(environment.store_url)
    system = System(environment)
    reader = StoreReader(environment.store_url, environment.blob_url)
    try:
        system.start_orchestrator()
        start_collector(system)
        start_source(system, "source-1")
        wait_for(lambda: reader.telemetry_sources(), 60.0, system.logs)
        postgres.stop()
        wait_for(lambda: "rows cannot be stored now" in system.log_of("collector"), 30.0, system.logs)
        LOOK_AGAIN.wait(2.0)
        postgres.start()
        wait_for(
            lambda: [each["stored_rows"] for each in reader.telemetry_sources()] == [ALL],
            60.0,
            lambda: f"{system.log_of('collector')}{system.logs()}",
        )
        assert reader.telemetry_sources()[0]["missing_rows"] == 0
    finally:
        reader.close()
        system.stop()


@pytest.mark.long
def test_posted_reports_are_answered_when_they_are_stored(hedgerow_environment: Environment) -> None:
    port = free_port()
    migrate.upgrade(hedgerow_environment.store_url)
    system = System(hedgerow_environment, {"HEDGEROW_COLLECTOR_PORT": str(port)})
    report = {
        "sys_info": [{"timestamp": 1.5, "cpu_util": 12.5, "mem_total": 8192, "mem_util": 40.0}],
        "packet_info": [
            {"timestamp": 2.5, "session_id": 3, "handler_id": 4, "sequence": 9, "event": "send", "size": 7}
        ],
    }
    try:
        start_collector(system)
        wait_for(lambda: "takes posted reports" in system.log_of("collector"), 30.0)
        status, answer = posted(port, report)
        assert (status, answer["result"]) == (503, "Failed")  # there is no orchestrator yet
        system.start_orchestrator()
        wait_for(lambda: posted(port, report)[0] == 200, 60.0, lambda: system.log_of("collector") + system.logs())
        assert posted(port, report) == (200, {"result": "Succeeded"})
        assert system.query("SELECT timestamp, cpu_util, mem_total FROM sys_info") == [(1.5, 12.5, 8192)]
        assert system.query("SELECT timestamp, sequence, event, size FROM packet_info") == [(2.5, 9, "sent", 7)]
    finally:
        system.stop()


def test_a_posted_report_of_two_gpus_is_two_rows(hedgerow_environment: Environment) -> None:
    port = free_port()
    machine = {"timestamp": 1.5, "node_ID": 7, "cpu_util": 12.5, "mem_total": 8192, "mem_util": 40.0}
    gpus = [
        {"gpu_util": 50, "gpu_mem_util": 20, "gpu_clock": 1350, "gpu_power": 61},
        {"gpu_util": 3, "gpu_mem_util": 8, "gpu_clock": 300, "gpu_power": 17},
    ]
    report = {"sys_info": [{**machine, **gpu} for gpu in gpus] + [{**machine, "timestamp": 2.5}]}
    serving = Serving(hedgerow_environment, {"HEDGEROW_COLLECTOR_PORT": str(port)})
    try:
        serving.up()
        serving.until(lambda: "takes posted reports" in serving.log_of("collector"), "its address")
        for _ in range(2):  # as a reporter does that heard no answer
            serving.until(lambda: posted(port, report) == (200, {"result": "Succeeded"}), "the report is stored")
        rows = serving.get("telemetry/sys_info?worker=posted:7")["items"]
        names = ("gpu_index", "gpu_percent", "gpu_memory_percent", "gpu_clock_hz", "gpu_power_w")
        assert sorted([[row[name] for name in ("at_s", *names)] for row in rows if row["at_s"] == 1.5]) == [
            [1.5, 0, 50, 20, 1.35e9, 61],
            [1.5, 1, 3, 8, 3e8, 17],
        ]
        # The machine itself is the same in both, and one without figures of a GPU has none.
        assert {(row["cpu_percent"], row["memory_bytes"], row["memory_percent"]) for row in rows} == {(12.5, 2**33, 40)}
        assert [[row[name] for name in names] for row in rows if row["at_s"] == 2.5] == [[None] * 5]
        sql = "SELECT timestamp, mem_total, gpu_util, gpu_mem_util, gpu_clock, gpu_power FROM sys_info ORDER BY 1, 3"
        with closing(
            sqlite3.connect(f"file:{serving.environment.home / 'hedgerow.sqlite'}?mode=ro", uri=True)
        ) as store:
            assert store.execute(sql).fetchall() == [
                (1.5, 8192, 3, 8, 300, 17),
                (1.5, 8192, 50, 20, 1350, 61),
                (2.5, 8192, None, None, None, None),
            ]
    finally:
        serving.stop()


def posted(port: int, report: object) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", json.dumps(report).encode())
    try:
        with urllib.request.urlopen(request, timeout=30.0) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
