"""The HTTP address to which older reporters post: `collector_addr` and `collector_port`, off unless a port is set."""

from __future__ import annotations

import ipaddress
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from hedgerow_nodes.compat.report_desk import Answer, ReportDesk
from hedgerow_nodes.core.environment import ConfigurationError

MOST_BODY_BYTES = 8 * 1024 * 1024
log = logging.getLogger("hedgerow.compat")


@dataclass(frozen=True)
class ReportAddress:
    """Where reports are taken in."""

    host: str
    port: int


def report_address(variables: Mapping[str, str]) -> ReportAddress | None:
    """The address that the variables name; None, and so off, without a port.

    Raises:
        ConfigurationError: a value cannot be used.
    """
    text = variables.get("HEDGEROW_COLLECTOR_PORT", "").strip()
    host = variables.get("HEDGEROW_COLLECTOR_ADDR", "").strip() or "127.0.0.1"
    if not text:
        return None
    if not text.isdecimal() or int(text) > 65535:
        raise ConfigurationError(f"HEDGEROW_COLLECTOR_PORT={text!r} is no port; use 9001, or 0 for any free one")
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        raise ConfigurationError(f"HEDGEROW_COLLECTOR_ADDR={host!r} is no IP address; use 127.0.0.1") from error
    return ReportAddress(host, int(text))


class ReportServer:
    """Serves `POST /` in threads of its own.

    Raises:
        ConfigurationError: the address cannot be listened at.
    """

    def __init__(self, address: ReportAddress, desk: ReportDesk) -> None:
        handler = type("Handler", (_Handler,), {"desk": desk})
        try:
            self._server = ThreadingHTTPServer((address.host, address.port), handler)
        except OSError as error:
            raise ConfigurationError(f"cannot listen at {address.host}:{address.port}: {error.strerror}") from error
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="reports", daemon=True).start()
        log.info("collector: takes posted reports at http://%s:%d/", address.host, self.port)
        if not ipaddress.ip_address(address.host).is_loopback:
            log.warning(
                "collector: whoever reaches %s can post rows; workers of Hedgerow need no address", address.host
            )

    def close(self) -> None:
        """Take no more reports."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    desk: ClassVar[ReportDesk]
    timeout = 30.0
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one report."""
        status, answer = self._answer()
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> Answer:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BODY_BYTES:
            self.close_connection = True
            return _failed(413, f"Content-Length {length!r}; a report has at most {MOST_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if self.path != "/":
            return _failed(404, f"path {self.path[:80]!r} unknown; known: /")
        if "Origin" in self.headers:
            return _failed(403, "a page in a browser cannot post reports")
        try:
            report: Any = json.loads(body)
        except (ValueError, RecursionError) as error:
            return _failed(400, f"the report is no JSON: {error}")
        return self.desk.answer(self.client_address[0], report)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each report."""
        log.debug("collector: " + format, *args)


def _failed(status: int, reason: str) -> Answer:
    return status, {"result": "Failed", "reason": reason}
