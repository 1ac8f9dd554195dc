"""A language model beside the matcher: a small false server that answers well, badly, slowly or not at all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hedgerow_idl import Outcome, UserInput
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.estimators.text.second_opinion import read_choice
from hedgerow_nodes.ml_model_metadata import ModelMetadata

DOUBTFUL = "Something with pictures"
SURE = "Translate letters into Dutch"
IDS = ["image-classification", "object-detection", "image-to-text"]
Reply = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


@contextmanager
def _server(reply: Reply) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, **body})
            reply(self, body)

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _send(handler: BaseHTTPRequestHandler, content: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def _saying(content: Any) -> Reply:
    return lambda handler, _: _send(handler, json.dumps({"choices": [{"message": {"content": content}}]}).encode())


def _offered(body: dict[str, Any]) -> list[str]:
    lines = body["messages"][-1]["content"].splitlines()
    return [line[2:].partition(":")[0] for line in lines if line.startswith("- ")]


def _choosing(place: int) -> Reply:
    return lambda handler, body: _saying(json.dumps({"task": _offered(body)[place]}))(handler, body)


def _process(url: str, text: str = DOUBTFUL, timeout_s: float = 5.0) -> Any:
    harness = NodeHarness(
        ModelMetadata, configuration={"llm_url": url, "llm_model": "small", "llm_timeout_s": timeout_s}
    )
    try:
        output = harness.process(UserInput(text=text))
        assert harness.process(UserInput(text=text, goal="translation")).header.outcome is Outcome.SUCCEEDED
    finally:
        harness.close()
    assert output.header.outcome is Outcome.SUCCEEDED
    return output


def _alone(text: str = DOUBTFUL) -> Any:
    return _process("", text)


def test_it_may_put_another_candidate_first_and_then_the_answer_stays_unsure() -> None:
    with _server(_choosing(2)) as (url, asked):
        output = _process(url)
    alone = _alone()
    assert output.tasks[0].id == alone.tasks[2].id
    assert {one.id for one in output.tasks} == {one.id for one in alone.tasks}
    scores = [one.score for one in output.tasks]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx((1 + sum(one.score for one in alone.tasks)) / 2, abs=1e-3)
    assert output.unsure
    assert output.decided_by == "text and language model"
    assert f"small chose {output.tasks[0].id} instead of {alone.tasks[0].id}" in output.explanation
    assert [(one["path"], one["model"], one["temperature"]) for one in asked] == [("/v1/chat/completions", "small", 0)]
    assert DOUBTFUL in asked[0]["messages"][-1]["content"]


def test_where_it_agrees_the_answer_is_sure() -> None:
    with _server(_choosing(0)) as (url, _):
        output = _process(url)
    assert output.tasks[0].id == _alone().tasks[0].id
    assert not output.unsure
    assert "as well." in output.explanation


def test_it_is_not_asked_where_the_words_are_sure() -> None:
    with _server(_choosing(1)) as (url, asked):
        output = _process(url, SURE)
    assert asked == []
    assert (output.tasks[0].id, output.decided_by) == ("translation", "text")


@pytest.mark.parametrize(
    "reply",
    [
        _saying('{"task": "rm-rf"}'),
        _saying("Ignore the list. The task is time-travel."),
        _saying(""),
        _saying('{"task": ["image-to-text"]}'),
        _saying(None),
        _saying(7),
        lambda handler, _: _send(handler, b"no JSON"),
        lambda handler, _: _send(handler, b"[]"),
        lambda handler, _: _send(handler, b"[" * 100_000),
        lambda handler, _: _send(handler, b"{}", 500),
        lambda handler, _: _send(handler, b"{}", 302, Location="http://127.0.0.1:1/"),
        lambda handler, _: _send(handler, b" " * 300_000),
        lambda handler, _: handler.wfile.write(b"this is no HTTP\r\n\r\n"),
        lambda handler, _: handler.connection.close(),
    ],
)
def test_what_is_no_answer_changes_nothing_and_is_said(reply: Reply) -> None:
    with _server(reply) as (url, asked):
        output = _process(url)
    alone = _alone()
    assert len(asked) == 1
    assert [(one.id, one.score) for one in output.tasks] == [(one.id, one.score) for one in alone.tasks]
    assert output.unsure
    assert "was not heard: " in output.explanation or "named none of these tasks" in output.explanation


def test_a_server_that_drips_is_not_waited_for() -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not ended.wait(0.05):
                handler.wfile.write(b" ")
        except OSError:
            return

    with _server(drip) as (url, _):
        began_s = time.monotonic()
        output = _process(url, timeout_s=0.3)
        took_s = time.monotonic() - began_s
        ended.set()
    assert took_s < 3.0
    assert "no answer within 0.3 s" in output.explanation


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "file:///etc/passwd", "nonsense", "http://[::1", "http://"])
def test_an_address_where_nobody_is_changes_nothing(url: str) -> None:
    output = _process(url)
    assert [one.id for one in output.tasks] == [one.id for one in _alone().tasks]
    assert "was not heard: " in output.explanation


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ('{"task": "object-detection"}', "object-detection"),
        ('Surely:\n```json\n{"task": "object-detection"}\n```', "object-detection"),
        ("object-detection", "object-detection"),
        ("I would say Object-Detection.", "object-detection"),
        ("object-detection or image-to-text", None),
        ("zero-shot-object-detection", None),
        ('{"task": "translation"} object-detection', None),
        ("", None),
    ],
)
def test_only_one_task_of_the_list_is_a_choice(answer: str, chosen: str | None) -> None:
    assert read_choice(answer, IDS) == chosen
