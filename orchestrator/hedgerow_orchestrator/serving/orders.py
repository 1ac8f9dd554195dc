"""Orders to workers: each is sent again until it is answered or given up, and none waits for another. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hedgerow_idl.serve import OrderCode, OrderKind, ServiceAnswer, ServiceOrder

TIME_OUT_S = {
    OrderKind.PREPARE: 60.0,
    OrderKind.START: 10.0,
    OrderKind.SWITCH_EPOCH: 10.0,
    OrderKind.STOP: 10.0,
    OrderKind.DELETE: 10.0,
    OrderKind.INFER: 30.0,
    OrderKind.MEASURE: 60.0,
    OrderKind.PROFILE: 300.0,
}
"""How long an order may take before it is given up; its worker's loss gives it up at once."""

AGAIN_S = (0.5, 1.0, 2.0)
"""After which time it is sent again: first, then, and from then on. Orders are volatile, a reader may come late."""


@dataclass(slots=True)
class Open:
    """An order that is not answered."""

    order: ServiceOrder
    purpose: str
    give_up_at_s: float
    next_at_s: float
    sent: int = 0


class OrderBook:
    """All orders that are not answered, by their command id."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._open: dict[str, Open] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Open]:
        return iter(self._open.values())

    def add(self, order: ServiceOrder, purpose: str, clock_s: float, now_s: float, time_out_s: float = math.nan) -> str:
        """Take an order in; it is sent at the next `due`. Its command id is given."""
        if math.isnan(time_out_s):
            time_out_s = TIME_OUT_S[order.kind]
        order.command_id = self._new_id()
        order.deadline_at_s = now_s + time_out_s
        self._open[order.command_id] = Open(order, purpose, clock_s + time_out_s, clock_s)
        return order.command_id

    def due(self, clock_s: float, reachable: Callable[[str], bool]) -> list[ServiceOrder]:
        """What is to be sent now; what cannot be reached is looked at again at the next call."""
        found = []
        for each in self._open.values():
            if each.next_at_s <= clock_s and reachable(each.order.node_id):
                each.next_at_s = clock_s + AGAIN_S[min(each.sent, len(AGAIN_S) - 1)]
                each.sent += 1
                found.append(each.order)
        return found

    def take(self, answer: ServiceAnswer) -> Open | None:
        """The order that an answer belongs to, which is over now; None of one that is answered twice or given up."""
        return self._open.pop(answer.command_id, None)

    def overdue(self, clock_s: float) -> list[tuple[Open, ServiceAnswer]]:
        """Orders that are given up, as if the worker had said so."""
        over = [each for each in self._open.values() if each.give_up_at_s <= clock_s]
        return [(each, self._given_up(each, "did not answer in time")) for each in over]

    def lost(self, node_id: str) -> list[tuple[Open, ServiceAnswer]]:
        """Give up all orders to a worker that is gone."""
        over = [each for each in self._open.values() if each.order.node_id == node_id]
        return [(each, self._given_up(each, "is gone")) for each in over]

    def cancel(self, command_ids: set[str]) -> None:
        """Forget orders whose answers nobody waits for any more."""
        for command_id in command_ids:
            self._open.pop(command_id, None)

    def _given_up(self, each: Open, reason: str) -> ServiceAnswer:
        order = each.order
        del self._open[order.command_id]
        return ServiceAnswer(
            code=OrderCode.NOT_DONE,
            kind=order.kind,
            incarnation=order.incarnation,
            epoch=order.epoch,
            command_id=order.command_id,
            node_id=order.node_id,
            service_id=order.service_id,
            reason=reason,
        )
