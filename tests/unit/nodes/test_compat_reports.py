"""Reports posted as the described systems post them: stored once, unknown columns refused by name, no SQL from keys."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from hedgerow_idl.telemetry import TelemetryBatch, TraceEvent
from hedgerow_nodes.compat.report_desk import ReportDesk
from hedgerow_nodes.compat.report_server import ReportAddress, ReportServer, report_address
from hedgerow_nodes.core.environment import ConfigurationError
from hedgerow_nodes.core.telemetry_rows import range_of

SYSTEM = {"timestamp": 1.5, "cpu_util": 12.5, "mem_total": 8192, "mem_util": 40.0}
GPU = {"gpu_util": 50, "gpu_mem_util": 20, "gpu_clock": 1350, "gpu_power": 61}
PROCESS = {"timestamp": 1.5, "session_id": 0, "handler_id": 2, "cpu_util": 66.0, "mem_util": 1.0}
PACKET = {"timestamp": 1.5, "session_ID": 0, "handler_ID": 2, "sequence": 7, "event": "sent", "size": 99}


class World:
    """The desk, with batches that a test lets be stored."""

    def __init__(self, *, stored: bool = True) -> None:
        self.batches: list[TelemetryBatch] = []
        self.futures: list[Future[None]] = []
        self.stored = stored
        self.desk = ReportDesk(self._post, timeout_s=0.05)

    def _post(self, batch: TelemetryBatch) -> Future[None]:
        self.batches.append(batch)
        self.futures.append(Future())
        if self.stored:
            self.futures[-1].set_result(None)
        return self.futures[-1]


def test_all_three_tables_become_rows() -> None:
    world = World()
    report = {
        "sys_info": [{**SYSTEM, **GPU}, SYSTEM | {"timestamp": 2}],
        "proc_info": [PROCESS],
        "packet_info": [PACKET],
    }
    assert world.desk.answer("10.0.0.5", report) == (200, {"result": "Succeeded"})
    (batch,) = world.batches
    assert (batch.node_id, range_of(batch)) == ("address:10.0.0.5", (1, 5))
    first, second = batch.systems
    assert (first.memory_bytes, first.gpu_index, first.gpu_clock_hz, first.gpu_power_w) == (2.0**33, 0, 1.35e9, 61.0)
    assert (second.gpu_index, second.at_s) == (-1, 2.0)
    (process,) = batch.processes
    assert (process.service_id, process.logical_id, process.cpu_percent) == ("posted:0", "posted:0:2", 66.0)
    (packet,) = batch.packets
    assert (packet.sequence_number, packet.event, packet.size_bytes) == (7, TraceEvent.SENT, 99.0)


@pytest.mark.parametrize(
    ("word", "event"), [("send", TraceEvent.SENT), ("receive", TraceEvent.RECV), ("drop", TraceEvent.DROP)]
)
def test_the_words_that_reporters_use_for_events(word: str, event: TraceEvent) -> None:
    world = World()
    world.desk.answer("a", {"packet_info": [PACKET | {"event": word}]})
    assert world.batches[0].packets[0].event is event


def test_a_row_that_is_posted_again_is_stored_once_and_answered_when_it_is() -> None:
    world = World(stored=False)
    status, answer = world.desk.answer("a", {"packet_info": [PACKET]})
    assert (status, answer["result"]) == (503, "Failed")
    later = PACKET | {"sequence": 8}
    assert world.desk.answer("a", {"packet_info": [PACKET, later]})[0] == 503
    assert [[row.sequence_number for row in batch.packets] for batch in world.batches] == [[7], [8]]
    assert [range_of(batch) for batch in world.batches] == [(1, 2), (2, 3)]
    for future in world.futures:
        future.set_result(None)
    assert world.desk.answer("a", {"packet_info": [PACKET, later]})[0] == 200
    assert len(world.batches) == 2
    assert world.desk.answer("another host", {"packet_info": [PACKET]})[0] == 503  # its own row


def test_two_gpus_of_one_moment_are_two_rows() -> None:
    world = World()
    for _ in range(2):
        assert world.desk.answer("a", {"sys_info": [SYSTEM, {**SYSTEM, **GPU}, {**SYSTEM, **GPU}]})[0] == 200
    assert [[row.gpu_index for row in batch.systems] for batch in world.batches] == [[-1, 0, 1]]


def test_rows_that_name_a_node_are_of_that_node() -> None:
    world = World()
    world.desk.answer("a", {"sys_info": [SYSTEM | {"node_ID": 3}, SYSTEM | {"node_id": 4}, SYSTEM]})
    assert sorted(batch.node_id for batch in world.batches) == ["address:a", "posted:3", "posted:4"]


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ([], "no object"),
        ({"users": []}, "table 'users' unknown; known: sys_info, proc_info, packet_info"),
        ({"sys_info": {}, "proc_info": {"a": 1}}, "proc_info is no list"),
        ({"sys_info": [3]}, r"sys_info[0] is no object"),
        (
            {"sys_info": [SYSTEM, SYSTEM | {"cpu_util) VALUES (1); --": 1}]},
            "sys_info[1]: column 'cpu_util) VALUES (1); --' unknown",
        ),
        ({"proc_info": [{"timestamp": 1.0, "session_id": 1}]}, "proc_info[0]: column 'handler_id' is missing"),
        ({"packet_info": [PACKET | {"event": "gone"}]}, "event 'gone' unknown; known: start, end, sent, recv, drop"),
        ({"packet_info": [PACKET | {"sequence": 1.5}]}, "sequence '1.5' is no whole number"),
        ({"packet_info": [PACKET | {"sequence": 2**63}]}, "out of range"),
        ({"sys_info": [SYSTEM | {"cpu_util": True}]}, "cpu_util 'True' is no number"),
        ({"sys_info": [SYSTEM | {"cpu_util": "1; DROP TABLE"}]}, "is no number"),
        ({"sys_info": [SYSTEM | {"timestamp": float("nan")}]}, "out of range"),
    ],
)
def test_what_is_none_is_refused_whole_and_by_name(report: Any, says: str) -> None:
    world = World()
    status, answer = world.desk.answer("a", report)
    assert (status, answer["result"]) == (400, "Failed")
    assert says in answer["reason"]
    assert world.batches == []


@pytest.fixture
def server() -> Iterator[tuple[str, World]]:
    world = World()
    server = ReportServer(ReportAddress("127.0.0.1", 0), world.desk)
    yield f"http://127.0.0.1:{server.port}/", world
    server.close()


def post(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=5.0) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_reports_come_by_http(server: tuple[str, World]) -> None:
    url, world = server
    assert post(url, json.dumps({"sys_info": [SYSTEM]}).encode()) == (200, {"result": "Succeeded"})
    assert world.batches[0].node_id == "address:127.0.0.1"
    assert post(url, b"{")[0] == 400
    assert post(url, b"[" * 100_000)[0] == 400
    assert post(url + "x", b"{}")[0] == 404
    assert post(url, b"{}", Origin="http://evil.example")[0] == 403
    assert len(world.batches) == 1


def test_it_is_off_unless_a_port_is_set() -> None:
    assert report_address({}) is None
    assert report_address({"HEDGEROW_COLLECTOR_ADDR": "0.0.0.0"}) is None
    assert report_address({"HEDGEROW_COLLECTOR_PORT": "9001"}) == ReportAddress("127.0.0.1", 9001)
    for bad in ({"HEDGEROW_COLLECTOR_PORT": "x"}, {"HEDGEROW_COLLECTOR_PORT": "1", "HEDGEROW_COLLECTOR_ADDR": "x"}):
        with pytest.raises(ConfigurationError, match="HEDGEROW_COLLECTOR"):
            report_address(bad)


def test_a_port_that_is_taken_is_named(server: tuple[str, World]) -> None:
    port = int(server[0].rsplit(":", 1)[1].strip("/"))
    with pytest.raises(ConfigurationError, match=f"cannot listen at 127.0.0.1:{port}"):
        ReportServer(ReportAddress("127.0.0.1", port), server[1].desk)
