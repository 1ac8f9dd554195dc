"""Which orders a worker has got, and what it answered: the same order twice is done once and answered again."""

from __future__ import annotations

from collections import OrderedDict

from hedgerow_idl.serve import OrderCode, ServiceAnswer, ServiceOrder

REMEMBERED = 4096
"""So many orders are known after their answer; an orchestrator asks again within seconds, not thousands of orders."""


class OrderBook:
    """Orders by their ids.

    Args:
        node_id: of the worker that answers.
        incarnation: its start; an order for another one is left to that one.
        remembered: how many answers are kept.

    Attributes:
        strays: orders that were for another process under this id.
    """

    def __init__(self, node_id: str, incarnation: int, remembered: int = REMEMBERED) -> None:
        self._node_id = node_id
        self._incarnation = incarnation
        self._remembered = remembered
        self._open: dict[str, ServiceOrder] = {}
        self._answers: OrderedDict[str, ServiceAnswer] = OrderedDict()
        self.strays = 0

    @property
    def open(self) -> dict[str, ServiceOrder]:
        """Orders that were begun and not answered, by id."""
        return self._open

    def take(self, order: ServiceOrder) -> tuple[bool, ServiceAnswer | None]:
        """Note an order; whether it is new and shall be done, and the answer if it is known already."""
        if order.incarnation not in (0, self._incarnation):
            self.strays += 1
            return False, None
        if not order.command_id:
            return False, self._answer(order, OrderCode.REFUSED, "an order needs a command_id, and this one has none")
        known = self._answers.get(order.command_id)
        if known is not None or order.command_id in self._open:
            return False, known
        self._open[order.command_id] = order
        return True, None

    def settle(
        self, command_id: str, code: OrderCode, reason: str = "", body: str = "", at_sequence: int = -1
    ) -> ServiceAnswer | None:
        """The answer of an order that has ended; None of one that is not open."""
        order = self._open.pop(command_id, None)
        if order is None:
            return None
        answer = self._answers[command_id] = self._answer(order, code, reason, body, at_sequence)
        while len(self._answers) > self._remembered:
            self._answers.popitem(last=False)
        return answer

    def _answer(
        self, order: ServiceOrder, code: OrderCode, reason: str, body: str = "", at_sequence: int = -1
    ) -> ServiceAnswer:
        return ServiceAnswer(
            code=code,
            kind=order.kind,
            incarnation=self._incarnation,
            epoch=order.epoch,
            at_sequence=at_sequence,
            command_id=order.command_id,
            node_id=self._node_id,
            service_id=order.service_id,
            reason=reason,
            body=body,
        )
