"""Putting an input into a service that is asked; the answer, or that there is none, is the order's result."""

from __future__ import annotations

import time
from typing import Any

from hedgerow_idl.serve import InstanceState, OrderCode
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.member import REQUEST
from hedgerow_nodes.serve.traffic import Traffic
from hedgerow_nodes.serve.value_json import from_json
from hedgerow_nodes.serve.values import BadValue, encode
from hedgerow_nodes.serve.world import Result, World

INFER_TIMEOUT_S = 30.0
MOST_ASKED = 1024
"""Requests that may wait for their answers."""


class Questions:
    """Takes inputs for the `request` sources of a host.

    Args:
        world: what the host holds.
        traffic: what moves the inputs on.
    """

    def __init__(self, world: World, traffic: Traffic) -> None:
        self._world, self._traffic = world, traffic

    def ask(self, service_id: str, body: dict[str, Any], command_id: str) -> None:
        """Put an input in at the request source; the order is answered by what comes out."""
        world = self._world
        member = next((each for each in world.of_service(service_id) if each.placed.handler == REQUEST), None)
        if member is None:
            self._refuse(command_id, f"service {service_id} has no source of the type `request` here")
            return
        if member.state != InstanceState.RUNNING or member.is_closing:
            self._refuse(command_id, f"service {service_id} is {member.state.name}, not RUNNING")
            return
        if len(world.pending) > MOST_ASKED:
            self._refuse(command_id, f"{len(world.pending)} requests wait already")
            return
        try:
            value = from_json(str(body.get("type") or "record"), body.get("input"), world.uploads)
            payload = b"".join(bytes(piece) for piece in encode(value))
            timeout_s = float(body.get("timeout_s") or INFER_TIMEOUT_S)
        except (BadValue, TypeError, ValueError) as error:
            self._refuse(command_id, str(error))
            return
        sequence = member.next_sequence
        member.next_sequence += 1
        if member.at_switch is not None and sequence >= member.at_switch[0]:
            member.epoch, member.at_switch = member.at_switch[1], None
        member.last_sequence, member.last_epoch = sequence, member.epoch
        call = f"{member.placed.logical_id}:{command_id}"
        head: Head = {"seq": sequence, "epoch": member.epoch, "call": call, "type": value.type_name}
        world.trace(member, "START", head, "")
        self._traffic.emitted(member, {**head, "out": "value", "kind": "cast"}, payload)
        world.trace(member, "END", head, "")
        late = Result(command_id, OrderCode.NOT_DONE, f"no answer within {timeout_s:g} s", at_sequence=sequence)
        world.at(time.monotonic() + timeout_s, lambda: self._if_pending(late))

    def _if_pending(self, result: Result) -> None:
        if result.command_id in self._world.pending:
            self._world.answer(result)

    def _refuse(self, command_id: str, reason: str) -> None:
        self._world.answer(Result(command_id, OrderCode.REFUSED, reason))
