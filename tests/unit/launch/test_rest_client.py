"""Finding the front end, and what its answers and silences become."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from hedgerow_launch.failures import CommandFailure
from hedgerow_launch.rest_client import Refused, RestClient, TimedOut, Unreachable, connect, read_announcement


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def announce(home: Path, text: str) -> None:
    (home / "run").mkdir(exist_ok=True)
    (home / "run" / "frontend.json").write_text(text)


def test_the_home_names_the_front_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEDGEROW_URL", raising=False)
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    announce(tmp_path, json.dumps({"url": "http://127.0.0.1:1/", "pid": 5}))
    assert connect().url == "http://127.0.0.1:1"
    monkeypatch.setenv("HEDGEROW_URL", "http://example.net:8")
    assert connect().url == "http://example.net:8"


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"url": "http://x"}', '{"url": "http://x", "pid": "y"}'])
def test_a_half_written_announcement_is_none(tmp_path: Path, text: str) -> None:
    announce(tmp_path, text)
    assert read_announcement(tmp_path) is None


def test_without_a_system_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEDGEROW_URL", raising=False)
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    with pytest.raises(Unreachable, match="hedgerow up") as caught:
        connect()
    assert caught.value.exit_code == 3


def test_an_address_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_URL", "file:///etc/passwd")
    with pytest.raises(CommandFailure, match="no http:// or https:// address") as caught:
        connect()
    assert caught.value.exit_code == 2


def test_the_token_is_shown(frontend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEROW_TOKEN", "s3cret")
    frontend.answers = {"GET /api/v1/nodes": (200, {"items": []})}
    assert connect().get("nodes") == {"items": []}
    assert frontend.asked[0].headers["Authorization"] == "Bearer s3cret"


def test_a_proxy_is_not_asked_for_loopback(frontend: Any, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    frontend.answers = {"GET /api/v1/nodes": (200, {"items": []})}
    assert RestClient(frontend.url).get("nodes") == {"items": []}


def test_parts_of_a_path_are_quoted(frontend: Any) -> None:
    frontend.answers = {"GET /api/v1/nodes/a%2Fb%3Fc": (200, 1)}
    assert RestClient(frontend.url).get("nodes", "a/b?c", cursor=None) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "exit_code", "message"),
    [
        (422, {"detail": "text: is blank", "field": "text"}, Refused, 1, "text: is blank"),
        (422, {"detail": "is blank", "field": "text"}, Refused, 1, "text: is blank"),
        (404, {"detail": "node 'x' unknown; known: a, b"}, Refused, 1, "node 'x' unknown; known: a, b"),
        (409, {"title": "Conflict"}, Refused, 1, "Conflict"),
        (500, "no object", Refused, 1, "HTTP 500 Internal Server Error"),
        (503, {"detail": "the orchestrator did not answer"}, Unreachable, 3, "the orchestrator did not answer"),
        (504, {"detail": "too slow"}, TimedOut, 4, "too slow"),
    ],
)
def test_errors_keep_the_servers_words(
    frontend: Any, status: int, body: Any, kind: type[CommandFailure], exit_code: int, message: str
) -> None:
    frontend.answers = {"POST /api/v1/problems": (status, body)}
    with pytest.raises(kind) as caught:
        RestClient(frontend.url).post("problems", body={"text": ""})
    assert (type(caught.value), caught.value.exit_code, str(caught.value)) == (kind, exit_code, message)


def test_nobody_there(closed_port: int) -> None:
    with pytest.raises(Unreachable, match=rf"http://127\.0\.0\.1:{closed_port} cannot be reached"):
        RestClient(f"http://127.0.0.1:{closed_port}").get("nodes")


def test_somebody_who_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = RestClient(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.05)
        with pytest.raises(TimedOut, match=r"did not answer within 0\.05 s"):
            client.get("nodes")


def test_somebody_who_is_no_front_end(frontend: Any) -> None:
    frontend.answers = {"GET /api/v1/nodes": "<html>"}
    with pytest.raises(Unreachable, match="no JSON"):
        RestClient(frontend.url).get("nodes")


@pytest.mark.parametrize("status", [200, 503])
def test_readiness_is_an_answer_even_when_it_is_no(frontend: Any, status: int) -> None:
    body = {"ready": status == 200, "components": []}
    frontend.answers = {"GET /readyz": (status, body)}
    assert RestClient(frontend.url).readiness() == body
