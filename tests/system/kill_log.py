"""Who is killed when, as a seed decides, and the log of it. Pure: kills nobody and reads no clock."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Kill:
    """One SIGKILL.

    Attributes:
        at_s: since the killing began.
        victim: the process's name under the supervisor.
        ran_s: since the victim's start.
        at_work: it had begun its work since then, and was not killed amid its start.
        in_flight: tasks that had been accepted and had not ended, as the store says.
        in_hand: attempts that the victim itself was at.
    """

    at_s: float
    victim: str
    pid: int
    ran_s: float
    at_work: bool
    in_flight: int
    in_hand: int


class Chooser:
    """Draws victims; the same seed and the same candidates give the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def choose(self, alive: Iterable[str]) -> str | None:
        """One of those alive, None if nobody is."""
        candidates = sorted(alive)
        return self._random.choice(candidates) if candidates else None


@dataclass
class KillLog:
    """All kills of one run, in order."""

    seed: int
    names: Sequence[str]
    kills: list[Kill] = field(default_factory=list)

    def count(self, name: str) -> int:
        """How often this process was killed after it had begun its work."""
        return sum(kill.victim == name and kill.at_work for kill in self.kills)

    def share_in_flight(self, name: str | None = None) -> float:
        """The share of the kills, of one process or all, that came while a task was in flight; 0 without kills."""
        of = [kill for kill in self.kills if name in (None, kill.victim)]
        return sum(kill.in_flight > 0 for kill in of) / len(of) if of else 0.0

    def enough(self, each: int, share: float = 0.5) -> bool:
        """Every process was killed so often at its work, and this share of each one's kills hit a task in flight."""
        return all(self.count(name) >= each and self.share_in_flight(name) >= share for name in self.names)

    def lines(self) -> str:
        """The log as JSON lines."""
        return "".join(json.dumps(asdict(kill)) + "\n" for kill in self.kills)

    def summary(self) -> str:
        """What the run's output says of the kills."""
        counts = Counter(kill.victim for kill in self.kills)
        by_name = ", ".join(
            f"{name} {counts[name]}/{self.count(name)}/{self.share_in_flight(name):.0%}" for name in self.names
        )
        in_hand = sum(kill.in_hand > 0 for kill in self.kills)
        return (
            f"seed {self.seed}, {len(self.kills)} kills, {self.share_in_flight():.0%} with a task in flight, "
            f"{in_hand} with an attempt in the victim's hands; "
            f"by process (kills/of these at work/with a task in flight): {by_name}"
        )
