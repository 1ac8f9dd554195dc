"""A front end played by a table of answers, and a command line to call it with."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hedgerow_launch.__main__ import app

Answer = tuple[int, Any]


@dataclass
class Asked:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeFrontend:
    """Answers `METHOD /path?query` from `answers`: (status, JSON), a text as an event stream, or a function of both."""

    url: str = ""
    answers: dict[str, Answer | str | Callable[[Asked], Answer | str]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer | str:
        self.asked.append(asked)
        line = f"{asked.method} {asked.path}"
        known = self.answers.get(line, self.answers.get(line.partition("?")[0]))
        if known is None:
            return 404, {"title": "Not Found", "detail": f"nothing is at {asked.path}", "code": "not_found"}
        return known(asked) if callable(known) else known

    def lines(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


def _handler(frontend: FakeFrontend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(size)
            is_json = self.headers.get("Content-Type") == "application/json"
            body = json.loads(sent) if size and is_json else sent or None
            answer = frontend.answer(Asked(self.command, self.path, dict(self.headers), body))
            if isinstance(answer, str):
                status, kind, data = 200, "text/event-stream", answer.encode()
            else:
                status, kind, data = answer[0], "application/json", json.dumps(answer[1]).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def frontend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeFrontend]:
    """A front end on a free port, which the command finds by `HEDGEROW_URL`."""
    fake = FakeFrontend()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("HEDGEROW_URL", fake.url)
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    monkeypatch.delenv("HEDGEROW_TOKEN", raising=False)
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hedgerow() -> Callable[..., Result]:
    """The command, called with its arguments."""

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return call


def verdict() -> dict[str, Any]:
    """A limit that is missed, as the front end answers it."""
    limit = {
        "name": "latency_s",
        "comparison": "<=",
        "value": 0.01,
        "unit": "s",
        "found_in": "text",
        "excerpt": "within 10 ms",
    }
    answer = {"value": 0.0123, "low": 0.01, "high": 0.015, "method": "measured", "source": "this host", "remark": ""}
    said = "latency at most 10 ms: missed by 2.3 ms, 1.23 times the limit, with 12.3 ms (measured)."
    return {
        "limit": limit,
        "verdict": "missed",
        "certain": True,
        "missed_by": 0.0023,
        "answer": answer,
        "said": said,
    }


@pytest.fixture
def task() -> Callable[..., dict[str, Any]]:
    """A task as the front end answers it, with more than the command prints."""

    def make(problem_id: int = 3, iteration_id: int = 1, state: str = "SUCCEEDED") -> dict[str, Any]:
        estimate = {"value": 0.0123, "low": 0.01, "high": 0.015, "method": "measured", "source": "this host"}
        return {
            "task": {"problem_id": problem_id, "iteration_id": iteration_id},
            "state": state,
            "stages": {
                "ml_model_metadata": {
                    "state": "SUCCEEDED",
                    "attempt": 1,
                    "node_id": "n-1",
                    "node": "ml_model_metadata",
                    "started_at": "2026-11-21T05:13:00.123Z",
                    "finished_at": "2026-11-21T05:13:00.223Z",
                    "output": {"tasks": [{"id": "object-detection", "score": 0.91}], "decided_by": "text"},
                    "error": None,
                },
                "hw_resources": {
                    "state": "FAILED" if state == "FAILED" else "SUCCEEDED",
                    "attempt": 2,
                    "node_id": "n-2",
                    "node": "hw_resources",
                    "started_at": "2026-11-21T05:13:00.323Z",
                    "finished_at": "2026-11-21T05:13:00.423Z",
                    "output": None if state == "FAILED" else {"chosen": "jetson", "latency_s": estimate},
                    "error": {"code": "NO_DEVICE", "reason": "all too small"} if state == "FAILED" else None,
                },
            },
            "request": {"text": "Count bicycles"},
            "verdicts": [verdict()],
            "previous_iteration_id": None,
            "created_at": "2026-11-21T05:13:00.000Z",
            "finished_at": "2026-11-21T05:13:01.000Z",
            "error": None,
        }

    return make
