"""The stages that wait for a node, kind by kind in the order in which they became ready, and those that pause. Pure."""

from __future__ import annotations

import heapq
import itertools
from collections import deque

from hedgerow_orchestrator.states import StageState
from hedgerow_orchestrator.task_run import StageRun, TaskRun

Place = tuple[TaskRun, StageRun]


class Line:
    """Where a ready stage stands until a node takes it. Times are readings of the monotonic clock."""

    def __init__(self) -> None:
        self._by_kind: dict[str, deque[Place]] = {}
        self._paused: list[tuple[float, int, TaskRun, StageRun]] = []
        self._order = itertools.count()

    def put(self, run: TaskRun, stage: StageRun, clock_s: float) -> None:
        """A stage is ready now."""
        stage.waiting_since_s = clock_s
        kind = stage.spec.kind
        line = self._by_kind.get(kind)
        if line is None:
            line = self._by_kind[kind] = deque()
        line.append((run, stage))

    def pause(self, run: TaskRun, stage: StageRun, until_s: float) -> None:
        """A stage is to be tried again, but not before this."""
        heapq.heappush(self._paused, (until_s, next(self._order), run, stage))

    def wake(self, clock_s: float) -> None:
        """Move those whose pause is over to the end of the line."""
        while self._paused and self._paused[0][0] <= clock_s:
            _, _, run, stage = heapq.heappop(self._paused)
            self.put(run, stage, clock_s)

    def kinds(self) -> list[str]:
        """The kinds of node that something waits for, or did."""
        return [kind for kind, line in self._by_kind.items() if line]

    def first(self, kind: str) -> Place | None:
        """Who is next; what was cancelled or has failed meanwhile is dropped from the line."""
        line = self._by_kind[kind]
        while line:
            place = line[0]
            if _still_waits(place):
                return place
            line.popleft()
        return None

    def take_first(self, kind: str) -> None:
        """The next one has got its node."""
        self._by_kind[kind].popleft()

    def waiting(self, kind: str) -> list[Place]:
        """All who wait for a kind; the others are dropped from the line."""
        places = [place for place in self._by_kind.get(kind, ()) if _still_waits(place)]
        self._by_kind[kind] = deque(places)
        return places


def _still_waits(place: Place) -> bool:
    run, stage = place
    return stage.row.state is StageState.WAITING and not run.row.state.final
