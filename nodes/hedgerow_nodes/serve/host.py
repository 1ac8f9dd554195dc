"""Hosts the instances of a worker: one thread moves their items, begins their processes and sees how they end.

host = Host(folder, modules=[], on_event=bus.wake, on_outgoing=send, report=log.info)
host.prepare(plan, node_id, "command-1")
...
for result in host.take_results(): ...
"""

from __future__ import annotations

import math
import os
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil

from hedgerow_idl.plan import HandlerDescription, Link, Plan
from hedgerow_idl.serve import InstanceStatus
from hedgerow_idl.telemetry import PacketRow, TraceEvent
from hedgerow_nodes.serve.catalogue import handler_modules
from hedgerow_nodes.serve.frames import BadFrame, Head
from hedgerow_nodes.serve.hearing import Hearing
from hedgerow_nodes.serve.member import Member, Result, World, log
from hedgerow_nodes.serve.nursery import Nursery
from hedgerow_nodes.serve.orders import Orders
from hedgerow_nodes.serve.traffic import Traffic

MOST_READS = 16
"""So often one instance's socket is read in a row."""

OnOutgoing = Callable[[str, Head, list[Any], str, Link | None], None]


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
    """

    def __init__(
        self,
        folder: Path | str,
        modules: Sequence[str] = (),
        on_event: Callable[[], None] = lambda: None,
        on_outgoing: OnOutgoing = lambda *_ignored: None,
        report: Callable[[str], None] = log.info,
    ) -> None:
        self._lock = threading.RLock()
        self._on_event, self._on_outgoing, self._report = on_event, on_outgoing, report
        self._selector = selectors.DefaultSelector()
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector.register(self._waker, selectors.EVENT_READ, None)
        self._is_closed = False
        self._world = World(Path(folder))
        self._traffic = Traffic(self._world)
        self._nursery = Nursery(
            self._world,
            self._traffic,
            handler_modules(modules),
            self._watch,
            self._drain,
            lambda member: self._orders.member_ready(member),
            lambda member: self._orders.member_failed(member),
            lambda member: self._orders.member_gone(member),
        )
        self._orders = Orders(self._world, self._traffic, self._nursery)
        self._hearing = Hearing(self._world, self._traffic, self._nursery, self._orders)
        self._thread = threading.Thread(target=self._run, name="hedgerow-host", daemon=True)
        self._thread.start()

    def prepare(self, plan: Plan, node_id: str, command_id: str) -> None:
        """Begin the instances that a plan places on this node, warm."""
        self._order(command_id, lambda: self._orders.prepare(plan, node_id, command_id))

    def start(self, service_id: str, epoch: int, command_id: str) -> None:
        """Let the prepared instances of an epoch work."""
        self._order(command_id, lambda: self._orders.start(service_id, epoch, command_id))

    def switch(self, service_id: str, epoch: int, at_sequence: int, command_id: str) -> None:
        """Let the sources here send by another epoch from a sequence on; below 0 it is their next one."""
        self._order(command_id, lambda: self._orders.switch(service_id, epoch, at_sequence, command_id))

    def stop(self, service_id: str, command_id: str) -> None:
        """Hold the sources of a service."""
        self._order(command_id, lambda: self._orders.stop(service_id, command_id))

    def delete(self, service_id: str, epoch: int, command_id: str) -> None:
        """End the instances of an epoch that no other one has; epoch 0 is all."""
        self._order(command_id, lambda: self._orders.delete(service_id, epoch, command_id))

    def infer(self, service_id: str, body: dict[str, Any], command_id: str) -> None:
        """Put `input`, of the value type `type`, into a service; `timeout_s` is how long its answer may take."""
        self._order(command_id, lambda: self._orders.infer(service_id, body, command_id))

    def take_results(self) -> list[Result]:
        """The orders that were answered since the last call."""
        with self._lock:
            results, self._world.results = self._world.results, []
            return results

    def incoming(self, header: Head, payload: Any) -> None:
        """Take an item from another worker."""
        with self._lock:
            self._traffic.incoming(header, payload)
        self._wake()

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
            return [_status(member) for member in self._world.members.values()]

    def take_rows(self) -> list[PacketRow]:
        """The trace since the last call."""
        with self._lock:
            rows = list(self._world.rows)
            self._world.rows.clear()
        return [
            PacketRow(
                at_s=at_s,
                sequence_number=sequence,
                epoch=epoch,
                event=TraceEvent[event],
                size_bytes=size,
                service_id=service_id,
                logical_id=logical_id,
                physical_id=physical_id,
                port_name=port,
            )
            for at_s, sequence, epoch, event, size, service_id, logical_id, physical_id, port in rows
        ]

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
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._wake()
        self._thread.join()
        self._nursery.close_all()
        self._selector.close()
        os.close(self._waker)

    def _order(self, command_id: str, carry_out: Callable[[], None]) -> None:
        with self._lock:
            if not self._is_closed and not self._orders.is_known(command_id):
                carry_out()
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError, BlockingIOError):
            os.eventfd_write(self._waker, 1)

    def _run(self) -> None:
        timeout_s: float | None = None
        while not self._is_closed:
            events = self._selector.select(timeout_s)
            with self._lock:
                for key, mask in events:
                    self._handle(key, mask)
                timeout_s = self._world.run_timers()
                self._flush()
                has_changed, self._world.has_changed = self._world.has_changed, False
                lines, self._world.lines = self._world.lines, []
            try:
                while self._world.outgoing:  # only this thread takes from it, others may put in
                    self._on_outgoing(*self._world.outgoing.popleft())
                for line in lines:
                    self._report(line)
                if has_changed:
                    self._on_event()
            except Exception:  # noqa: BLE001 - nothing that its owner does wrong may end this thread
                log.exception("the host's owner did not take what it was told; going on")

    def _handle(self, key: selectors.SelectorKey, mask: int) -> None:
        if key.fileobj == self._waker:
            with suppress(BlockingIOError):
                os.eventfd_read(self._waker)
        elif isinstance(key.data, Member):
            if mask & selectors.EVENT_WRITE:
                self._world.touched.add(key.data.number)
            if mask & selectors.EVENT_READ and key.data.connection is key.fileobj:
                self._read(key.data)
        elif key.fileobj is self._nursery.server.control:
            self._nursery.heard()

    def _read(self, member: Member) -> None:
        for _ in range(MOST_READS):
            if member.connection is None or not self._read_once(member):
                return

    def _drain(self, member: Member) -> None:
        while member.connection is not None and self._read_once(member):
            pass

    def _read_once(self, member: Member) -> bool:
        """One recv; whether there may be more."""
        assert member.connection is not None
        try:
            frames = member.reader.read(member.connection)
        except BlockingIOError:
            return False
        except (OSError, BadFrame) as error:
            log.debug("instance %s: %s", member.placed.name, error)
            frames = None
        if frames is None:
            self._nursery.disconnect(member)
            return False
        for head, payload in frames:
            self._hearing.take(member, head, payload)
        return True

    def _flush(self) -> None:
        """Write what waits; what a socket does not take now is written once it does."""
        world = self._world
        while world.touched:
            numbers, world.touched = world.touched, set()
            for number in numbers:
                member = world.by_number.get(number)
                if member is None or member.connection is None:
                    continue
                was_full = member.writer.pending_bytes
                try:
                    is_empty = member.writer.flush(member.connection)
                except OSError:
                    self._nursery.disconnect(member)
                    continue
                events = selectors.EVENT_READ | (0 if is_empty else selectors.EVENT_WRITE)
                if self._selector.get_key(member.connection).events != events:
                    self._selector.modify(member.connection, events, member)
                if member.writer.pending_bytes < was_full:
                    self._traffic.feed(member)
        server = self._nursery.server
        server.flush()
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if server.has_waiting else 0)
        if self._selector.get_key(server.control).events != events:
            self._selector.modify(server.control, events, None)

    def _watch(self, connection: socket.socket, member: Member | None, is_watched: bool) -> None:
        if is_watched:
            self._selector.register(connection, selectors.EVENT_READ, member)
        else:
            with suppress(KeyError, ValueError):
                self._selector.unregister(connection)


def _status(member: Member) -> InstanceStatus:
    placed = member.placed
    return InstanceStatus(
        service_id=member.service_id,
        logical_id=placed.logical_id,
        physical_id=placed.physical_id,
        name=placed.name,
        epoch=member.last_epoch or member.epoch,
        state=member.state,
        pid=member.pid,
        restarts=member.restarts,
        received=member.received,
        sent=member.sent,
        dropped=member.dropped,
        skipped=member.skipped,
        refused=member.refused,
        failed=member.failed,
        queued=member.queued,
        last_sequence=member.last_sequence,
        compute_s=member.compute_s,
        memory_bytes=_memory_bytes(member.pid),
        digest="",
        reason=member.reason,
    )


def _memory_bytes(pid: int) -> float:
    """Resident memory of a process; NaN if it has none any more."""
    if not pid:
        return math.nan
    try:
        return float(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return math.nan


__all__ = ["Host", "Result"]
