"""How items move: from an instance along the links of their epoch, to instances here and to workers elsewhere."""

from __future__ import annotations

import time
from typing import Any

from hedgerow_idl.plan import Link
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.member import Emission, Entry, Member
from hedgerow_nodes.serve.place import ERROR
from hedgerow_nodes.serve.replies import AWAY, Replies, gaps_behind, item_header
from hedgerow_nodes.serve.router import Router
from hedgerow_nodes.serve.sender import GAP
from hedgerow_nodes.serve.world import World

CREDIT = "credit"
"""The type of an item that says to the sender's worker that a lossless link is through with one of its items."""

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
        emission = Emission(sender, sender.life, output)
        router = world.router(sender.service_id, head["epoch"])
        if router is None:
            sender.refused += 1
            self.through(emission, 1)
            return
        links = router.targets(sender.placed.logical_id, output, head["seq"])
        if head["kind"] == "call":
            links = links[:1]
        emission.remaining = 1 + sum(link.mode == "lossless" and head["kind"] == "cast" for link in links)
        sender.sent += 0 if is_gap else len(links)
        world.moved += 0 if is_gap else len(links)
        for link in links:
            item = item_header(sender.service_id, link, head)
            if not is_gap:
                world.trace(sender, "SENT", head, output, len(payload))
            counted = emission if link.mode == "lossless" and head["kind"] == "cast" else None
            delay_s = float(head.get("delay", 0.0)) + link.delay_s
            if delay_s > 0:
                self._later(delay_s, router, link, item, payload, counted)
            else:
                self.carry(router, link, item, payload, counted)
        self.through(emission, 1)

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
                self.carry(router, link, item, b"", None)

    def incoming(self, header: Head, payload: Any) -> None:
        """An item from another worker."""
        world = self._world
        header = {**header, "call": header.get("call", "")}
        if header["kind"] == "reply":
            self._replies.bring(header["service"], header, payload)
            return
        if header["type"] == CREDIT:
            self.through(world.away.pop(tuple(header[name] for name in AWAY), None), 1)
            return
        router = world.router(header["service"], header["epoch"])
        link = None if router is None else router.link(*(header[name] for name in AWAY[2:6]))
        if router is None or link is None or self._is_from_replaced_source(router, link):
            world.refused += 1
            receiver = next(
                (each for each in world.of_service(header["service"]) if each.placed.logical_id == header["to"]), None
            )
            if receiver is not None:
                receiver.refused += 1
            return
        self.carry(router, link, header, payload, None, origin=header)

    def _is_from_replaced_source(self, router: Router, link: Link) -> bool:
        """Another source counts on in its place: what it sends if it comes back would be there twice."""
        sender = router.instances.get(link.sender)
        is_replaced = sender is not None and sender.physical_id in self._world.replaced
        return is_replaced and not router.senders(link.sender)

    def done(self, member: Member, tickets: list[list[int]]) -> None:
        """An instance is through with some items: their senders may send others."""
        for lane_number, ticket in tickets:
            lane = member.lane_numbers.get(lane_number)
            entry = None if lane is None else lane.done(ticket)
            if entry is not None:
                self.let_go(entry)
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
                    self._world.moved += 1
                    self._world.trace(member, "RECV", entry.head, entry.head["in"], len(entry.payload))
                head = {**entry.head, "do": "item", "lane": number, "ticket": entry.ticket}
                self._world.tell(member, head, [entry.payload])

    def carry(
        self,
        router: Router,
        link: Link,
        item: Head,
        payload: Any,
        emission: Emission | None,
        origin: Head | None = None,
    ) -> None:
        """Bring an item to the end of a link: into its lane here, or to another worker."""
        world, target = self._world, router.instances[link.receiver]
        if target.physical_id in world.gone_instances and item["kind"] != "end":
            for link_behind, gap in gaps_behind(router, item):
                self.carry(router, link_behind, gap, b"", None)
            self.through(emission, 1)
            return
        if target.node_id != world.node_id:
            if emission is not None:
                key = tuple(item[name] for name in AWAY)
                self.through(world.away.get(key), 1)  # two of one number: the credit of one is enough
                world.away[key] = emission
            world.outgoing.append((target.node_id, item, [payload] if len(payload) else [], link.mode, link))
            return
        member = world.members.get(target.physical_id)
        if origin is not None and (link.mode != "lossless" or item["kind"] != "cast"):
            origin = None
        entry = Entry(next(world.tickets), item, payload, item["kind"] == "end", emission, origin)
        if member is None or member.is_closing:
            world.refused += 1
            self.let_go(entry)
            return
        if item["kind"] == "call":
            self._call(member, item, payload)
            return
        _number, lane = member.lane(link)
        if item["type"] == GAP and link.mode == "newest" and len(lane.waiting) >= link.capacity:
            return  # a later item tells the same, and none shall go for this
        for gone in lane.put(entry):
            self.drop(member, gone)
            self.let_go(gone)
        self.feed(member)

    def _call(self, member: Member, item: Head, payload: Any) -> None:
        if member.takes_items:
            member.received += 1
            self._world.moved += 1
            self._world.trace(member, "RECV", item, item["in"], len(payload))
            self._world.tell(member, {**item, "do": "item"}, [payload])
        else:
            text = f"{member.placed.name} is {member.state.name}"
            self._replies.bring(member.service_id, {**item, "kind": "reply", "type": ERROR}, text.encode())

    def _later(self, delay_s: float, router: Router, link: Link, item: Head, payload: Any, counted: Any) -> None:
        due_s = time.monotonic() + delay_s
        self._world.at(due_s, lambda: self.carry(router, link, item, payload, counted))

    def let_go(self, entry: Entry) -> None:
        """The link is through with an item; whoever counts it is told."""
        self.through(entry.emission, 1)
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

    def through(self, emission: Emission | None, count: int) -> None:
        """A link is through with an item; once all are, its sender may send another."""
        if emission is None:
            return
        emission.remaining -= count
        sender = emission.sender
        if emission.remaining <= 0 and sender.windows.get(emission.output) is not None and emission.life == sender.life:
            self._world.tell(sender, {"do": "token", "out": emission.output})

    def drop(self, member: Member, entry: Entry) -> None:
        """Count an item that an instance will not work on."""
        if not entry.is_kept and entry.head["type"] != GAP:
            member.dropped += 1
            self._world.trace(member, "DROP", entry.head, entry.head["in"])
