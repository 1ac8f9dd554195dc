"""The processes of instances: begun by the fork server, closed in order, begun anew when they end by themselves."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from hedgerow_idl.serve import InstanceState
from hedgerow_nodes.serve.epochs import epoch_heads
from hedgerow_nodes.serve.fork_client import ForkServer, how_it_ended
from hedgerow_nodes.serve.frames import FrameReader, FrameWriter, Head
from hedgerow_nodes.serve.losses import Losses
from hedgerow_nodes.serve.member import Member
from hedgerow_nodes.serve.traffic import Traffic
from hedgerow_nodes.serve.world import World, log

FIRST_BACK_OFF_S = 0.1
LONGEST_BACK_OFF_S = 10.0
STEADY_S = 30.0
"""An instance that has worked so long is begun anew at once, whatever was before."""

GRACE_S = 2.0
"""A closing instance has so long to end by itself."""

SOCKET_BYTES = 1 << 20


class Nursery:
    """Begins and ends processes.

    Args:
        world: what the host holds.
        traffic: what moves items.
        losses: what is told of items that are lost with a process.
        modules: the modules of handlers.
        watch: begins (`True`) or ends to watch a socket, for a member or for the fork server (`None`).
        drain: takes everything that a process had sent before it ended.
        on_ready, on_failure, on_gone: an instance is ready; could not be made; is gone for good.
    """

    def __init__(
        self,
        world: World,
        traffic: Traffic,
        losses: Losses,
        modules: Sequence[str],
        watch: Callable[[socket.socket, Member | None, bool], None],
        drain: Callable[[Member], None],
        on_ready: Callable[[Member], None],
        on_failure: Callable[[Member], None],
        on_gone: Callable[[Member], None],
    ) -> None:
        self._world, self._traffic, self._modules = world, traffic, list(modules)
        self._losses, self._watch, self._drain = losses, watch, drain
        self._on_ready, self._on_failure, self._on_gone = on_ready, on_failure, on_gone
        self.catalogue: list[Any] | None = None
        self.failures: dict[str, str] = {}
        self.is_closed = False
        self._is_down = False
        self._falls = 0
        self.server = ForkServer(self._modules)
        self._watch(self.server.control, None, True)

    def begin(self, member: Member) -> None:
        """Begin the process of an instance, or begin it anew."""
        world = self._world
        if member.is_closing or world.members.get(member.placed.physical_id) is not member or self.is_closed:
            return
        if self._is_down:
            world.at(time.monotonic() + FIRST_BACK_OFF_S, lambda: self.begin(member))
            return
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        ours.setblocking(False)
        member.number, member.connection = next(world.numbers), ours
        member.life += 1
        member.reader, member.writer = FrameReader(), FrameWriter()
        member.state = InstanceState.PREPARING
        world.by_number[member.number] = member
        self._watch(ours, member, True)
        placed = member.placed
        begin: Head = {
            "name": placed.name,
            "handler": placed.handler,
            "parameters": placed.parameters,
            "service_id": member.service_id,
            "logical_id": placed.logical_id,
            "folder": str(world.folder / member.service_id / placed.logical_id),
            "models": str(world.models),
            "execution_providers": list(world.execution_providers()),
            "first_sequence": member.next_sequence,
        }
        self.describe(member, begin)
        self.server.spawn(member.number, theirs)

    def describe(self, member: Member, begin: Head | None = None) -> None:
        """Tell an instance of all its epochs: who sends to it, and how much it may send."""
        routers = [r for epoch in sorted(member.epochs) if (r := self._world.router(member.service_id, epoch))]
        described, member.windows = epoch_heads(routers, member.placed.logical_id, member.epoch)
        for head in described:
            self._world.tell(member, {**(begin or {}), **head})
        self._world.tell(member, {"do": "windows", "windows": member.windows})

    def is_source(self, member: Member) -> bool:
        """Whether its handler makes items of its own."""
        described = next((each for each in self.catalogue or [] if each["name"] == member.placed.handler), None)
        return described is not None and described["role"] == "source"

    def sends_by_another(self, member: Member, epoch: int) -> bool:
        """Whether it is a source at work that has not been told to send by this epoch, or by a later one."""
        return member.state == InstanceState.RUNNING and member.epoch < epoch and self.is_source(member)

    def heard(self) -> None:
        """Take what the fork server tells."""
        messages = self.server.read()
        if messages is None:
            self._server_gone()
            return
        for message in messages:
            member = self._world.by_number.get(message.get("number", 0))
            if message["did"] == "ready":
                self._falls = 0
                self.catalogue, self.failures = message["catalogue"], message["failures"]
                for name, text in self.failures.items():
                    log.warning("module %s has no handlers for us: %s", name, text)
                self._world.has_changed = True
            elif member is not None and message["did"] == "spawned":
                member.pid = message["pid"]
            elif member is not None and message["did"] == "exited":
                self._exited(member, message["code"])

    def ready(self, member: Member) -> None:
        """The handler is made."""
        member.state = InstanceState.READY
        member.reason = ""
        member.was_ready = True
        member.ready_at_s = time.monotonic()
        if member.is_wanted_running:
            self.run(member, True)
        self._on_ready(member)

    def run(self, member: Member, is_running: bool) -> None:
        """Let an instance work, or hold a source."""
        member.is_wanted_running = is_running
        if member.state in (InstanceState.PREPARING, InstanceState.FAILED, InstanceState.ENDED):
            return
        if not is_running and member.state == InstanceState.READY:
            return
        member.state = InstanceState.RUNNING if is_running else InstanceState.STOPPED
        self._world.tell(member, {"do": "run", "run": is_running})
        self._traffic.feed(member)

    def close(self, member: Member) -> None:
        """End an instance for good; it may finish what it does."""
        if member.is_closing:
            return
        member.is_closing = True
        if member.connection is None:
            self._gone(member)
            return
        self._world.tell(member, {"do": "close"})
        number = member.number
        self._world.at(time.monotonic() + GRACE_S, lambda: self.kill(number))

    def kill(self, number: int) -> None:
        """End a process now, if it is there still."""
        if number in self._world.by_number and not self.is_closed and not self._is_down:
            self.server.kill(number, signal.SIGKILL)

    def disconnect(self, member: Member) -> None:
        """Watch a broken or closed socket no more; that the process has ended is told by the fork server."""
        if member.connection is not None:
            self._watch(member.connection, member, False)
            member.connection.close()
            member.connection = None
            self.kill(member.number)

    def close_all(self) -> None:
        """End everything, at once."""
        self.is_closed = True
        self._watch(self.server.control, None, False)
        for member in list(self._world.members.values()):
            if member.connection is not None:
                self._watch(member.connection, member, False)
                member.connection.close()
                member.connection = None
        self.server.close()

    def _exited(self, member: Member, code: int) -> None:
        self._drain(member)
        with suppress(KeyError):
            del self._world.by_number[member.number]
        if member.connection is not None:
            self._watch(member.connection, member, False)
            member.connection.close()
            member.connection = None
        member.pid = 0
        self._world.has_changed = True
        if member.is_closing:
            self._gone(member)
            return
        self._losses.lose(member)
        ended = how_it_ended(code)
        if not member.was_ready:
            member.state = InstanceState.FAILED
            member.reason = member.reason or f"{member.placed.name} {ended} before it was ready"
            self._on_failure(member)
            return
        member.reason = f"{ended}: {member.reason}" if member.reason else ended
        log.warning("instance %s of %s %s", member.placed.name, member.service_id, member.reason)
        if member.placed.restart == "never" or (member.placed.restart == "on_failure" and code == 0):
            member.state = InstanceState.FAILED
            self._on_failure(member)
            return
        self._begin_again(member)

    def _begin_again(self, member: Member) -> None:
        if time.monotonic() - member.ready_at_s > STEADY_S:
            member.crashes = 0
        back_off_s = min(LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2**member.crashes)
        member.crashes = min(member.crashes + 1, 16)
        member.restarts += 1
        member.state = InstanceState.PREPARING
        if member.placed.handler != "request":
            member.next_sequence = max(member.next_sequence, member.last_sequence + 1)
        self._world.at(time.monotonic() + back_off_s, lambda: self.begin(member))

    def _gone(self, member: Member) -> None:
        self._losses.clear(member)
        if self._world.members.get(member.placed.physical_id) is member:
            del self._world.members[member.placed.physical_id]
        self._world.has_changed = True
        self._on_gone(member)

    def _server_gone(self) -> None:
        """Nothing outlives the fork server; so all begin anew under another one."""
        self._watch(self.server.control, None, False)
        code = self.server.close()
        back_off_s = min(LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2**self._falls)
        self._falls, self._is_down = min(self._falls + 1, 16), True
        ended = how_it_ended(code)
        log.error("the fork server %d %s; another one begins in %g s", self.server.pid, ended, back_off_s)
        for member in list(self._world.by_number.values()):
            member.reason = member.reason or f"the fork server {ended}"
            self._exited(member, -signal.SIGKILL)
        self._world.at(time.monotonic() + back_off_s, self._begin_server)

    def _begin_server(self) -> None:
        if self.is_closed:
            return
        self._is_down = False
        self.server = ForkServer(self._modules)
        self._watch(self.server.control, None, True)
