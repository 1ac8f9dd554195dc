"""Notices when the file that SQLite has open is no longer the one under its name: it was deleted, moved or replaced."""

from __future__ import annotations

from pathlib import Path

from hedgerow_orchestrator.store.errors import StoreUnavailable


class StoreFile:
    """The database's file as it was when the store was opened.

    SQLite itself goes on writing into a file that has lost its name, and what it writes is gone with the process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._opened = _identity(self._path)

    @property
    def lost(self) -> bool:
        """Under the name there is nothing, or another file."""
        now = _identity(self._path)
        return now is None or now != self._opened

    def check(self) -> None:
        """Do nothing while all is as it was.

        Raises:
            StoreUnavailable: the file has lost its name.
        """
        if self.lost:
            what = "replaced" if self._path.exists() else "deleted or moved"
            raise StoreUnavailable(
                f"store file {self._path} was {what} while it was open; put it back, or copy it out with "
                "`hedgerow doctor --rescue FILE` before you stop anything"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
