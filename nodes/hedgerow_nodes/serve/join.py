"""Joining several inputs by sequence: strictly in order, what cannot be complete any more is given up. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")

MOST_HELD = 256
"""Items that one input may hold; the oldest sequence is given up beyond."""


@dataclass(frozen=True, slots=True)
class Decided(Generic[Item]):
    """A sequence that is settled: complete, with an item of every input, or given up, with those that were there."""

    sequence: int
    items: dict[str, Item]
    is_complete: bool


@dataclass(slots=True)
class _Input(Generic[Item]):
    is_ordered: bool
    held: dict[int, Item] = field(default_factory=dict)
    gaps: set[int] = field(default_factory=set)
    furthest: int = -1
    has_ended: bool = False

    def cannot_have(self, sequence: int) -> bool:
        if sequence in self.held:
            return False
        return self.has_ended or sequence in self.gaps or (self.is_ordered and self.furthest > sequence)


class Join(Generic[Item]):
    """Pairs items of several inputs by sequence.

    A sequence is given up once one input cannot have it any more: its sender, if it is the only one, has sent a later
    one; or says that there is none; or has ended; or too many wait.

    Args:
        inputs: the names of the inputs.
        most_held: items that one input may hold.
    """

    def __init__(self, inputs: Sequence[str], most_held: int = MOST_HELD) -> None:
        self._inputs: dict[str, _Input[Item]] = {name: _Input(is_ordered=True) for name in inputs}
        self._most_held = most_held
        self._settled = -1

    @property
    def settled(self) -> int:
        """The last sequence that was settled; -1 before any."""
        return self._settled

    @property
    def held(self) -> int:
        """Items that wait for others."""
        return sum(len(each.held) for each in self._inputs.values())

    def expect(self, senders: Mapping[str, int]) -> None:
        """Say how many senders each input has: only a single one's items come in order."""
        for name, each in self._inputs.items():
            each.is_ordered = senders.get(name, 1) <= 1

    def add(self, name: str, sequence: int, item: Item) -> bool:
        """Take an item; `False` if it is late, or was there before: then it is ignored."""
        each = self._inputs[name]
        if sequence <= self._settled or sequence in each.held:
            return False
        each.held[sequence] = item
        each.furthest = max(each.furthest, sequence)
        return True

    def gap(self, name: str, sequence: int) -> None:
        """Know that an input will not have a sequence."""
        each = self._inputs[name]
        if sequence > self._settled:
            each.gaps.add(sequence)
            if len(each.gaps) > 4 * self._most_held:
                each.gaps.discard(min(each.gaps))

    def end(self, name: str) -> None:
        """Know that nothing more comes over an input; an item that comes all the same is taken."""
        self._inputs[name].has_ended = True

    def abandon(self, is_gone: Callable[[Item], bool]) -> None:
        """Give up every sequence of which an item belongs to what is gone."""
        lost = {at for each in self._inputs.values() for at, item in each.held.items() if is_gone(item)}
        for each in self._inputs.values():
            each.gaps |= lost - each.held.keys()

    def settle(self) -> list[Decided[Item]]:
        """All sequences that can be settled now, in order."""
        decided: list[Decided[Item]] = []
        while (sequence := self._lowest()) is not None:
            have = {name: each.held[sequence] for name, each in self._inputs.items() if sequence in each.held}
            is_complete = len(have) == len(self._inputs)
            if not is_complete and not self._is_hopeless(sequence):
                break
            for each in self._inputs.values():
                each.held.pop(sequence, None)
                each.gaps = {gap for gap in each.gaps if gap > sequence}
            self._settled = sequence
            decided.append(Decided(sequence, have, is_complete))
        return decided

    def _lowest(self) -> int | None:
        return min((min(each.held) for each in self._inputs.values() if each.held), default=None)

    def _is_hopeless(self, sequence: int) -> bool:
        return any(each.cannot_have(sequence) or len(each.held) > self._most_held for each in self._inputs.values())
