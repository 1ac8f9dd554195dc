"""The probe of a control plane without advice nodes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from deploy.ready import main, trouble


def component(name: str, ok: bool = True) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": "as told"}


GOOD = [component("orchestrator"), component("store"), component("bus"), component("frontend")]


def test_missing_advice_nodes_do_not_count() -> None:
    report = {"ready": False, "components": [*GOOD, component("node optimizer", ok=False)]}
    assert trouble(report) == []


@pytest.mark.parametrize("name", ["orchestrator", "store", "frontend"])
def test_what_serving_needs_does(name: str) -> None:
    failing = [component(one["name"], ok=one["name"] != name) for one in GOOD]
    assert trouble({"components": failing}) == [f"{name}: as told"]
    missing = [one for one in GOOD if one["name"] != name]
    assert trouble({"components": missing}) == [f"{name}: not reported"]


@pytest.mark.parametrize("report", [[], {}, None, {"components": None}])
def test_another_server_is_not_ready(report: object) -> None:
    assert "is it Hedgerow" in trouble(report)[0]


@pytest.fixture
def front_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A server at the probe's port; the test sets status and body."""
    answer: dict[str, Any] = {"status": 200, "body": {"components": GOOD}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer["status"] if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer["body"]).encode())

        def log_message(self, format: str, *arguments: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("HEDGEROW_PORT", str(server.server_port))
    yield answer
    server.shutdown()
    thread.join()
    server.server_close()


def test_exit_codes(front_end: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    front_end["status"] = 503
    assert main() == 0
    front_end["body"] = {"components": [component("orchestrator", ok=False)]}
    assert main() == 1
    assert "orchestrator: as told" in capsys.readouterr().err


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEDGEROW_PORT", "1")
    assert main() == 1
    assert "refused" in capsys.readouterr().err
