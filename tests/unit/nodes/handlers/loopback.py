"""Small servers on the loopback for the tests: HTTP that answers as told, and TCP that keeps what it gets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, str, bytes]


@dataclass
class Requests:
    """What a server was asked."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def http_server(answer: Callable[[int, str], Answer]) -> Iterator[Requests]:
    """Answers request number n (from 0) for a path with status, media type and body."""
    seen = Requests()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            number = len(seen.paths)
            seen.paths.append(self.path)
            seen.bodies.append(body)
            seen.headers.append(dict(self.headers))
            status, media_type, content = answer(number, self.path)
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                if status in (301, 302):
                    self.send_header("Location", content.decode())
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def mjpeg_server(frames: list[bytes], then_silent_s: float = 0.0, pause_s: float = 0.02) -> Iterator[str]:
    """Serves a stream of JPEG pictures, as network cameras do; after the last one it ends or hangs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with suppress(OSError):
                for frame in frames:
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(frame)}\r\n\r\n"
                    self.wfile.write(head.encode() + frame + b"\r\n")
                    time.sleep(pause_s)
                time.sleep(then_silent_s)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/stream.mjpg"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class TcpServer:
    """Keeps what each connection sends; `drop` closes the newest one."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.received: list[bytearray] = []
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def drop(self) -> None:
        self._connections[-1].shutdown(socket.SHUT_RDWR)
        self._connections[-1].close()

    def wait_for(self, size_bytes: int) -> bytes:
        """All bytes of all connections, as soon as there are so many."""
        until_s = time.monotonic() + 5
        while sum(map(len, self.received)) < size_bytes and time.monotonic() < until_s:
            time.sleep(0.005)
        return b"".join(bytes(part) for part in self.received)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                kept = bytearray()
                self.received.append(kept)
                threading.Thread(target=self._keep, args=(connection, kept), daemon=True).start()

    @staticmethod
    def _keep(connection: socket.socket, kept: bytearray) -> None:
        with suppress(OSError):
            while data := connection.recv(65536):
                kept += data
