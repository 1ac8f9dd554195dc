"""Keeps what was uploaded under the SHA-256 of its content, so that the same file twice is one."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PIECE_BYTES = 1024 * 1024


class TooLarge(Exception):
    """More bytes came than are taken."""


class Empty(Exception):
    """No bytes came."""


@dataclass(frozen=True)
class Kept:
    """A file that is kept; its name is its SHA-256 and the ending that was wanted."""

    path: Path
    sha256: str
    size_bytes: int


def keep(stream: BinaryIO, folder: Path, ending: str, most_bytes: int) -> Kept:
    """Write a stream into a folder under the digest of its content; it is there whole or not at all.

    Raises:
        TooLarge, Empty: it has more than `most_bytes`, or none.
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest, size_bytes = hashlib.sha256(), 0
    handle, name = tempfile.mkstemp(prefix=".coming-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in _pieces(stream):
                size_bytes += len(piece)
                if size_bytes > most_bytes:
                    raise TooLarge
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if size_bytes == 0:
            raise Empty
        path = folder / f"{digest.hexdigest()}{ending}"
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Kept(path, digest.hexdigest(), size_bytes)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        yield piece
