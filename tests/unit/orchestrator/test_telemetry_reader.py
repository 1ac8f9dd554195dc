"""What the reader tells of telemetry, in both databases: pages of rows, filters, traces, rates, links, sources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hedgerow_orchestrator.store.changes import Change
from hedgerow_orchestrator.store.errors import BadCursor, StoreError
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.serving_testing import SERVICE_ID, a_service, a_worker, an_epoch
from hedgerow_orchestrator.store.telemetry_changes import (
    TelemetryHandlerRow,
    TelemetryInstanceRow,
    TelemetryNodeRow,
)
from hedgerow_orchestrator.store.telemetry_queries import RowFilter
from hedgerow_orchestrator.store.telemetry_testing import (
    a_packet_row,
    a_process_row,
    a_source,
    a_system_row,
    telemetry_names,
)
from hedgerow_orchestrator.store.testing import DATABASES, NODE_ID, StorePlace, a_node, new_place

CAMERA, DETECT = 1, 2
LINK = {"sender": "logical-1", "output": "image", "receiver": "logical-2", "input": "image"}


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path, request.param) as place:
        yield place


@pytest.fixture
def reader(place: StorePlace) -> Iterator[StoreReader]:
    with place.writer() as store:
        store.commit([*telemetry_names(), a_service(), a_source(), *_second_worker()])
        store.commit([an_epoch(plan=json.dumps({"links": [LINK]}))])
    with place.reader() as reader:
        yield reader


def _second_worker() -> list[Change]:
    return [
        TelemetryNodeRow(2, "node-2", "worker-2"),
        TelemetryHandlerRow(DETECT, "logical-2", "detect"),
        TelemetryInstanceRow(2, "physical-2", "detect"),
        a_source(2, node_key=2, known_rows="[[1,10],[12,20]]", lost_rows=4, refused_rows=3, changed_at_s=2_000.0),
    ]


def write(place: StorePlace, *rows: Change) -> None:
    with place.writer() as store:
        store.commit(rows)


def detect(row_number: int, **changes: Any) -> Change:
    here = {"source_key": 2, "handler_key": DETECT, "instance_key": 2}
    return a_packet_row(row_number, **{**here, **changes})


def test_rows_come_with_their_names(place: StorePlace, reader: StoreReader) -> None:
    write(place, a_system_row(), a_process_row(), a_packet_row())
    system, process, packet = (reader.telemetry(kind).items for kind in ("sys_info", "proc_info", "packet_info"))
    node = {"node_ID": 1, "node_id": NODE_ID, "node": "worker-1"}
    at = {"at": "1970-01-01T00:16:41.000Z", "at_s": 1001.0}
    gpu = {"gpu_index": 0, "gpu_percent": 55.4, "gpu_memory_percent": 20.0, "gpu_clock_hz": 1.35e9, "gpu_power_w": 61.7}
    assert system == [{**at, **node, "cpu_percent": 12.5, "memory_bytes": 8 * 2**30, "memory_percent": 40.0, **gpu}]
    instance = {
        "session_ID": 1,
        "service_id": SERVICE_ID,
        "service": "faces",
        "handler_ID": 1,
        "logical_id": "logical-1",
        "handler": "camera",
        "physical_id": "physical-1",
    }
    no_gpu = {"gpu_index": None, "gpu_percent": None, "gpu_memory_percent": None}
    at = {"at": "1970-01-01T00:16:42.000Z", "at_s": 1002.0}
    assert process == [{**at, **node, **instance, "cpu_percent": 99.5, "memory_percent": 1.5, **no_gpu}]
    at = {"at": "1970-01-01T00:16:43.000Z", "at_s": 1003.0}
    told = {"epoch": 1, "sequence": 5, "event": "sent", "size_bytes": 1234, "port": "image"}
    assert packet == [{**at, **node, **instance, **told}]


def test_pages_hold_every_row_once_also_of_one_moment(place: StorePlace, reader: StoreReader) -> None:
    write(place, *(a_packet_row(number, at_s=5.0 + number // 7) for number in range(1, 30)))
    write(place, *(detect(number, at_s=6.0) for number in range(1, 10)))
    seen: list[tuple[float, int]] = []
    cursor = None
    while True:
        page = reader.telemetry("packet_info", limit=4, cursor=cursor)
        assert len(page.items) <= 4
        seen += [(item["at_s"], item["node_ID"]) for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert len(seen) == 38
    assert [at_s for at_s, _ in seen] == sorted((at_s for at_s, _ in seen), reverse=True)
    with pytest.raises(BadCursor):
        reader.telemetry("sys_info", cursor=reader.telemetry("packet_info", limit=1).next)


@pytest.mark.parametrize(
    ("wanted", "sequences"),
    [
        (RowFilter(), [9, 8, 7, 6, 5]),
        (RowFilter(worker="worker-2"), [9, 8]),
        (RowFilter(worker=NODE_ID), [7, 6, 5]),
        (RowFilter(worker="nobody"), []),
        (RowFilter(service="faces"), [9, 8, 7, 6, 5]),
        (RowFilter(service="' OR 1=1 --"), []),
        (RowFilter(handler="detect"), [9, 8]),
        (RowFilter(handler="logical-1", since_s=6.0, until_s=7.0), [6]),
        (RowFilter(sequence=8), [8]),
        (RowFilter(event="drop"), [9]),
    ],
)
def test_rows_are_filtered(place: StorePlace, reader: StoreReader, wanted: RowFilter, sequences: list[int]) -> None:
    write(place, *(a_packet_row(number, at_s=float(number), sequence_number=number) for number in (5, 6, 7)))
    write(place, detect(1, at_s=8.0, sequence_number=8), detect(2, at_s=9.0, sequence_number=9, event="drop"))
    assert [row["sequence"] for row in reader.telemetry("packet_info", wanted).items] == sequences


def test_a_kind_that_does_not_exist_is_refused(reader: StoreReader) -> None:
    with pytest.raises(StoreError, match="known: sys_info, proc_info, packet_info"):
        reader.telemetry("alembic_version")


def one_item(sequence: int, at_s: float) -> list[Change]:
    """An item from the camera to the detector: 10 ms in the camera, 20 on the way, 5 waiting, 40 in the detector."""
    first = 10 * sequence
    item = {"sequence_number": sequence}
    return [
        a_packet_row(first, event="start", at_s=at_s, size_bytes=None, **item),
        a_packet_row(first + 1, event="end", at_s=at_s + 0.010, size_bytes=None, **item),
        a_packet_row(first + 2, event="sent", at_s=at_s + 0.011, size_bytes=1000, **item),
        detect(first, event="recv", at_s=at_s + 0.031, size_bytes=1000, **item),
        detect(first + 1, event="start", at_s=at_s + 0.036, size_bytes=None, **item),
        detect(first + 2, event="end", at_s=at_s + 0.076, size_bytes=None, **item),
    ]


def test_a_trace_tells_where_the_time_went(place: StorePlace, reader: StoreReader) -> None:
    write(place, *one_item(7, 1000.0), *one_item(8, 1000.1))
    trace = reader.trace("faces", 7)
    assert trace is not None
    assert [event["event"] for event in trace["events"]] == ["start", "end", "sent", "recv", "start", "end"]
    camera, detector = trace["hops"]
    assert (camera["name"], camera["node"], camera["sent_bytes"]) == ("camera", "worker-1", 1000)
    assert camera["compute_s"] == pytest.approx(0.010)
    assert (camera["network_s"], camera["queue_s"]) == (None, None)
    assert detector["network_s"] == pytest.approx(0.020)
    assert detector["queue_s"] == pytest.approx(0.005)
    assert detector["compute_s"] == pytest.approx(0.040)
    assert trace["total_s"] == pytest.approx(0.076)
    unseen = reader.trace(SERVICE_ID, 99)
    assert unseen is not None
    assert (unseen["events"], unseen["hops"], unseen["total_s"]) == ([], [], None)
    assert (reader.trace("faces", 2**70) or {})["events"] == []
    assert reader.trace("nobody", 1) is None


def test_of_two_items_with_one_number_the_newest_is_told(place: StorePlace, reader: StoreReader) -> None:
    """A source that is started anew, as after a restart of its worker, counts from 0 again."""
    write(place, *one_item(7, 1000.0))
    again = {"sequence_number": 7, "epoch": 3, "size_bytes": None}
    write(place, a_packet_row(900, event="start", at_s=2500.0, **again))
    write(place, a_packet_row(901, event="end", at_s=2500.25, **again))
    trace = reader.trace("faces", 7)
    assert trace is not None
    assert [(event["event"], event["epoch"]) for event in trace["events"]] == [("start", 3), ("end", 3)]
    assert ([hop["name"] for hop in trace["hops"]], trace["total_s"]) == (["camera"], 0.25)


def test_rates_are_of_the_window_alone(place: StorePlace, reader: StoreReader) -> None:
    write(
        place, *one_item(1, 900.0), *(row for number in range(2, 12) for row in one_item(number, 1000.0 + number / 10))
    )
    write(
        place,
        detect(500, event="drop", at_s=1001.0, size_bytes=None),
        a_packet_row(500, at_s=1001.0, sequence_number=500),
    )
    rates = reader.rates("faces", window_s=5.0, until_s=1004.0)
    assert rates is not None
    camera, detector = rates["instances"]
    assert (camera["name"], camera["items"], camera["items_per_s"], camera["sent"]) == ("camera", 10, 2.0, 11)
    assert camera["sent_bytes_per_s"] == (10 * 1000 + 1234) / 5.0
    assert camera["compute_s"] == pytest.approx(0.010)
    assert (detector["items"], detector["received"], detector["dropped"]) == (10, 10, 1)
    assert detector["compute_s"] == pytest.approx(0.040)
    (link,) = rates["links"]
    assert (link["sender"], link["receiver"], link["items"], link["items_per_s"]) == ("logical-1", "logical-2", 10, 2.0)
    assert link["bytes_per_s"] == 2000.0
    assert link["network_s"] == pytest.approx(0.020)
    assert link["unseen"] == 1
    assert (reader.rates("faces", until_s=500.0) or {})["instances"] == []
    assert reader.rates("nobody") is None


def test_links_between_workers_are_those_that_their_senders_measured(place: StorePlace, reader: StoreReader) -> None:
    figures = {"bandwidth_bytes_per_s": 1e8, "latency_s": 0.002, "age_s": 3.0, "is_passive": True, "sent_items": 5}
    status = json.dumps({"links": [{"to_node_id": "node-2", **figures}, {"to_node_id": "gone"}]})
    write(place, a_worker(status=status), a_worker("node-2", status="{}"))
    write(place, a_node(NODE_ID, "worker-1", kind="worker"), a_node("node-2", "worker-2", kind="worker"))
    gone, second = reader.worker_links()
    assert (gone["from"], gone["to"], gone["latency_s"]) == ("worker-1", "gone", None)
    assert (second["from"], second["to"], second["bandwidth_bytes_per_s"]) == ("worker-1", "worker-2", 1e8)


def test_of_a_source_it_is_told_what_is_missing(reader: StoreReader) -> None:
    second, first = reader.telemetry_sources()
    assert (first["source_id"], first["node"], first["stored_rows"], first["missing_rows"]) == (
        "source-1",
        "worker-1",
        3,
        0,
    )
    told = {name: second[name] for name in ("stored_rows", "missing_rows", "lost_rows", "refused_rows")}
    assert told == {"stored_rows": 14, "missing_rows": 2, "lost_rows": 4, "refused_rows": 3}


def test_a_row_that_is_there_stays_as_it_is(place: StorePlace, reader: StoreReader) -> None:
    write(place, a_packet_row(1, size_bytes=5))
    write(place, a_packet_row(1, size_bytes=6), a_packet_row(2, size_bytes=7))
    assert [row["size_bytes"] for row in reader.telemetry("packet_info").items] == [7, 5]


def test_the_query_of_the_page_works_in_both_databases(place: StorePlace, reader: StoreReader) -> None:
    write(place, a_packet_row(1), a_system_row(1), a_process_row(1))
    page = (Path(__file__).parents[3] / "docs" / "telemetry.md").read_text()
    query = page.split("```sql")[1].split("```")[0].strip().rstrip(";")
    with reader._engine.connect() as connection:
        assert connection.exec_driver_sql(query).all() == [(1001.0, 5, "sent")]
        for view, columns in re.findall(r"^\| `(\w+_info)` \| (.*) \|$", page, re.MULTILINE):
            names = re.findall(r"`(\w+)`", columns.split(" (`start`")[0]) + (["size"] if view == "packet_info" else [])
            shown = connection.exec_driver_sql(f"SELECT {', '.join(names)} FROM {view}")
            assert len(shown.all()) == 1
            every = connection.exec_driver_sql(f"SELECT * FROM {view}")
            assert [name.lower() for name in every.keys()] == [name.lower() for name in names]
