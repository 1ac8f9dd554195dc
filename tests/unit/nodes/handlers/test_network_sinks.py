"""What the HTTP and TCP sinks send to servers on the loopback, and how they bear servers that fail."""

from __future__ import annotations

import json
import logging
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from handler_bench import FakeContext, made
from loopback import TcpServer, http_server

from hedgerow_nodes.handlers.transport.back_off import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    GivenUp,
    Stopped,
    pause_s,
    tried,
)
from hedgerow_nodes.serve import BadHandler, EncodedImage, Record

OK = (200, "text/plain", b"")


@pytest.fixture
def server() -> Iterator[TcpServer]:
    found = TcpServer()
    yield found
    found.close()


def messages(data: bytes) -> list[dict[str, object]]:
    """What a reader of the stream makes of it."""
    found = []
    while data:
        (length,) = struct.unpack(">I", data[:4])
        assert len(data) >= 4 + length
        found.append(json.loads(data[4 : 4 + length]))
        data = data[4 + length :]
    return found


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_a_record_is_posted_as_json(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    context.sequence, context.epoch = 7, 3
    with http_server(lambda number, path: OK) as asked:
        made("http", context, url=f"{asked.url}/in").process(Record({"n": 1}))
        made("http", context, url=f"{asked.url}/in", with_sequence=False).process(Record({"n": 1}))
    assert asked.paths == ["/in", "/in"]
    assert [json.loads(body) for body in asked.bodies] == [{"sequence": 7, "epoch": 3, "value": {"n": 1}}, {"n": 1}]
    assert asked.headers[0]["Content-Type"] == "application/json"
    assert (asked.headers[0]["Hedgerow-Sequence"], asked.headers[0]["Hedgerow-Epoch"]) == ("7", "3")


def test_a_picture_is_posted_as_its_file(tmp_path: Path) -> None:
    with http_server(lambda number, path: OK) as asked:
        made("http", FakeContext(tmp_path), url=asked.url).process(EncodedImage(b"\xff\xd8png", "image/png"))
    assert asked.bodies == [b"\xff\xd8png"]
    assert asked.headers[0]["Content-Type"] == "image/png"


def test_a_server_that_fails_once_gets_it_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answers = [(500, "text/plain", b""), OK]
    with http_server(lambda number, path: answers[number]) as asked, caplog.at_level(logging.WARNING):
        made("http", FakeContext(tmp_path), url=asked.url).process(Record({"n": 1}))
    assert len(asked.bodies) == 2
    assert "answers 500 Internal Server Error; try 1 of 3, next in 0.2 s" in caplog.text


def test_a_server_that_goes_on_failing_is_given_up(tmp_path: Path) -> None:
    with http_server(lambda number, path: (400, "text/plain", b"")) as asked:
        sink = made("http", FakeContext(tmp_path), url=asked.url, attempts=2)
        with pytest.raises(GivenUp, match=r"answers 400 Bad Request \(tried 2 times\)"):
            sink.process(Record({}))
    assert len(asked.bodies) == 2
    gone = made("http", FakeContext(tmp_path), url=f"http://127.0.0.1:{closed_port()}/", attempts=1)
    with pytest.raises(GivenUp, match="cannot be reached"):
        gone.process(Record({}))


def test_a_silent_server_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        begun_s = time.monotonic()
        with pytest.raises(GivenUp, match="timed out"):
            made("http", FakeContext(tmp_path), url=url, timeout_s=0.2, attempts=1).process(Record({}))
        assert time.monotonic() - begun_s < 1.5


def test_tcp_sends_json_behind_its_length(tmp_path: Path, server: TcpServer) -> None:
    context = FakeContext(tmp_path)
    sink = made("tcp", context, host="127.0.0.1", port=server.port)
    for context.sequence in range(3):
        sink.process(Record({"text": "é" * context.sequence}))
    expected = [{"sequence": n, "epoch": 1, "value": {"text": "é" * n}} for n in range(3)]
    size = sum(4 + len(json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode()) for one in expected)
    assert messages(server.wait_for(size)) == expected
    assert len(server.received) == 1, "all over one connection"
    sink.close()


def test_a_connection_that_was_closed_is_made_anew(tmp_path: Path, server: TcpServer) -> None:
    context = FakeContext(tmp_path)
    sink = made("tcp", context, host="127.0.0.1", port=server.port)
    sink.process(Record({}))
    before = server.wait_for(1)
    server.drop()
    time.sleep(0.05)
    context.sequence = 1
    sink.process(Record({}))
    told = messages(server.wait_for(2 * len(before)))
    assert [one["sequence"] for one in told] == [0, 1]
    assert len(server.received) == 2
    sink.close()


def test_a_receiver_that_is_away_is_given_up(tmp_path: Path) -> None:
    sink = made("tcp", FakeContext(tmp_path), host="127.0.0.1", port=closed_port(), attempts=2)
    with pytest.raises(GivenUp, match=r"127\.0\.0\.1:\d+ cannot be reached: .*\(tried 2 times\)"):
        sink.process(Record({}))
    sink.close()


def test_a_receiver_that_reads_nothing_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        sink = made("tcp", FakeContext(tmp_path), host="127.0.0.1", port=port, timeout_s=0.3, attempts=1)
        begun_s = time.monotonic()
        with pytest.raises(GivenUp, match="timed out"):
            sink.process(Record({"text": "x" * 20_000_000}))
        assert time.monotonic() - begun_s < 3
        sink.close()


def test_pauses_grow_up_to_a_limit() -> None:
    pauses = [pause_s(failures) for failures in range(1, 100)]
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_what_is_stopped_is_not_tried_again() -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        raise OSError("away")

    with pytest.raises(Stopped):
        tried(work, OSError, 5, lambda seconds: False, lambda text: None)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("http", {}, "url"),
        ("http", {"url": "http://a", "timeout_s": 0}, "timeout_s"),
        ("http", {"url": "http://a", "attempts": 0}, "attempts"),
        ("tcp", {"host": "a"}, "port"),
        ("tcp", {"host": "", "port": 1}, "host"),
        ("tcp", {"host": "a", "port": 70_000}, "port"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(name: str, parameters: dict[str, object], field: str) -> None:
    with pytest.raises(BadHandler, match=field):
        made(name, **parameters)


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"url 'ftp://a/b' is not of the form http://HOST"):
        made("http", url="ftp://a/b")
