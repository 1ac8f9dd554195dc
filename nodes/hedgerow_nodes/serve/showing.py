"""How instances and their traces are shown to others. Pure, but for the memory of a process."""

from __future__ import annotations

import math
from typing import Any

import psutil

from hedgerow_idl.serve import InstanceStatus
from hedgerow_idl.telemetry import PacketRow, TraceEvent
from hedgerow_nodes.serve.member import Member


def packet_row(row: tuple[Any, ...]) -> PacketRow:
    """A row of the trace, as it is reported."""
    at_s, sequence, epoch, event, size, port, member = row
    return PacketRow(
        at_s=at_s,
        sequence_number=sequence,
        epoch=epoch,
        event=TraceEvent[event],
        size_bytes=size,
        service_id=member.service_id,
        logical_id=member.placed.logical_id,
        physical_id=member.placed.physical_id,
        port_name=port,
    )


def instance_status(member: Member) -> InstanceStatus:
    """How an instance is now; its memory is not looked up."""
    placed = member.placed
    return InstanceStatus(
        service_id=member.service_id,
        logical_id=placed.logical_id,
        physical_id=placed.physical_id,
        name=placed.name,
        epoch=_epoch(member),
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
        digest=member.digest,
        reason=member.reason,
    )


def _epoch(member: Member) -> int:
    """The epoch of its last item if it is in that still, so that whoever ends its epochs one by one comes to an end."""
    shown = member.last_epoch or member.epoch
    return shown if shown in member.epochs else max(member.epochs, default=shown)


def memory_bytes(pid: int) -> float:
    """Resident memory of a process; NaN if it has none any more."""
    if not pid:
        return math.nan
    try:
        return float(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return math.nan
