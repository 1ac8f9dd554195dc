"""Models by path, address and upload: checked, bounded, tried again, and there whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hedgerow_nodes.partition import ModelError, ModelUnreachable
from hedgerow_nodes.partition.store import fetch, put, stored_path

CONTENT = b"a model, as far as the store knows" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Answers by path; counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failures = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == "/away" and self.failures > 0:
            self.failures -= 1
            request.send_error(503)
            return
        if request.path == "/missing":
            request.send_error(404)
            return
        if request.path == "/moved":
            request.send_response(302)
            request.send_header("Location", "/model.onnx")
            request.end_headers()
            return
        if request.path == "/inward":
            request.send_response(302)
            request.send_header("Location", "file:///etc/hostname")
            request.end_headers()
            return
        request.send_response(200)
        if request.path != "/unsized":
            request.send_header("Content-Length", str(len(CONTENT)))
        request.end_headers()
        if request.path == "/broken":
            request.wfile.write(CONTENT[:100])
        elif request.path == "/slow":
            with contextlib.suppress(OSError):
                for byte in CONTENT[:50]:
                    request.wfile.write(bytes([byte]))
                    time.sleep(0.05)
        else:
            request.wfile.write(CONTENT)


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.http.shutdown()
    one.http.server_close()


def nothing(_: float) -> None:
    """Instead of a pause."""


def test_a_path_is_used_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(CONTENT)
    assert fetch(str(path), tmp_path / "models", DIGEST.upper()) == path
    with pytest.raises(ModelError, match=f"has SHA-256 {DIGEST}, {'0' * 64} was asked for"):
        fetch(str(path), tmp_path / "models", "0" * 64)


def test_an_upload_is_found_by_its_digest(tmp_path: Path) -> None:
    reference = put(CONTENT, tmp_path)
    assert reference == f"upload:{DIGEST}" == put(CONTENT, tmp_path)
    assert fetch(reference, tmp_path).read_bytes() == CONTENT
    assert [one.name for one in tmp_path.iterdir()] == [f"{DIGEST}.onnx"]


def test_an_address_is_fetched_once_where_the_digest_is_known(server: Server, tmp_path: Path) -> None:
    for _ in range(3):
        path = fetch(f"{server.address}/moved", tmp_path, DIGEST)
        assert path == stored_path(DIGEST, tmp_path)
        assert path.read_bytes() == CONTENT
    assert server.asked == ["/moved", "/model.onnx"]


def test_without_a_digest_it_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    paths = {fetch(f"{server.address}/unsized", tmp_path) for _ in range(2)}
    assert paths == {stored_path(DIGEST, tmp_path)}
    assert len(server.asked) == 2


def test_a_server_that_comes_back_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.failures = 2
    assert fetch(f"{server.address}/away", tmp_path, sleep=nothing).read_bytes() == CONTENT
    server.failures = 3
    with pytest.raises(ModelUnreachable, match="503"):
        fetch(f"{server.address}/away", tmp_path, sleep=nothing)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda a: f"{a}/missing", ModelError, "404"),
        (lambda a: f"{a}/inward", ModelError, "refused: 302"),
        (lambda a: "file:///etc/hostname", ModelError, "scheme"),
        (lambda a: "http://127.0.0.1:1/m", ModelUnreachable, "refused"),
        (lambda a: "http://[broken/m", ModelError, "address"),
        (lambda a: "/nowhere/m.onnx", ModelError, "there is no model"),
        (lambda a: "upload:abc", ModelError, "64 hexadecimal digits"),
        (lambda a: f"upload:{'0' * 64}", ModelError, "was uploaded here"),
        (lambda a: f"{a}/broken", ModelUnreachable, "after 100 of|IncompleteRead"),
    ],
)
def test_errors_say_what_and_how(
    server: Server, tmp_path: Path, make: Callable[[str], str], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        fetch(make(server.address), tmp_path, sleep=nothing)
    assert type(caught.value) is kind
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_not_asked_again(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        fetch(f"{server.address}/missing", tmp_path, sleep=nothing)
    assert server.asked == ["/missing"]


@pytest.mark.parametrize("path", ["/model.onnx", "/unsized"])
def test_more_bytes_than_allowed_are_not_kept(server: Server, tmp_path: Path, path: str) -> None:
    with pytest.raises(ModelError, match="up to 1000 are fetched"):
        fetch(f"{server.address}{path}", tmp_path, most_bytes=1000)
    assert list(tmp_path.iterdir()) == []


def test_another_digest_is_not_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="was asked for"):
        fetch(f"{server.address}/model.onnx", tmp_path, "1" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_drips_is_left(server: Server, tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(ModelUnreachable, match="in time"):
        fetch(f"{server.address}/slow", tmp_path, timeout_s=0.3)
    assert time.monotonic() - begin < 2


def test_uploads_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="up to 10"):
        put(CONTENT, tmp_path, most_bytes=10)
    with pytest.raises(ModelError, match="empty"):
        put(b"", tmp_path)
