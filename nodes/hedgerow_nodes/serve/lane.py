"""One link into one instance: what waits, what is on its way, and what is dropped when it is full. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from hedgerow_idl.plan import LinkMode

AHEAD = 2
"""Items of a newest-wins link that an instance holds: the one it works on, and the next."""


@dataclass(slots=True)
class Lane:
    """A queue of entries with a `sequence`; `is_kept` ones (the end of a source) are never dropped."""

    mode: LinkMode
    capacity: int
    waiting: deque[Any] = field(default_factory=deque)
    given: dict[int, Any] = field(default_factory=dict)
    dropped: int = 0

    def put(self, entry: Any) -> list[Any]:
        """Take an entry; those that had to go for it."""
        self.waiting.append(entry)
        gone: list[Any] = []
        if self.mode == "newest":
            droppable = [each for each in self.waiting if not each.is_kept]
            gone = droppable[: max(0, len(droppable) - max(1, self.capacity))]
            for each in gone:
                self.waiting.remove(each)
        self.dropped += len(gone)
        return gone

    def next(self) -> Any | None:
        """The next entry that the instance may have, now on its way; `None` if it has enough, or none waits."""
        if not self.waiting or len(self.given) >= self._most_given():
            return None
        entry = self.waiting.popleft()
        self.given[entry.ticket] = entry
        return entry

    def done(self, ticket: int) -> Any | None:
        """The instance is through with an entry; `None` if it was not on its way."""
        return self.given.pop(ticket, None)

    def lost(self) -> list[Any]:
        """The instance is gone, and with it what it was given."""
        gone = list(self.given.values())
        self.given.clear()
        return gone

    def has_room(self) -> bool:
        """Whether another entry would find a place without one being dropped."""
        return len(self.waiting) + len(self.given) < max(1, self.capacity)

    def _most_given(self) -> int:
        return AHEAD if self.mode == "newest" else max(AHEAD, self.capacity)
