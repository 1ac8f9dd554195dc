"""How items move: from an instance along the links of their epoch, to instances here and to workers elsewhere."""

from __future__ import annotations

import time
from typing import Any

from hedgerow_idl.plan import Link
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.member import Emission, Entry, Member
from hedgerow_nodes.serve.place import ERROR
from hedgerow_nodes.serve.replies import Replies, item_header
from hedgerow_nodes.serve.router import Router
from hedgerow_nodes.serve.sender import GAP
from hedgerow_nodes.serve.world import World

CREDIT = "credit"
"""The type of an item that says to the sender's worker that a lossless link is through with one of its items."""

AWAY = ("service", "epoch", "from", "out", "to", "in", "seq")
"""What names an item that another worker has, and owes a credit for."""

MOST_AHEAD_BYTES = 16 << 20
"""So much may wait in this process for one instance's socket; further items wait in their lanes."""


class Traffic:
    """Moves items.

    Args:
        world: what the host holds.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._replies = Replies(world)

    def emitted(self, sender: Member, head: Head, payload: Any) -> None:
        """An instance sends a value over an output."""
        world, output = self._world, head["out"]
        if head["kind"] == "reply":
            self._replies.bring(sender.service_id, head, payload)
            return
        is_gap = head["type"] == GAP
        emission = None if is_gap else Emission(sender, sender.life, output)
        router = world.router(sender.service_id, head["epoch"])
        if router is None:
            sender.refused += 1
            self._through(emission, 1)
            return
        links = router.targets(sender.placed.logical_id, output, head["seq"])
        if head["kind"] == "call":
            links = links[:1]
        if emission is not None:
            emission.remaining = 1 + sum(link.mode == "lossless" and head["kind"] == "cast" for link in links)
            sender.sent += len(links)
        for link in links:
            item = item_header(sender.service_id, link, head)
            if not is_gap:
                world.trace(sender, "SENT", head, output, len(payload))
            counted = emission if link.mode == "lossless" and head["kind"] == "cast" else None
            delay_s = float(head.get("delay", 0.0)) + link.delay_s
            if delay_s > 0:
                self._later(delay_s, router, link, item, payload, counted)
            else:
                self._carry(router, link, item, payload, counted)
        self._through(emission, 1)

    def ended(self, sender: Member, epoch: int, sequence: int) -> None:
        """An instance will send nothing more by an epoch."""
        router = self._world.router(sender.service_id, epoch)
        if router is None:
            return
        for link in router.links_of(sender.placed.logical_id):
            head = {"seq": sequence, "epoch": epoch, "call": "", "kind": "end", "type": "", "out": link.output}
            item = item_header(sender.service_id, link, head)
            if link.delay_s > 0:
                self._later(link.delay_s, router, link, item, b"", None)
            else:
                self._carry(router, link, item, b"", None)

    def incoming(self, header: Head, payload: Any) -> None:
        """An item from another worker."""
        world = self._world
        header = {**header, "call": header.get("call", "")}
        if header["kind"] == "reply":
            self._replies.bring(header["service"], header, payload)
            return
        if header["type"] == CREDIT:
            self._through(world.away.pop(tuple(header[name] for name in AWAY), None), 1)
            return
        router = world.router(header["service"], header["epoch"])
        link = None if router is None else router.link(*(header[name] for name in AWAY[2:6]))
        if router is None or link is None:
            world.refused += 1
            receiver = next(
                (each for each in world.of_service(header["service"]) if each.placed.logical_id == header["to"]), None
            )
            if receiver is not None:
                receiver.refused += 1
            return
        self._carry(router, link, header, payload, None, origin=header)

    def done(self, member: Member, tickets: list[list[int]]) -> None:
        """An instance is through with some items: their senders may send others."""
        for lane_number, ticket in tickets:
            lane = member.lane_numbers.get(lane_number)
            entry = None if lane is None else lane.done(ticket)
            if entry is not None:
                self._let_go(entry)
        self.feed(member)

    def feed(self, member: Member) -> None:
        """Give an instance what it may have."""
        if not member.takes_items:
            return
        moved = True
        while moved and member.writer.pending_bytes < MOST_AHEAD_BYTES:
            moved = False
            for number, lane in member.lane_numbers.items():
                entry = lane.next()
                if entry is None:
                    continue
                moved = True
                if not entry.is_kept and entry.head["type"] != GAP:
                    member.received += 1
                    self._world.trace(member, "RECV", entry.head, entry.head["in"], len(entry.payload))
                head = {**entry.head, "do": "item", "lane": number, "ticket": entry.ticket}
                self._world.tell(member, head, [entry.payload])

    def lose(self, member: Member) -> None:
        """The process of an instance is gone: what it had is lost, and those who wait for it are told."""
        for lane in member.lanes.values():
            for entry in lane.lost():
                self._drop(member, entry, "its instance ended")
                self._let_go(entry)
                router = self._world.router(member.service_id, entry.head["epoch"])
                if router is not None and router.is_before_join(member.placed.logical_id):
                    for output in router.outputs(member.placed.logical_id):
                        gap = {"seq": entry.head["seq"], "epoch": entry.head["epoch"], "out": output, "type": GAP}
                        self.emitted(member, {**gap, "kind": "cast", "call": ""}, b"")

    def clear(self, member: Member) -> None:
        """An instance is taken away: whatever waits for it goes too."""
        for lane in member.lanes.values():
            for entry in [*lane.lost(), *lane.waiting]:
                self._drop(member, entry, "its instance was taken away")
                self._let_go(entry)
            lane.waiting.clear()

    def forget(self, service_id: str, epoch: int) -> None:
        """An epoch is gone: nothing that is away by it comes back."""
        for key in [key for key in self._world.away if key[0] == service_id and key[1] == epoch]:
            self._through(self._world.away.pop(key), 1)

    def node_gone(self, node_id: str) -> None:
        """Another worker is gone, and with it what it had not done yet."""
        world = self._world
        world.gone_nodes.add(node_id)
        for key in list(world.away):
            router = world.router(key[0], key[1])
            target = None if router is None else router.instances.get(key[4])
            if router is not None and target is not None and target.node_id == node_id:
                self._lost_away(router, dict(zip(AWAY, key, strict=True)))
                self._through(world.away.pop(key), 1)

    def _lost_away(self, router: Router, item: Head) -> None:
        """Tell those behind an instance on a worker that is gone that they need not wait for an item."""
        if item.get("type") == GAP or item.get("kind", "cast") != "cast" or not router.is_before_join(item["to"]):
            return
        for output in router.outputs(item["to"]):
            for link in router.targets(item["to"], output, item["seq"]):
                ends = {"from": link.sender, "out": link.output, "to": link.receiver, "in": link.input}
                gap = {"service": item["service"], "epoch": item["epoch"], "seq": item["seq"], **ends}
                self._carry(
                    router, link, {**gap, "type": GAP, "kind": "cast", "call": "", "at": time.time()}, b"", None
                )

    def _carry(
        self,
        router: Router,
        link: Link,
        item: Head,
        payload: Any,
        emission: Emission | None,
        origin: Head | None = None,
    ) -> None:
        world, target = self._world, router.instances[link.receiver]
        if target.node_id in world.gone_nodes:
            self._lost_away(router, item)
            self._through(emission, 1)
            return
        if target.node_id != world.node_id:
            if emission is not None:
                world.away[tuple(item[name] for name in AWAY)] = emission
            world.outgoing.append((target.node_id, item, [payload] if len(payload) else [], link.mode, link))
            return
        member = world.members.get(target.physical_id)
        if origin is not None and (link.mode != "lossless" or item["kind"] != "cast" or item["type"] == GAP):
            origin = None
        entry = Entry(next(world.tickets), item, payload, item["kind"] == "end", emission, origin)
        if member is None or member.is_closing:
            world.refused += 1
            self._let_go(entry)
            return
        if item["kind"] == "call":
            self._call(member, item, payload)
            return
        _number, lane = member.lane(link)
        if item["type"] == GAP and link.mode == "newest" and len(lane.waiting) >= link.capacity:
            return  # a later item tells the same, and none shall go for this
        for gone in lane.put(entry):
            self._drop(member, gone, "a newer one took its place")
            self._let_go(gone)
        self.feed(member)

    def _call(self, member: Member, item: Head, payload: Any) -> None:
        if member.takes_items:
            member.received += 1
            self._world.trace(member, "RECV", item, item["in"], len(payload))
            self._world.tell(member, {**item, "do": "item"}, [payload])
        else:
            text = f"{member.placed.name} is {member.state.name}"
            self._replies.bring(member.service_id, {**item, "kind": "reply", "type": ERROR}, text.encode())

    def _later(self, delay_s: float, router: Router, link: Link, item: Head, payload: Any, counted: Any) -> None:
        due_s = time.monotonic() + delay_s
        self._world.at(due_s, lambda: self._carry(router, link, item, payload, counted))

    def _let_go(self, entry: Entry) -> None:
        self._through(entry.emission, 1)
        if entry.origin is not None:
            head = entry.origin
            router = self._world.router(head["service"], head["epoch"])
            sender = None if router is None else router.instances.get(head["from"])
            if router is not None and sender is not None:
                link = router.link(head["from"], head["out"], head["to"], head["in"])
                self._world.outgoing.append(
                    (sender.node_id, {**head, "type": CREDIT, "kind": "cast"}, [], "newest", link)
                )
            entry.origin = None

    def _through(self, emission: Emission | None, count: int) -> None:
        """A link is through with an item; once all are, its sender may send another."""
        if emission is None:
            return
        emission.remaining -= count
        sender = emission.sender
        if emission.remaining <= 0 and sender.windows.get(emission.output) is not None and emission.life == sender.life:
            self._world.tell(sender, {"do": "token", "out": emission.output})

    def _drop(self, member: Member, entry: Entry, _why: str) -> None:
        if not entry.is_kept and entry.head["type"] != GAP:
            member.dropped += 1
            self._world.trace(member, "DROP", entry.head, entry.head["in"])
