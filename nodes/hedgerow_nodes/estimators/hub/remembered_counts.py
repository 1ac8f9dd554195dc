"""The counts of a process: a configuration that comes again is not built again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import msgspec

from hedgerow_nodes.estimators.hub.counting import Counted, CountOrder

MOST_REMEMBERED = 64


class RememberedCounts:
    """Counts by `counter`, each configuration once; what could not be counted is tried again."""

    def __init__(self, counter: Callable[[CountOrder, Callable[[], bool]], Counted]) -> None:
        self._counter = counter
        self._known: OrderedDict[bytes, Counted] = OrderedDict()

    def __call__(self, order: CountOrder, cancelled: Callable[[], bool]) -> Counted:
        """The count, made now or before.

        Raises:
            ChildFailed, ChildTimedOut, ChildCancelled: there is none.
        """
        key = msgspec.json.encode(order)
        counted = self._known.get(key) or self._counter(order, cancelled)
        if not counted.problem:
            self._known[key] = counted
            self._known.move_to_end(key)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return counted
