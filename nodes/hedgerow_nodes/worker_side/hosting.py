"""What the worker needs of what runs the instances; `hedgerow_nodes.serve.host.Host` is it, tests bring their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from hedgerow_idl.plan import HandlerDescription, Link, Plan
from hedgerow_idl.serve import InstanceStatus, OrderCode
from hedgerow_idl.telemetry import PacketRow
from hedgerow_nodes.worker_side.item_chunks import Part
from hedgerow_nodes.worker_side.sampling import InstanceProcess


class Result(Protocol):
    """What became of an order that the host was given; of SWITCH_EPOCH the first sequence of the new epoch."""

    @property
    def command_id(self) -> str:
        """Of the order."""

    @property
    def code(self) -> OrderCode:
        """How it ended."""

    @property
    def reason(self) -> str:
        """Why, unless it is done."""

    @property
    def body(self) -> str:
        """What came of it, as JSON; may be empty."""

    @property
    def at_sequence(self) -> int:
        """Of SWITCH_EPOCH."""


class Hosting(Protocol):
    """Runs instances; every call returns at once, and may come from any thread."""

    def prepare(self, plan: Plan, node_id: str, command_id: str) -> None:
        """Make the plan's instances that are placed here."""

    def start(self, service_id: str, epoch: int, command_id: str) -> None:
        """Let the instances of an epoch work."""

    def switch(self, service_id: str, epoch: int, at_sequence: int, command_id: str) -> None:
        """Have sources send by an epoch from a sequence on."""

    def stop(self, service_id: str, command_id: str) -> None:
        """End the work of a service, keep its instances."""

    def delete(self, service_id: str, epoch: int, command_id: str) -> None:
        """End the instances of an epoch that no other has."""

    def infer(self, service_id: str, body: dict[str, Any], command_id: str) -> None:
        """Put an input into a service."""

    def take_results(self) -> Sequence[Result]:
        """Orders that have ended."""

    def incoming(self, header: dict[str, Any], payload: memoryview) -> None:
        """An item from another worker."""

    def node_gone(self, node_id: str, incarnation: int, *, is_over: bool) -> None:
        """A start of another worker is over, or is missing for too long: nobody waits for what it was sent."""

    def node_back(self, node_id: str) -> None:
        """The start that was missing is heard again."""

    def statuses(self) -> list[InstanceStatus]:
        """Every instance, and those that have just ended."""

    def moved(self) -> tuple[int, float]:
        """Items into instances and out of them, and the processor time of the instances beside their handlers'."""

    def take_rows(self) -> list[PacketRow]:
        """Packet events since the last call."""

    def catalogue(self) -> list[HandlerDescription] | None:
        """What can be run here; None until everything is imported."""

    def processes(self) -> Sequence[InstanceProcess]:
        """The instances' processes."""

    def close(self) -> None:
        """End all instances."""


OnOutgoing = Callable[[str, dict[str, Any], Sequence[Part], str, Link | None], None]
MakeHost = Callable[[Path, Sequence[str], Callable[[], None], OnOutgoing], Hosting]
"""Folder, handler modules, what to call when something has changed, and whom to give items for other workers."""
