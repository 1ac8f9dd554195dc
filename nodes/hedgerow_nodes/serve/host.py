"""Hosts the instances of a worker: one thread moves their items, begins their processes and sees how they end.

host = Host(folder, modules=[], on_event=bus.wake, on_outgoing=send, report=log.info)
host.prepare(plan, node_id, "command-1")
...
for result in host.take_results(): ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hedgerow_idl.plan import HandlerDescription, Link, Plan
from hedgerow_idl.serve import InstanceStatus
from hedgerow_idl.telemetry import PacketRow
from hedgerow_nodes.serve.catalogue import handler_modules
from hedgerow_nodes.serve.data_plane import DataPlane, OnOutgoing
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.showing import instance_status, memory_bytes, packet_row
from hedgerow_nodes.serve.world import Result, log

__all__ = ["Host", "Result"]


class Host:
    """The instances of one worker; every method may be called from any thread and returns at once.

    Args:
        folder: where instances may keep files, each in a folder of its own below.
        modules: modules of handlers beside the shipped and the installed ones.
        on_event: called in the host's thread when there are results or changed states.
        on_outgoing: takes an item for another worker: its node, its header, its payload in pieces, the link's mode, and
            the link (`None` of a reply). Called in the host's thread.
        report: takes one line of an instance's log. Called in the host's thread; none of the three is called under a
            lock, so each may call the host.
        home: what the workers of one host share, with the folders `uploads` (inputs that the front end keeps) and
            `models`; the folder itself where none is given.
        execution_providers: of ONNX Runtime's those that instances may use, all if empty; asked when one begins.
    """

    def __init__(
        self,
        folder: Path | str,
        modules: Sequence[str] = (),
        on_event: Callable[[], None] = lambda: None,
        on_outgoing: OnOutgoing = lambda *_ignored: None,
        report: Callable[[str], None] = log.info,
        home: Path | None = None,
        execution_providers: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        shared = Path(folder) if home is None else home
        known = handler_modules(modules)
        plane = DataPlane(Path(folder), known, on_event, on_outgoing, report, shared, execution_providers)
        self._plane, self._lock = plane, plane.lock
        self._world, self._traffic, self._nursery, self._orders = (
            plane.world,
            plane.traffic,
            plane.nursery,
            plane.orders,
        )

    def prepare(self, plan: Plan, node_id: str, command_id: str) -> None:
        """Begin the instances that a plan places on this node, warm."""
        self._order(command_id, lambda: self._orders.prepare(plan, node_id, command_id))

    def start(self, service_id: str, epoch: int, command_id: str) -> None:
        """Let the prepared instances of an epoch work."""
        self._order(command_id, lambda: self._orders.start(service_id, epoch, command_id))

    def switch(self, service_id: str, epoch: int, at_sequence: int, command_id: str) -> None:
        """Let the sources here send by another epoch from a sequence on; below 0 it is their next one."""
        self._order(command_id, lambda: self._plane.switching.switch(service_id, epoch, at_sequence, command_id))

    def stop(self, service_id: str, command_id: str) -> None:
        """Hold the sources of a service."""
        self._order(command_id, lambda: self._orders.stop(service_id, command_id))

    def delete(self, service_id: str, epoch: int, command_id: str) -> None:
        """End the instances of an epoch that no other one has; epoch 0 is all."""
        self._order(command_id, lambda: self._orders.delete(service_id, epoch, command_id))

    def infer(self, service_id: str, body: dict[str, Any], command_id: str) -> None:
        """Put `input`, of the value type `type`, into a service; `timeout_s` is how long its answer may take."""
        self._order(command_id, lambda: self._plane.questions.ask(service_id, body, command_id))

    def take_results(self) -> list[Result]:
        """The orders that were answered since the last call."""
        with self._lock:
            results, self._world.results = self._world.results, []
            return results

    def incoming(self, header: Head, payload: Any) -> None:
        """Take an item from another worker."""
        with self._lock:
            self._traffic.incoming(header, payload)
        self._plane.wake()

    def node_gone(self, node_id: str, incarnation: int = 0, *, is_over: bool = True) -> None:
        """Know that a start of another worker is over, or missing for too long: what it was sent is lost.

        What a plan places on a later start of it is not meant.
        """
        with self._lock:
            self._plane.losses.node_gone(node_id, incarnation, is_over=is_over)
        self._plane.wake()

    def node_back(self, node_id: str) -> None:
        """Know that the start that was missing is heard again: what is still placed there gets items again."""
        with self._lock:
            self._plane.losses.node_back(node_id)
        self._plane.wake()

    def room(self, service_id: str, link: Link) -> bool:
        """Whether the receiver of a link, if it is here, has room for another item."""
        with self._lock:
            for member in self._world.of_service(service_id):
                if member.placed.logical_id == link.receiver:
                    lane = member.lanes.get((link.sender, link.output, link.input))
                    return lane is None or lane.has_room()
            return True

    def statuses(self) -> list[InstanceStatus]:
        """How every instance is."""
        with self._lock:
            statuses = [instance_status(member) for member in self._world.members.values()]
        for status in statuses:
            status.memory_bytes = memory_bytes(status.pid)
        return statuses

    def moved(self) -> tuple[int, float]:
        """How many items went into instances and out of them, and the processor time of instances beside handlers'."""
        with self._lock:
            return self._world.moved, self._world.moving_s

    def refused(self) -> int:
        """How many items came by epochs or links that are not known here, or for instances that are gone."""
        with self._lock:
            return self._world.refused

    def take_rows(self) -> list[PacketRow]:
        """The trace since the last call."""
        with self._lock:
            rows = list(self._world.rows)
            self._world.rows.clear()
        return [packet_row(row) for row in rows]

    def processes(self) -> list[tuple[str, str, str, int]]:
        """Service, logical and physical id and process id of each instance that has a process."""
        with self._lock:
            return [
                (member.service_id, member.placed.logical_id, member.placed.physical_id, member.pid)
                for member in self._world.members.values()
                if member.pid
            ]

    def catalogue(self) -> list[HandlerDescription] | None:
        """What can be run here; `None` until the fork server has imported everything."""
        with self._lock:
            found = self._nursery.catalogue
        return None if found is None else msgspec.convert(found, list[HandlerDescription])

    def fork_server_pid(self) -> int:
        """The process that the instances are forked from."""
        with self._lock:
            return self._nursery.server.pid

    def close(self) -> None:
        """End all instances; on return no process is left."""
        self._plane.close()

    def _order(self, command_id: str, carry_out: Callable[[], None]) -> None:
        with self._lock:
            if not self._plane.is_closed and not self._orders.is_known(command_id):
                carry_out()
        self._plane.wake()


__all__ = ["Host", "Result"]
