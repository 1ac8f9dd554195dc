"""The thread of a host: waits for sockets and moments, never for a process, and tells the host's owner what is new."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hedgerow_idl.plan import Link
from hedgerow_nodes.serve.frames import BadFrame, Head
from hedgerow_nodes.serve.hearing import Hearing
from hedgerow_nodes.serve.losses import Losses
from hedgerow_nodes.serve.member import Member
from hedgerow_nodes.serve.nursery import Nursery
from hedgerow_nodes.serve.orders import Orders
from hedgerow_nodes.serve.questions import Questions
from hedgerow_nodes.serve.switching import Switching
from hedgerow_nodes.serve.traffic import Traffic
from hedgerow_nodes.serve.world import World, log

MOST_READS = 16
"""So often one instance's socket is read in a row."""

OnOutgoing = Callable[[str, Head, list[Any], str, Link | None], None]


class DataPlane:
    """The parts of a host and the thread that drives them.

    Args:
        folder, modules, on_event, on_outgoing, report, home, execution_providers: as the host has them.
    """

    def __init__(
        self,
        folder: Path,
        modules: Sequence[str],
        on_event: Callable[[], None],
        on_outgoing: OnOutgoing,
        report: Callable[[str], None],
        home: Path,
        execution_providers: Callable[[], Sequence[str]],
    ) -> None:
        self.lock = threading.RLock()
        self.is_closed = False
        self._on_event, self._on_outgoing, self._report = on_event, on_outgoing, report
        self._selector = selectors.DefaultSelector()
        self._waker = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._selector.register(self._waker, selectors.EVENT_READ, None)
        self.world = World(folder, home, execution_providers)
        self.traffic = Traffic(self.world)
        self.losses = Losses(self.world, self.traffic)
        self.nursery = Nursery(
            self.world,
            self.traffic,
            self.losses,
            modules,
            self._watch,
            self._drain,
            lambda member: self.orders.member_ready(member),
            lambda member: self.orders.member_failed(member),
            lambda member: self.orders.member_gone(member),
        )
        self.orders = Orders(self.world, self.losses, self.nursery)
        self.switching = Switching(self.world, self.nursery, self.losses)
        self.questions = Questions(self.world, self.traffic)
        self.hearing = Hearing(self.world, self.traffic, self.nursery, self.switching)
        self._thread = threading.Thread(target=self.run, name="hedgerow-host", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Let the thread look at what has changed."""
        with suppress(OSError):
            os.eventfd_write(self._waker, 1)

    def close(self) -> None:
        """End the thread, and then every process."""
        with self.lock:
            if self.is_closed:
                return
            self.is_closed = True
        self.wake()
        self._thread.join()
        self.nursery.close_all()
        self._selector.close()
        os.close(self._waker)

    def run(self) -> None:
        """Move items until the host is closed."""
        timeout_s: float | None = None
        while not self.is_closed:
            events = self._selector.select(timeout_s)
            with self.lock:
                for key, mask in events:
                    self._handle(key, mask)
                timeout_s = self.world.run_timers()
                self._flush()
                has_changed, self.world.has_changed = self.world.has_changed, False
                lines, self.world.lines = self.world.lines, []
            try:
                while self.world.outgoing:  # only this thread takes from it, others may put in
                    self._on_outgoing(*self.world.outgoing.popleft())
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
                self.world.touched.add(key.data.number)
            if mask & selectors.EVENT_READ and key.data.connection is key.fileobj:
                self._read(key.data)
        elif key.fileobj is self.nursery.server.control:
            self.nursery.heard()

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
            self.nursery.disconnect(member)
            return False
        for head, payload in frames:
            self.hearing.take(member, head, payload)
        return True

    def _flush(self) -> None:
        """Write what waits; what a socket does not take now is written once it does."""
        world = self.world
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
                    self.nursery.disconnect(member)
                    continue
                events = selectors.EVENT_READ | (0 if is_empty else selectors.EVENT_WRITE)
                if self._selector.get_key(member.connection).events != events:
                    self._selector.modify(member.connection, events, member)
                if member.writer.pending_bytes < was_full:
                    self.traffic.feed(member)
        server = self.nursery.server
        if server.is_closed:
            return
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
