"""The host's end of the fork server: starts it, asks it for processes, and hears how they ended. Never blocks."""

from __future__ import annotations

import array
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from hedgerow_nodes.serve.fork_server import MOST_MESSAGE_BYTES

PATIENCE_S = 3.0


class ForkServer:
    """A fork server and the messages on their way to it.

    Args:
        modules: the modules of handlers that it imports.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.control, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_MESSAGE_BYTES)
        command = [sys.executable, "-m", "hedgerow_nodes.serve.fork_server", str(theirs.fileno()), *modules]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment, start_new_session=False
        )
        theirs.close()
        self.control.setblocking(False)
        self.is_closed = False
        self._waiting: deque[tuple[dict[str, Any], socket.socket | None]] = deque()

    @property
    def pid(self) -> int:
        """Of the fork server itself."""
        return self._process.pid

    @property
    def has_waiting(self) -> bool:
        """Whether messages wait for the fork server to take others."""
        return bool(self._waiting)

    def spawn(self, number: int, connection: socket.socket) -> None:
        """Ask for a process with this end of a socket; the number names it from now on."""
        self._waiting.append(({"do": "spawn", "number": number}, connection))
        self.flush()

    def kill(self, number: int, which: int = signal.SIGKILL) -> None:
        """Ask for a signal to a process; nothing happens if it has ended."""
        self._waiting.append(({"do": "kill", "number": number, "signal": int(which)}, None))
        self.flush()

    def flush(self) -> None:
        """Send what the fork server takes now."""
        while self._waiting:
            message, connection = self._waiting[0]
            descriptors = [] if connection is None else [connection.fileno()]
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
            try:
                self.control.sendmsg([msgspec.msgpack.encode(message)], ancillary)
            except BlockingIOError:
                return
            except OSError:
                pass  # it is gone, which `read` tells
            self._waiting.popleft()
            if connection is not None:
                connection.close()

    def read(self) -> list[dict[str, Any]] | None:
        """What it has told; `None` once it is gone."""
        messages: list[dict[str, Any]] = []
        while True:
            try:
                data = self.control.recv(MOST_MESSAGE_BYTES)
            except BlockingIOError:
                return messages
            except OSError:
                data = b""
            if not data:
                return messages or None
            messages.append(msgspec.msgpack.decode(data))

    def close(self) -> int:
        """End it and everything that was forked from it; its exit code."""
        for _message, connection in self._waiting:
            if connection is not None:
                connection.close()
        self._waiting.clear()
        self.is_closed = True
        self.control.close()
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(PATIENCE_S)
        self._process.kill()
        return self._process.wait()


def how_it_ended(code: int) -> str:
    """An exit code in words; negative ones are signals."""
    if code < 0:
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"
    return f"ended with code {code}"
