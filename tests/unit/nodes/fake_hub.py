"""A hub on this host: the API, the files and the redirects of the real one, and everything that may go wrong."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repository:
    """A model of the fake: its files, what the API says besides, and its faults.

    `large` files are sent by the second host; `stated` digests and sizes are said instead of the true ones.
    """

    files: dict[str, bytes]
    about: dict[str, Any] = field(default_factory=dict)
    large: frozenset[str] = frozenset()
    stated: dict[str, dict[str, Any]] = field(default_factory=dict)
    opens_with: str = ""

    def answer(self, name: str) -> dict[str, Any]:
        siblings = []
        for file, content in self.files.items():
            entry: dict[str, Any] = {"rfilename": file, "size": len(content), "blobId": git_digest(content)}
            if file in self.large:
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
                entry["lfs"].update(self.stated.get(file, {}))
            else:
                entry.update(self.stated.get(file, {}))
            siblings.append(entry)
        return {"id": name, "sha": COMMIT, "siblings": siblings, **self.about}


@dataclass
class Seen:
    """A request that came in."""

    host: str
    path: str
    headers: dict[str, str]
    sent_bytes: int = 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is part of the tests."""


class FakeHub:
    """Two hosts (ports): the hub, and the one that it sends large files from."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.seen: list[Seen] = []
        self.status: tuple[int, dict[str, str]] | None = None
        self.busy_times = 0
        self.breaks_off_after: list[int] = []
        self.delay_s = 0.0
        self.knows_ranges = True
        self.echoes_token = False
        self.redirect_to = ""
        self._servers = [self._server("hub"), self._server("files")]
        self.url, self.files_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def _server(self, name: str) -> ThreadingHTTPServer:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                fake.handle(name, self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def handle(self, host: str, request: BaseHTTPRequestHandler) -> None:
        seen = Seen(host, request.path, dict(request.headers.items()))
        self.seen.append(seen)
        time.sleep(self.delay_s)
        if self.busy_times:
            self.busy_times -= 1
            return _send(request, 429, b"", {"Retry-After": "0"})
        if self.status is not None:
            return _send(request, self.status[0], b"no", self.status[1])
        url = urlsplit(request.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        if parts[:2] == ["api", "models"]:
            return self._api(request, parts[2:], {name: found[0] for name, found in parse_qs(url.query).items()})
        owner, name, _, revision, *file = parts
        self._file(host, request, seen, f"{owner}/{name}", revision, "/".join(file))

    def _api(self, request: BaseHTTPRequestHandler, parts: list[str], query: dict[str, str]) -> None:
        if not parts:
            found = [r.answer(name) for name, r in self.repositories.items()]
            kept = [
                entry
                for entry in found
                if query.get("search", "").lower() in entry["id"].lower()
                and query.get("pipeline_tag", "") in ("", entry.get("pipeline_tag"))
            ]
            if query.get("sort") == "downloads":
                kept.sort(key=lambda entry: -entry.get("downloads", 0))
            return _json(request, kept[: int(query["limit"])])
        name = "/".join(parts[:2])
        repository = self.repositories.get(name)
        if repository is None:
            return _send(request, 401, b"", {"X-Error-Code": "RepoNotFound"})
        if parts[2:] not in ([], ["revision", "main"], ["revision", COMMIT], ["revision", "v1/a"]):
            return _send(request, 404, b"", {"X-Error-Code": "RevisionNotFound"})
        answer = repository.answer(name)
        if self.echoes_token:
            answer["cardData"] = {**answer.get("cardData", {}), "license": request.headers.get("Authorization", "")}
        return _json(request, answer)

    def _file(
        self, host: str, request: BaseHTTPRequestHandler, seen: Seen, name: str, revision: str, file: str
    ) -> None:
        repository = self.repositories[name]
        if repository.opens_with and host == "hub":
            if request.headers.get("Authorization") != f"Bearer {repository.opens_with}":
                return _send(request, 403, b"", {"X-Error-Code": "GatedRepo"})
        if file not in repository.files:
            return _send(request, 404, b"", {"X-Error-Code": "EntryNotFound"})
        if host == "hub" and file in repository.large:
            target = self.redirect_to or f"{self.files_url}{request.path}?signature=s3cr3t-signature"
            return _send(request, 302, b"", {"Location": target})
        self._content(request, seen, repository.files[file])

    def _content(self, request: BaseHTTPRequestHandler, seen: Seen, content: bytes) -> None:
        begin, end = 0, len(content)
        asked = request.headers.get("Range", "") if self.knows_ranges else ""
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            begin, end = int(first), int(last) + 1 if last else len(content)
        body = content[begin : min(end, len(content))]
        request.send_response(206 if asked else 200)
        request.send_header("Content-Length", str(len(body)))
        if asked:
            request.send_header("Content-Range", f"bytes {begin}-{begin + len(body) - 1}/{len(content)}")
        request.end_headers()
        if self.breaks_off_after:
            body = body[: self.breaks_off_after.pop(0)]
            request.close_connection = True
        seen.sent_bytes = len(body)
        request.wfile.write(body)


def git_digest(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def tensors_file(tensors: dict[str, tuple[str, list[int], bytes]]) -> bytes:
    """A safetensors file, written by its format's description."""
    header: dict[str, Any] = {}
    at, content = 0, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
        content += data
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


@contextmanager
def running() -> Iterator[FakeHub]:
    fake = FakeHub()
    try:
        yield fake
    finally:
        fake.close()


def _json(request: BaseHTTPRequestHandler, value: Any) -> None:
    _send(request, 200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
