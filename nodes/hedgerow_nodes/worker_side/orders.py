"""Orders for services: each is done once, by the host, a measurement or a profile, and answered when it is done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from hedgerow_idl.plan import Plan
from hedgerow_idl.serve import OrderCode, OrderKind, ServiceAnswer, ServiceOrder
from hedgerow_nodes.core.executor import WorkerExecutor
from hedgerow_nodes.worker_side.hosting import Hosting
from hedgerow_nodes.worker_side.measuring import Measuring
from hedgerow_nodes.worker_side.order_book import OrderBook
from hedgerow_nodes.worker_side.plan_book import PlanBook
from hedgerow_nodes.worker_side.profiling import ProfileFailed, ProfileOrder, Profiling

log = logging.getLogger("hedgerow.worker")


class OrderRefused(Exception):
    """An order that cannot be begun; the message says why."""


class Orders:
    """Takes orders and answers them.

    Args:
        book: which orders there were.
        plans: learns the epochs that are prepared.
        measuring: measures links.
        profiling: times models.
        executor: runs what blocks, beside the loop.
        open_to: called with the workers that a new plan's items will go to.
        on_deleted: called when an epoch has ended here.
        answer: writes an answer.

    Attributes:
        done: how many orders were answered, however they ended.
    """

    def __init__(
        self,
        book: OrderBook,
        plans: PlanBook,
        measuring: Measuring,
        profiling: Profiling,
        executor: WorkerExecutor,
        open_to: Callable[[set[str]], None],
        on_deleted: Callable[[str, int], None],
        answer: Callable[[ServiceAnswer], None],
    ) -> None:
        self._book = book
        self._plans = plans
        self._measuring = measuring
        self._profiling = profiling
        self._executor = executor
        self._open_to = open_to
        self._on_deleted = on_deleted
        self._answer = answer
        self._host: Hosting | None = None
        self._waiting: list[ServiceOrder] = []
        self.done = 0
        self._why_not = ""

    @property
    def open(self) -> int:
        """How many orders are in hand."""
        return len(self._book.open)

    def host_is(self, host: Hosting) -> None:
        """The host is ready: what waited for it is done now."""
        self._host = host
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            self._begin(order)

    def host_is_gone(self, why: str, *, comes_back: bool) -> None:
        """The host has been closed; the orders that it had in hand end, new ones wait for the next, or are refused."""
        self._host = None
        self._why_not = "" if comes_back else why
        for command_id in list(self._book.open):
            self.settle(command_id, OrderCode.NOT_DONE, why)
        self._waiting.clear()
        self._measuring.cancel()

    def take(self, order: ServiceOrder) -> None:
        """An order has arrived, perhaps again."""
        is_new, known = self._book.take(order)
        if known is not None:
            self._answer(known)
        if is_new:
            self._begin(order)

    def settle(self, command_id: str, code: OrderCode, reason: str = "", body: str = "", at_sequence: int = -1) -> None:
        """An order has ended."""
        order = self._book.open.get(command_id)
        answer = self._book.settle(command_id, code, reason, body, at_sequence)
        if order is None or answer is None:
            return
        if order.kind is OrderKind.DELETE:
            self._plans.forget(order.service_id, order.epoch)
            self._on_deleted(order.service_id, order.epoch)
        if code is not OrderCode.DONE:
            log.info("worker: order %s of service %s: %s", order.kind.name, order.service_id or "none", reason)
        self.done += 1
        self._answer(answer)

    def look(self) -> None:
        """Answer what the host and the executor have done."""
        if self._host is not None:
            for result in self._host.take_results():
                self.settle(result.command_id, result.code, result.reason, result.body, result.at_sequence)
        for done in self._executor.finished():
            if done.error is None:
                self.settle(done.job, OrderCode.DONE, body=done.result)
            else:
                known = isinstance(done.error, ProfileFailed)
                reason = str(done.error) if known else f"{type(done.error).__name__}: {done.error}"
                self.settle(done.job, OrderCode.NOT_DONE, reason)

    def _begin(self, order: ServiceOrder) -> None:
        if self._host is None and order.kind not in (OrderKind.MEASURE, OrderKind.PROFILE):
            if self._why_not:
                self.settle(order.command_id, OrderCode.REFUSED, self._why_not)
            else:
                self._waiting.append(order)
            return
        try:
            self._do(order, self._host)
        except OrderRefused as refused:
            self.settle(order.command_id, OrderCode.REFUSED, str(refused))

    def _do(self, order: ServiceOrder, host: Any) -> None:
        service_id, epoch, command_id = order.service_id, order.epoch, order.command_id
        match order.kind:
            case OrderKind.PREPARE:
                plan = _decoded(order, Plan)
                if (plan.service_id, plan.epoch) != (service_id, epoch):
                    named, held = f"{service_id} {epoch}", f"{plan.service_id} {plan.epoch}"
                    raise OrderRefused(f"the order is for service and epoch {named}, its plan for {held}")
                self._plans.learn(plan)
                self._open_to(self._plans.receivers(service_id, epoch, order.node_id))
                host.prepare(plan, order.node_id, command_id)
            case OrderKind.START:
                host.start(service_id, epoch, command_id)
            case OrderKind.SWITCH_EPOCH:
                host.switch(service_id, epoch, order.at_sequence, command_id)
            case OrderKind.STOP:
                host.stop(service_id, command_id)
            case OrderKind.DELETE:
                host.delete(service_id, epoch, command_id)
            case OrderKind.INFER:
                host.infer(service_id, _decoded(order, dict[str, Any]), command_id)
            case OrderKind.MEASURE:
                self._measuring.begin(command_id, _decoded(order, MeasureOrder).workers)
            case OrderKind.PROFILE:
                profile = _decoded(order, ProfileOrder)
                self._executor.submit(command_id, lambda: self._profiling.run(profile))


class MeasureOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a MEASURE order: the node ids of the receivers."""

    workers: tuple[str, ...]


def _decoded(order: ServiceOrder, kind: Any) -> Any:
    try:
        return msgspec.json.decode(order.body, type=kind)
    except msgspec.DecodeError as error:
        raise OrderRefused(f"the body of {order.kind.name} cannot be read: {error}") from error
