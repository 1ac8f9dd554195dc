"""The yardstick of the rows about messages: a unix socket that keeps message borders, with the same codec."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.cores import THE_PEERS
from benchmarks.message import Reading
from benchmarks.peers import peer
from hedgerow_idl.codec import codec_of

MESSAGE_BYTES = 65_536


@contextlib.contextmanager
def unix_echo() -> Iterator[socket.socket]:
    """A socket whose other end decodes every message and sends it back, encoded anew."""
    with tempfile.TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        path = str(Path(folder) / "echo")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(path)
            listening.listen(1)
            with peer(_echo, path, core=THE_PEERS):
                connection, _ = listening.accept()
                with connection:
                    yield connection


def _echo(pipe: Any, path: str) -> None:
    codec = codec_of(Reading)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(path)
        while data := connection.recv(MESSAGE_BYTES):
            connection.send(codec.encode(codec.decode(data)))
