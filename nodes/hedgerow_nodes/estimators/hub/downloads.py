"""Fetch one file into the cache: resumed where it broke off, checked by its digest, and there whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hedgerow_nodes.estimators.hub.interface import (
    DownloadCancelled,
    FileRefused,
    HubError,
    HubFile,
    HubTimedOut,
    HubUnreachable,
)
from hedgerow_nodes.estimators.hub.transport import BLOCK_BYTES, Transport

TRIES = 3
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
Cancelled = Callable[[], bool]
Progress = Callable[[int, int], None]


def fetch(
    transport: Transport,
    address: str,
    file: HubFile,
    target: Path,
    most_bytes: int,
    cancelled: Cancelled,
    progress: Progress,
) -> Path:
    """Put the file at `target`; what is there already was checked when it came, and is taken.

    What came before a break stays beside it as `NAME.part`, and the next call goes on from there.

    Raises:
        FileRefused: too large, without a digest, or its content is not what its digest says; the copy is removed.
        DownloadCancelled, HubError: it did not come.
    """
    if target.is_file():
        return target
    size = _allowed_size(file, most_bytes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.with_name(target.name + ".lock")):
            if not target.is_file():
                part = target.with_name(target.name + ".part")
                _whole(transport, address, size, part, cancelled, progress)
                _check(part, file)
                part.replace(target)
                _sync_folder(target.parent)
    except OSError as error:
        raise HubError(f"the cache of the hub cannot be written: {error.strerror or type(error).__name__}") from error
    return target


def digest_of(path: Path, file: HubFile) -> str:
    """The digest of a copy, by the algorithm by which the hub names the file's content."""
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _allowed_size(file: HubFile, most_bytes: int) -> int:
    if not (file.sha256 or file.git_sha1):
        raise FileRefused(f"the hub states no digest of {file.name}, so a copy could not be checked")
    if file.size_bytes is None:
        raise FileRefused(f"the hub states no size of {file.name}")
    if file.size_bytes > most_bytes:
        raise FileRefused(f"{file.name} has {file.size_bytes} bytes, up to {most_bytes} are fetched")
    return file.size_bytes


def _whole(transport: Transport, address: str, size: int, part: Path, cancelled: Cancelled, progress: Progress) -> None:
    """A broken connection is taken up again; a hub that gives nothing at all is not asked for ever."""
    for attempt in range(1, TRIES + 1):
        try:
            _go_on(transport, address, size, part, cancelled, progress)
            return
        except HubTimedOut:
            raise
        except HubUnreachable:
            if attempt == TRIES:
                raise


def _go_on(transport: Transport, address: str, size: int, part: Path, cancelled: Cancelled, progress: Progress) -> None:
    """Fetch what is missing of the part."""
    have = part.stat().st_size if part.exists() else 0
    if have > size:
        part.unlink()
        have = 0
    if have == size and part.exists():
        return
    asked = {"Range": f"bytes={have}-"} if have else {}
    # Opened and closed outside the exchange, so that a full disk is not taken for a hub that is away.
    with part.open("ab") as content:
        with transport.stream(address, asked) as response:
            if have and _start(response) != have:
                # The server knows no ranges, so it begins anew.
                content.truncate(0)
                have = 0
            _copy(response, content, have, size, cancelled, progress)
        content.flush()
        os.fsync(content.fileno())


def _start(response: Any) -> int:
    found = _CONTENT_RANGE.match(response.headers.get("Content-Range") or "") if response.status == 206 else None
    return int(found[1]) if found else 0


def _copy(response: Any, content: IO[bytes], have: int, size: int, cancelled: Cancelled, progress: Progress) -> None:
    while have < size:
        if cancelled():
            raise DownloadCancelled(f"cancelled after {have} of {size} bytes")
        block = response.read1(min(BLOCK_BYTES, size - have))
        if not block:
            raise HubUnreachable(f"the hub broke off after {have} of {size} bytes; the next try goes on from there")
        _write(content, block)
        have += len(block)
        progress(have, size)
    if response.read1(1):
        raise FileRefused(f"the hub sends more than the {size} bytes that it states")


def _write(content: IO[bytes], block: bytes) -> None:
    try:
        content.write(block)
    except OSError as error:
        raise HubError(f"the cache of the hub cannot be written: {error.strerror}") from error


def _check(part: Path, file: HubFile) -> None:
    found, wanted = digest_of(part, file), file.sha256 or file.git_sha1
    if found != wanted:
        part.unlink()
        raise FileRefused(f"{file.name} is not what the hub states: its digest is {found}, {wanted} was expected")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Only one process at a time writes a file; another one does not wait for it."""
    with lock.open("wb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HubError(f"{lock.stem} is being fetched by another process; try again when it is there") from error
        yield
    # The lock's file stays: removing it would let two processes hold two files of one name.


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
