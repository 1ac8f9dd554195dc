"""`telemetry.report`: each row is stored once, whatever is repeated, and what cannot be stored is said."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from garden import Garden
from telemetry_rows import LOGICAL, NODE, PHYSICAL, SERVICE, batch, encoded, packet, process, system

from hedgerow_idl import ReplyStatus
from hedgerow_idl.telemetry import TelemetryBatch, TraceEvent
from hedgerow_orchestrator import store_guard, telemetry_desk, telemetry_names
from hedgerow_orchestrator.store.changes import Change
from hedgerow_orchestrator.store.errors import StoreUnavailable
from hedgerow_orchestrator.store.serving_testing import a_service, an_instance
from hedgerow_orchestrator.store.writer import Store

NAN = float("nan")


@pytest.fixture
def garden(tmp_path: Path) -> Iterator[Garden]:
    garden = Garden(tmp_path / "home", TroubledStore)
    yield garden
    garden.reader.close()
    garden.orchestrator.close()


class TroubledStore(Store):
    """A store whose commits fail while a test wants it."""

    trouble: Exception | None = None

    def commit(self, changes: Sequence[Change]) -> None:
        if self.trouble is not None and changes:
            raise self.trouble
        super().commit(changes)


def query(garden: Garden, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(garden.environment.home / "hedgerow.sqlite")) as connection:
        return connection.execute(sql).fetchall()


def report(garden: Garden, *batches: TelemetryBatch) -> dict[str, Any]:
    status, body = garden.ask("telemetry.report", encoded(*batches))
    assert status is ReplyStatus.OK, body
    return body


def numbers(garden: Garden) -> list[int]:
    tables = ("telemetry_system", "telemetry_process", "telemetry_packet")
    return sorted(row[0] for table in tables for row in query(garden, f"SELECT row_number FROM {table}"))


def test_rows_are_stored_and_told(garden: Garden) -> None:
    garden.store.commit([a_service(SERVICE), an_instance(PHYSICAL, logical_id=LOGICAL, service_id=SERVICE)])
    body = report(garden, batch(1, 3), batch(4, 4))
    assert body == {"stored_rows": 7, "known_rows": 0, "refused_rows": 0, "known": {"source-1": [[1, 8]]}}
    assert numbers(garden) == [1, 2, 3, 4, 5, 6, 7]
    assert query(garden, "SELECT uuid, name FROM telemetry_session") == [(SERVICE, "faces")]
    assert query(garden, "SELECT uuid, name FROM telemetry_handler") == [(LOGICAL, "camera")]
    assert query(garden, "SELECT uuid, name FROM telemetry_instance") == [(PHYSICAL, "camera")]
    assert query(garden, "SELECT uuid, name FROM telemetry_node") == [(NODE, NODE)]


def test_rows_that_come_again_are_known(garden: Garden) -> None:
    report(garden, batch(1, 5))
    assert report(garden, batch(1, 5))["known_rows"] == 5
    body = report(garden, batch(3, 6))
    assert (body["stored_rows"], body["known_rows"], body["known"]) == (3, 3, {"source-1": [[1, 9]]})
    assert numbers(garden) == list(range(1, 9))
    # Rows 3 and 4 were packets before, as a batch of their own they would be others: the first that came counts.
    assert query(garden, "SELECT sequence_number FROM telemetry_packet WHERE row_number = 4") == [(4,)]


def test_the_same_rows_twice_in_one_report_are_stored_once(garden: Garden) -> None:
    body = report(garden, batch(1, 4), batch(1, 4))
    assert (body["stored_rows"], body["known_rows"]) == (4, 4)
    assert numbers(garden) == [1, 2, 3, 4]


def test_what_is_known_outlives_the_orchestrator_and_its_memory(garden: Garden) -> None:
    report(garden, batch(1, 4), batch(1, 4, source_id="source-2"))
    garden.orchestrator.close()
    garden.orchestrator = garden.new_orchestrator()
    garden.meet()
    status, body = garden.ask("telemetry.report", {"sources": ["source-1", "source-9", "x" * 200]})
    assert status is ReplyStatus.OK
    assert body["known"] == {"source-1": [[1, 5]], "source-9": [], "x" * 200: []}
    assert report(garden, batch(1, 6, source_id="source-2"))["stored_rows"] == 2
    assert report(garden, batch(9, 1, source_id="source-3"))["known"] == {"source-3": [[9, 10]]}
    ids = query(garden, "SELECT id, uuid FROM telemetry_source ORDER BY id")
    assert ids == [(1, "source-1"), (2, "source-2"), (3, "source-3")]


def test_what_was_pruned_stays_known(garden: Garden) -> None:
    report(garden, batch(1, 4))
    with closing(sqlite3.connect(garden.environment.home / "hedgerow.sqlite")) as connection:
        connection.execute("DELETE FROM telemetry_packet")
        connection.commit()
    assert report(garden, batch(1, 4))["stored_rows"] == 0
    assert numbers(garden) == [1, 2]


def test_rows_that_no_table_can_hold_are_left_out_and_counted(garden: Garden) -> None:
    rows = batch(
        1,
        0,
        systems=[system(at_s=NAN), system(gpu_index=1, gpu_clock_hz=1e300)],
        processes=[process(at_s=float("inf")), process(logical_id="x" * 129)],
        packets=[packet(1, epoch=2**63), packet(2, port_name="p" * 129), packet(-1, TraceEvent.DROP, size_bytes=NAN)],
        lost=12,
    )
    body = report(garden, rows)
    assert (body["stored_rows"], body["refused_rows"], body["known"]) == (2, 5, {"source-1": [[1, 8]]})
    assert query(garden, "SELECT row_number, gpu_index, gpu_clock_hz FROM telemetry_system") == [(2, 1, None)]
    packets = query(garden, "SELECT row_number, event, size_bytes FROM telemetry_packet")
    assert packets == [(7, "drop", None)]
    assert query(garden, "SELECT lost_rows, refused_rows FROM telemetry_source") == [(12, 5)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"batches": ["%"]}, "is no TelemetryBatch"),
        ({"batches": ["AAAA"]}, "is no TelemetryBatch"),
        ({"batches": 3}, "telemetry report refused"),
        ({"sources": [3]}, "telemetry report refused"),
        (encoded(batch(source_id="")), "source id ''"),
        (encoded(batch(), batch(first_row=2**63, packets=[])), "above 2^63"),
        (encoded(batch(node_id="x" * 129)), "node id"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(garden: Garden, body: dict[str, Any], says: str) -> None:
    status, answer = garden.ask("telemetry.report", body)
    assert status is ReplyStatus.INVALID
    assert says in answer["message"]
    assert numbers(garden) == []
    assert report(garden, batch())["stored_rows"] == 3


def test_while_the_store_is_away_nothing_is_told_to_be_stored(garden: Garden, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRACE_S", "LOOK_S", "SHORT_PAUSE_S", "PAUSE_S"):
        monkeypatch.setattr(store_guard, name, 0.0)
    assert isinstance(garden.store, TroubledStore)
    garden.store.trouble = StoreUnavailable("disk full")
    first = garden.send("telemetry.report", encoded(batch(1, 4)))
    assert [garden.reply(first) for _ in range(10)] == [None] * 10
    status, _ = garden.ask("telemetry.report", encoded(batch(1, 4)))
    assert status is ReplyStatus.UNAVAILABLE
    garden.store.trouble = None
    assert report(garden, batch(1, 4))["known_rows"] == 4
    assert numbers(garden) == [1, 2, 3, 4]


def test_many_ids_and_sources_are_forgotten_and_found_again(garden: Garden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_names, "REMEMBERED", 2)
    monkeypatch.setattr(telemetry_desk, "REMEMBERED", 2)
    for turn in range(2):
        for number in range(5):
            packets = [packet(1, logical_id=f"logical-{each}") for each in range(number, number + 3)]
            rows = batch(1, 0, source_id=f"source-{number}", packets=packets)
            assert report(garden, rows)["stored_rows"] == (0 if turn else 3)
    assert query(garden, "SELECT count(*), count(DISTINCT uuid) FROM telemetry_handler") == [(7, 7)]
    assert query(garden, "SELECT count(*) FROM telemetry_source") == [(5,)]


def test_the_views_show_what_older_systems_show(garden: Garden) -> None:
    gpus = [system(1.5, gpu_index=0, gpu_percent=49.6, gpu_clock_hz=1.3504e9, gpu_power_w=60.7), system(1.5)]
    packets = [packet(5, event, 2.0 + event.value, size_bytes=9.0) for event in TraceEvent]
    report(garden, batch(1, 0, systems=gpus, processes=[process(1.75, gpu_index=0, gpu_percent=3.2)], packets=packets))
    names = "timestamp, node_ID, cpu_util, mem_total, mem_util, gpu_util, gpu_mem_util, gpu_clock, gpu_power"
    assert query(garden, f"SELECT {names} FROM sys_info ORDER BY gpu_clock DESC") == [
        (1.5, 1, 10.0, 8192, 40.0, 50, None, 1350, 61),
        (1.5, 1, 10.0, 8192, 40.0, None, None, None, None),
    ]
    names = "timestamp, session_ID, handler_ID, cpu_util, mem_util, gpu_util, gpu_mem_util"
    assert query(garden, f"SELECT {names} FROM proc_info") == [(1.75, 1, 1, 66.0, None, 3, None)]
    names = "timestamp, session_ID, handler_ID, sequence, event, size"
    assert query(garden, f"SELECT {names} FROM packet_info ORDER BY timestamp") == [
        (2.0 + at, 1, 1, 5, event, 9) for at, event in enumerate(("start", "end", "sent", "recv", "drop"))
    ]


def test_a_report_of_a_second_of_a_busy_worker_keeps_the_loop_free(garden: Garden) -> None:
    """A tenth of a second would be noticed; what it takes really is some hundredth of one, see docs/telemetry.md."""
    report(garden, batch(1, 10))
    began_s = time.process_time()
    assert report(garden, batch(11, 600))["stored_rows"] == 600
    assert time.process_time() - began_s < 0.5
