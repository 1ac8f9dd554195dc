"""Headers of items, and how replies find back: to who called, here or on another worker, or to the order that asked."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from hedgerow_idl.plan import Link
from hedgerow_idl.serve import OrderCode
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.place import ERROR
from hedgerow_nodes.serve.router import Router
from hedgerow_nodes.serve.sender import GAP
from hedgerow_nodes.serve.value_json import to_json
from hedgerow_nodes.serve.values import BadValue, decode
from hedgerow_nodes.serve.world import Result, World

AWAY = ("service", "epoch", "from", "out", "to", "in", "seq")
"""What names an item that another worker has, and owes a credit for."""


class Replies:
    """Brings replies home.

    Args:
        world: what the host holds.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def bring(self, service_id: str, head: Head, payload: Any) -> None:
        """Bring a reply to who called, here or on another worker, or to the order that asked."""
        world = self._world
        origin, _, command_id = head["call"].partition(":")
        if command_id in world.pending:
            world.answer(answered(command_id, head, payload))
            return
        member = next((each for each in world.of_service(service_id) if each.placed.logical_id == origin), None)
        if member is not None:
            world.tell(member, {**head, "do": "item", "kind": "reply"}, [payload])
            return
        router = world.router(service_id, head["epoch"])
        target = None if router is None else router.instances.get(origin)
        if target is not None and target.node_id != world.node_id:
            ends = {"from": "", "out": "", "to": origin, "in": ""}
            item = {**carried(head), **ends, "service": service_id, "kind": "reply", "at": time.time()}
            world.outgoing.append((target.node_id, item, [payload], "lossless", None))


def item_header(service_id: str, link: Link, head: Head) -> Head:
    """The header of an item on a link."""
    return {
        **carried(head),
        "service": service_id,
        "from": link.sender,
        "out": link.output,
        "to": link.receiver,
        "in": link.input,
        "at": time.time(),
    }


def gaps_behind(router: Router, item: Head) -> list[tuple[Link, Head]]:
    """What those behind an instance that is gone are told of an item that it had: that they need not wait for it."""
    if item.get("kind", "cast") != "cast" or not router.is_before_join(item["to"]):
        return []
    gaps: list[tuple[Link, Head]] = []
    for output in router.outputs(item["to"]):
        for link in router.targets(item["to"], output, item["seq"]):
            head = {"seq": item["seq"], "epoch": item["epoch"], "type": GAP, "kind": "cast", "call": ""}
            gaps.append((link, item_header(item["service"], link, head)))
    return gaps


def carried(head: Head) -> Head:
    """What an item carries on from hop to hop."""
    return {name: head[name] for name in ("seq", "epoch", "type", "kind", "call")}


def answered(command_id: str, head: Head, payload: Any) -> Result:
    """The result of an order that asked."""
    at = int(head["seq"])
    if head["type"] == ERROR:
        return Result(command_id, OrderCode.NOT_DONE, bytes(payload).decode(errors="replace"), at_sequence=at)
    try:
        output = to_json(decode(head["type"], payload))
    except BadValue as error:
        return Result(command_id, OrderCode.NOT_DONE, str(error), at_sequence=at)
    body = msgspec.json.encode({"output": output, "type": head["type"], "sequence": at}).decode()
    return Result(command_id, body=body, at_sequence=at)
