"""Short numbers for the long ids of nodes, services, handlers and instances, given out once and kept in the store."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from hedgerow_orchestrator.effects import Step
from hedgerow_orchestrator.registry import Registry
from hedgerow_orchestrator.store import telemetry_recovery as recovery
from hedgerow_orchestrator.store.telemetry_changes import (
    TelemetryHandlerRow,
    TelemetryInstanceRow,
    TelemetryName,
    TelemetryNodeRow,
    TelemetrySessionRow,
)
from hedgerow_orchestrator.store.writer import Store

REMEMBERED = 16_384
"""Of each kind; others are looked up in the store again."""


class Numbers:
    """The numbers of one kind of id.

    Args:
        store: where those given out before are found; what it raises goes on to the caller, and nothing was given out.
        kind: the record, and so the table, of the kind.
    """

    def __init__(self, store: Store, kind: type[TelemetryName]) -> None:
        self._store = store
        self._kind = kind
        self._table = recovery.NAME_TABLES[kind]
        self._known: OrderedDict[str, int] = OrderedDict()
        self._last: int | None = None

    def of(self, step: Step, uuid: str, name: Callable[[], str]) -> int:
        """The number of an id; `name` is asked when it is a new one."""
        known = self._known.get(uuid)
        if known is not None:
            return known
        rows = self._store.read(recovery.numbered(self._table, uuid))
        number = rows[0]["id"] if rows else self._give_out(step, uuid, name())
        self._known[uuid] = number
        return int(number)

    def trim(self) -> None:
        """Forget the oldest beyond what is remembered; only between passes, when all of them are stored."""
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _give_out(self, step: Step, uuid: str, name: str) -> int:
        if self._last is None:
            self._last = int(self._store.read(recovery.last_id(self._table))[0]["last"] or 0)
        self._last += 1
        step.save(self._kind(id=self._last, uuid=uuid, name=name))
        return self._last


class Names:
    """The numbers of all kinds, with the names that people use."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._nodes = Numbers(store, TelemetryNodeRow)
        self._sessions = Numbers(store, TelemetrySessionRow)
        self._handlers = Numbers(store, TelemetryHandlerRow)
        self._instances = Numbers(store, TelemetryInstanceRow)

    def trim(self) -> None:
        """A pass has been stored."""
        for numbers in (self._nodes, self._sessions, self._handlers, self._instances):
            numbers.trim()

    def node(self, step: Step, node_id: str) -> int:
        """The number of a node."""

        def name() -> str:
            node = self._registry.get(node_id)
            return node.name if node else node_id

        return self._nodes.of(step, node_id, name)

    def session(self, step: Step, service_id: str) -> int:
        """The number of a service."""
        return self._sessions.of(step, service_id, lambda: self._first(service_id))

    def handler(self, step: Step, logical_id: str, physical_id: str) -> int:
        """The number of a handler of a service."""
        return self._handlers.of(step, logical_id, lambda: self._handler_name(logical_id, physical_id))

    def instance(self, step: Step, logical_id: str, physical_id: str) -> int:
        """The number of one start of a handler."""
        return self._instances.of(step, physical_id, lambda: self._handler_name(logical_id, physical_id))

    def _first(self, service_id: str) -> str:
        rows = self._store.read(recovery.service_name(service_id))
        return str(rows[0]["name"]) if rows else service_id

    def _handler_name(self, logical_id: str, physical_id: str) -> str:
        rows = self._store.read(recovery.handler_name(logical_id, physical_id))
        return str(rows[0]["name"]) if rows else logical_id
