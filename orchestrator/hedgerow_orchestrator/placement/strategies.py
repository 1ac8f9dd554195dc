"""Pick nodes for plain instances, one after another: at random by weight, in turn, or where there is least to do."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from hedgerow_orchestrator.placement.checks import Infeasible


class Strategy(StrEnum):
    """How a node is picked among those that can take an instance."""

    RANDOM_WEIGHTED = "random_weighted"
    ROUND_ROBIN = "round_robin"
    LOAD_AWARE = "load_aware"


@dataclass(frozen=True)
class Candidate:
    """A node that may take instances.

    Attributes:
        cores, clock_hz: their product is the weight; 1 where it is 0, for a node may announce neither.
        busy_cores: cores in use now.
        free_bytes: of memory; infinite where it is no concern.
    """

    name: str
    cores: float = 1.0
    clock_hz: float = 1.0
    busy_cores: float = 0.0
    free_bytes: float = math.inf
    is_cordoned: bool = False

    @property
    def weight(self) -> float:
        """For picking at random."""
        return self.cores * self.clock_hz or 1.0


@dataclass(frozen=True)
class Wish:
    """An instance to place.

    Attributes:
        needs_cores: that it will keep busy, as far as is known.
        near: nodes that it must be on one of; empty is any.
        away: nodes that it must not be on.
    """

    name: str
    needs_cores: float = 0.0
    memory_bytes: float = 0.0
    near: frozenset[str] = frozenset()
    away: frozenset[str] = frozenset()


def place(
    wishes: Sequence[Wish], candidates: Sequence[Candidate], strategy: Strategy, seed: int = 0, turn: int = 0
) -> tuple[dict[str, str], int]:
    """Names of nodes by name of instance, and the turn at which the next call goes on.

    The same arguments give the same answer. What an instance needs is taken off before the next one is placed.

    Args:
        seed: for picking at random.
        turn: for picking in turn: the place among the candidates that is asked first.

    Raises:
        Infeasible: no node can take an instance; the text says of each node why not.
    """
    rng = random.Random(seed)
    now = list(candidates)
    chosen: dict[str, str] = {}
    for wish in wishes:
        open_at = [at for at, node in enumerate(now) if not _why_not(wish, node)]
        if not open_at:
            reasons = "; ".join(f"{node.name} {_why_not(wish, node)}" for node in now) or "there is no node"
            raise Infeasible(f"no node can take instance {wish.name!r}: {reasons}")
        if strategy is Strategy.RANDOM_WEIGHTED:
            at = rng.choices(open_at, [now[place].weight for place in open_at])[0]
        elif strategy is Strategy.ROUND_ROBIN:
            at = min(open_at, key=lambda place: (place - turn) % len(now))
            turn = (at + 1) % len(now)
        else:
            at = min(open_at, key=lambda place: (_load(now[place], wish), -now[place].weight, place))
        node = now[at]
        chosen[wish.name] = node.name
        now[at] = replace(
            node, busy_cores=node.busy_cores + wish.needs_cores, free_bytes=node.free_bytes - wish.memory_bytes
        )
    return chosen, turn


def _load(node: Candidate, wish: Wish) -> float:
    return (node.busy_cores + wish.needs_cores) / (node.cores or 1.0)


def _why_not(wish: Wish, node: Candidate) -> str:
    if node.is_cordoned:
        return "is cordoned"
    if wish.near and node.name not in wish.near:
        return "is none of those asked for"
    if node.name in wish.away:
        return "is one to keep away from"
    if wish.memory_bytes > node.free_bytes:
        return f"has {node.free_bytes:.0f} bytes free and {wish.memory_bytes:.0f} are needed"
    return ""
