"""Order and cycles of a directed graph that is given by its edges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def cycle(edges: Iterable[tuple[str, str]]) -> list[str]:
    """One cycle, its first place again at its end; empty where there is none."""
    after: dict[str, list[str]] = {}
    for sender, receiver in edges:
        after.setdefault(sender, []).append(receiver)
    done: set[str] = set()
    for start in after:
        way: list[str] = []
        on_way: set[str] = set()
        # Depth first, without recursion: a blueprint may be as long as a person likes.
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            place, at = stack.pop()
            if at == 0:
                if place in on_way:
                    return [*way[way.index(place) :], place]
                if place in done:
                    continue
                way.append(place)
                on_way.add(place)
            following = after.get(place, [])
            if at < len(following):
                stack += [(place, at + 1), (following[at], 0)]
            else:
                done.add(place)
                on_way.discard(way.pop())
    return []


def ordered(names: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """The names so that every edge leads forwards, as near to the given order as can be.

    Raises:
        ValueError: there is a cycle.
    """
    pairs = [(a, b) for a, b in edges if a != b]
    before = {name: {a for a, b in pairs if b == name} for name in names}
    result: list[str] = []
    placed: set[str] = set()
    while len(result) < len(names):
        free = [name for name in names if name not in placed and before[name] <= placed]
        if not free:
            raise ValueError(f"a cycle: {' -> '.join(cycle(pairs))}")
        result.append(free[0])
        placed.add(free[0])
    return result
