"""Brings SQLite's write-ahead log to the disk after the commit, not within it: only replies have to wait for that."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from hedgerow_orchestrator.store.errors import CommitUncertain


class LogSync:
    """Does what `synchronous=FULL` does in a commit, at a time of the caller's choice, and then for many commits.

    Args:
        path: the database's file.
    """

    def __init__(self, path: Path) -> None:
        path = path.absolute()
        self._path = path.with_name(path.name + "-wal")
        self._named = 0  # the inode of the log whose name is on the disk as well

    def sync(self) -> None:
        """Return when all that is committed would survive a power cut.

        Raises:
            CommitUncertain: the disk refused; what of it is there only a new start can tell. A second try would succeed
                and have written nothing, for the kernel forgets what it could not write.
        """
        try:
            self._sync()
        except OSError as error:
            raise CommitUncertain(f"log {self._path} cannot be brought to the disk: {error}") from error

    def _sync(self) -> None:
        # Without a log there is nothing to do: whoever closed the database last has moved all of it, and synced that.
        with suppress(FileNotFoundError):
            descriptor = os.open(self._path, os.O_RDONLY)
            try:
                os.fdatasync(descriptor)
                inode = os.fstat(descriptor).st_ino
            finally:
                os.close(descriptor)
            if inode != self._named:
                self._sync_folder()
                self._named = inode

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
