"""A bounded number of places for streams, each of which keeps a thread of the server busy."""

from __future__ import annotations

import threading


class Places:
    """Counts who has one; may be asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def take(self, most: int) -> bool:
        """Take a place unless `most` are taken."""
        with self._lock:
            if self._taken >= most:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        """Free a place."""
        with self._lock:
            self._taken -= 1
