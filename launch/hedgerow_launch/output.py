"""Prints what the processes print, each line behind its process's name."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TextIO

SYSTEM = "system"
LINES_KEPT = 15
_COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")


class Output:
    """Writes `name | line` for a child's line and `system: line` for the supervisor's own, from any thread.

    Args:
        stream: where it goes; once that is closed at the other end, lines are dropped.
        names: the processes, so that the bars stand under each other.
        colour: give each name a colour of its own.
        quiet: keep the children's lines to the last ones, which `last_lines` gives, and print only `system` lines.
    """

    def __init__(self, stream: TextIO, names: Iterable[str], *, colour: bool = False, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._lock = threading.Lock()
        self._tails: dict[str, deque[str]] = {name: deque(maxlen=LINES_KEPT) for name in names}
        width = max((len(name) for name in self._tails), default=0)
        self._prefixes = {
            name: _paint(f"{name:{width}} |", _COLOURS[index % len(_COLOURS)] if colour else "")
            for index, name in enumerate(self._tails)
        }
        self._system = _paint(f"{SYSTEM}:", "1" if colour else "")

    def line(self, name: str, text: str) -> None:
        """Print one line of a child."""
        with self._lock:
            self._tails[name].append(text)
            if not self._quiet:
                self._write(f"{self._prefixes[name]} {text}")

    def system(self, text: str) -> None:
        """Print what the supervisor itself has to say."""
        with self._lock:
            self._write(f"{self._system} {text}")

    def last_lines(self, name: str) -> Sequence[str]:
        """The end of a child's output, over all its starts."""
        with self._lock:
            return tuple(self._tails[name])

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # The reader has gone (a closed pipe or terminal); the system runs on without one.
            self._quiet = True


def _paint(text: str, colour: str) -> str:
    return f"\033[{colour}m{text}\033[0m" if colour else text
