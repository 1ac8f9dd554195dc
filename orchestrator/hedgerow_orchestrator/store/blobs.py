"""Keeps payloads above 64 KiB outside the tables, each under its SHA-256, on any file system that fsspec knows."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from hedgerow_orchestrator.store.errors import BlobCorrupt, StoreError, StoreUnavailable

INLINE_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Blob:
    """A payload by reference: where it was written, its SHA-256 in hexadecimal digits, its size in bytes."""

    url: str
    sha256: str
    size: int


class BlobStore:
    """A folder of immutable payloads, named by their digest.

    Raises:
        StoreError: the URL's scheme is unknown to fsspec, or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise StoreError(f"blob URL {url!r} cannot be used: {error}; write file:///path") from error
        self._root = str(root).rstrip("/")

    def put(self, payload: bytes) -> Blob:
        """Write a payload, and return only when it would survive a power cut.

        A payload that is there already is written anew: that sets its time, which keeps `sweep` away from it.

        Raises:
            StoreUnavailable: it cannot be written now.
        """
        sha256 = hashlib.sha256(payload).hexdigest()
        path = self._path(sha256)
        try:
            if isinstance(self._fs, LocalFileSystem):
                _write_durably(Path(path), payload)
            else:
                self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(path, payload)
        except OSError as error:
            raise StoreUnavailable(f"blob {path} cannot be written: {error}") from error
        return Blob(self._fs.unstrip_protocol(path), sha256, len(payload))

    def get(self, blob: Blob) -> bytes:
        """Read a payload and check it.

        It is looked up by digest in this store, not by `blob.url`, so that a home folder may be moved.

        Raises:
            BlobCorrupt: it is gone, or its bytes are not those that were written.
            StoreUnavailable: it cannot be read now.
        """
        path = self._path(blob.sha256)
        try:
            payload = bytes(self._fs.cat_file(path))
        except FileNotFoundError as error:
            raise BlobCorrupt(f"blob {path} is gone; put it back or prune the output that names it") from error
        except OSError as error:
            raise StoreUnavailable(f"blob {path} cannot be read: {error}") from error
        digest = hashlib.sha256(payload).hexdigest()
        if digest != blob.sha256:
            raise BlobCorrupt(f"blob {path} holds {len(payload)} bytes with SHA-256 {digest}; {blob.size} were written")
        return payload

    def sweep(self, wanted: Container[str], older_than_s: float, *, dry_run: bool = False) -> int:
        """Remove payloads whose digest is not wanted and that were last written `older_than_s` ago; give their number.

        The age protects a payload whose row is only just being committed.
        """
        limit_s = time.time() - older_than_s
        gone = [
            path
            for path in (self._fs.find(self._root) if self._fs.exists(self._root) else ())
            if path.rpartition("/")[2] not in wanted and self._fs.modified(path).timestamp() < limit_s
        ]
        if not dry_run:
            for path in gone:
                self._fs.rm_file(path)
        return len(gone)

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"


def _write_durably(path: Path, payload: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        with partial.open("xb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent):
        # A new name is on disk only when its folder is.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
