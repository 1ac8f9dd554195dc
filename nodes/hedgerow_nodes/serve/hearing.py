"""What a host does with each thing that an instance tells."""

from __future__ import annotations

import math
from typing import Any

from hedgerow_idl.serve import InstanceState
from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.member import Member
from hedgerow_nodes.serve.nursery import Nursery
from hedgerow_nodes.serve.switching import Switching
from hedgerow_nodes.serve.traffic import Traffic
from hedgerow_nodes.serve.world import World, log

SMOOTHING = 0.2
"""The weight of the newest item in the processor time an item."""


class Hearing:
    """Takes frames from instances.

    Args:
        world, traffic, nursery, switching: the parts of the host.
    """

    def __init__(self, world: World, traffic: Traffic, nursery: Nursery, switching: Switching) -> None:
        self._world, self._traffic, self._nursery, self._switching = world, traffic, nursery, switching

    def take(self, member: Member, head: Head, payload: Any) -> None:
        """Take one frame."""
        match head["do"]:
            case "emit":
                self._traffic.emitted(member, head, payload)
            case "done":
                self._done(member, head)
            case "passed":
                self._traffic.done(member, head["tickets"])
            case "skip":
                member.skipped += 1
                self._world.trace(member, "DROP", head, "")
                self._traffic.done(member, head["tickets"])
            case "refused":
                member.refused += 1
                self._world.trace(member, "DROP", head, "")
                log.warning("%s refused item %d: %s", member.placed.name, head["seq"], head["text"])
                self._traffic.done(member, head["tickets"])
            case "end":
                self._end(member, head)
            case "ready":
                member.digest = head["digest"]
                self._nursery.ready(member)
            case "failed":
                member.reason = head["text"]
            case "switched":
                self._switching.switched(member, head)
            case "log":
                self._world.lines.append(f"{member.placed.name}: {head['text']}")

    def _done(self, member: Member, head: Head) -> None:
        member.last_sequence = max(member.last_sequence, head["seq"])
        member.last_epoch = head["epoch"]
        cpu_s = float(head["cpu"])
        self._world.moving_s += max(0.0, float(head["spent"]) - cpu_s)
        before_s = member.compute_s
        member.compute_s = cpu_s if math.isnan(before_s) else before_s + SMOOTHING * (cpu_s - before_s)
        self._world.trace(member, "START", head, "", at_s=head["start"])
        if head["error"]:
            member.failed += 1
            member.reason = head["error"]
            self._world.trace(member, "DROP", head, "", at_s=head["end"])
            if member.failed == 1:
                self._world.lines.append(f"{member.placed.name}: item {head['seq']} failed: {head['error']}")
        else:
            self._world.trace(member, "END", head, "", at_s=head["end"])
        self._traffic.done(member, head["tickets"])

    def _end(self, member: Member, head: Head) -> None:
        self._traffic.ended(member, head["epoch"], head["seq"])
        member.state = InstanceState.ENDED
        member.reason = ""
        self._world.has_changed = True
