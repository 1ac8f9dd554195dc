"""Samples that an earlier version of Hedgerow stored, whose types were others: read again from their JSON."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import msgspec
from cyclonedds.idl import IdlStruct

from hedgerow_idl import Baselines, Header, Outcome, TaskId, UserInput
from hedgerow_idl.codec import codec_of
from hedgerow_idl.errors import CodecError
from hedgerow_idl.plain import PlainError, from_plain
from hedgerow_orchestrator.store.changes import TaskRow

S = TypeVar("S", bound=IdlStruct)

log = logging.getLogger("hedgerow.orchestrator")


def present(wire_type: type[S], cdr: bytes, plain: Callable[[], str | None]) -> S | None:
    """A stored sample as the type is today, or None, and a line in the log, where not even its JSON fits.

    Args:
        wire_type: the type as it is today; fields that it has got since are left at their defaults.
        cdr: the sample as it was encoded.
        plain: reads its JSON; asked only where the encoding does not fit.
    """
    try:
        return codec_of(wire_type).decode(cdr)  # type: ignore[no-any-return]
    except CodecError as error:
        text = plain()
        try:
            return from_plain(wire_type, msgspec.json.decode(text or "{}"))
        except (PlainError, msgspec.DecodeError) as plain_error:
            log.error("orchestrator: a stored %s fits no more: %s; %s", wire_type.__name__, error, plain_error)
            return None


def present_row(row: TaskRow, baselines: Callable[[TaskId], Baselines]) -> TaskRow:
    """A task that waits or runs, with its two messages as their types are today.

    Args:
        row: as stored; its `request` holds the user's words.
        baselines: what the iteration before answered; asked only where the encoding does not fit.
    """
    try:
        codec_of(UserInput).decode(row.user_input)
        codec_of(Baselines).decode(row.baselines)
    except CodecError:
        log.info("orchestrator: task %d.%d was stored by an earlier version", row.problem_id, row.iteration_id)
        header = Header(
            task=TaskId(problem_id=row.problem_id, iteration_id=row.iteration_id),
            attempt=1,
            outcome=Outcome.SUCCEEDED,
            stamped_at_s=row.created_at_s,
        )
        previous = TaskId()
        if row.previous_iteration_id is not None:
            previous = TaskId(problem_id=row.problem_id, iteration_id=row.previous_iteration_id)
        try:
            user_input = from_plain(UserInput, msgspec.json.decode(row.request))
        except (PlainError, msgspec.DecodeError) as error:
            # Nobody can answer it; its stages will time out, with this line to say why.
            log.error("orchestrator: request of task %d.%d fits no more: %s", row.problem_id, row.iteration_id, error)
            return row
        before = baselines(previous)
        user_input.header, user_input.previous, before.header = header, previous, header
        row.user_input, row.baselines = codec_of(UserInput).encode(user_input), codec_of(Baselines).encode(before)
    return row
