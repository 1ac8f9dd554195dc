"""The lifecycle: one table {(state, trigger): state} that node, orchestrator, command and tests share."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from hedgerow_idl import NodeState


class Trigger(StrEnum):
    """What moves a node: the first four are commands from outside, the others happen inside."""

    START = "START"
    STOP = "STOP"
    RESET = "RESET"
    TERMINATE = "TERMINATE"
    READY = "READY"
    BEGIN = "BEGIN"
    END = "END"
    FAULT = "FAULT"


COMMANDS = (Trigger.START, Trigger.STOP, Trigger.RESET, Trigger.TERMINATE)

_S, _T = NodeState, Trigger

# A stopped node is back in INITIALIZING: it is there and answers, but it has given back what `on_start` made and takes
# no work until START. START and RESET lead to INITIALIZING as well; READY follows when `on_start` has returned.
LIFECYCLE: Mapping[tuple[NodeState, Trigger], NodeState] = MappingProxyType(
    {
        (_S.INITIALIZING, _T.START): _S.INITIALIZING,
        (_S.INITIALIZING, _T.READY): _S.IDLE,
        (_S.INITIALIZING, _T.STOP): _S.INITIALIZING,
        (_S.INITIALIZING, _T.RESET): _S.INITIALIZING,
        (_S.INITIALIZING, _T.FAULT): _S.ERROR,
        (_S.INITIALIZING, _T.TERMINATE): _S.TERMINATING,
        (_S.IDLE, _T.BEGIN): _S.RUNNING,
        (_S.IDLE, _T.START): _S.IDLE,
        (_S.IDLE, _T.STOP): _S.INITIALIZING,
        (_S.IDLE, _T.RESET): _S.INITIALIZING,
        (_S.IDLE, _T.FAULT): _S.ERROR,
        (_S.IDLE, _T.TERMINATE): _S.TERMINATING,
        (_S.RUNNING, _T.END): _S.IDLE,
        (_S.RUNNING, _T.START): _S.RUNNING,
        (_S.RUNNING, _T.STOP): _S.INITIALIZING,
        (_S.RUNNING, _T.RESET): _S.INITIALIZING,
        (_S.RUNNING, _T.FAULT): _S.ERROR,
        (_S.RUNNING, _T.TERMINATE): _S.TERMINATING,
        (_S.ERROR, _T.RESET): _S.INITIALIZING,
        (_S.ERROR, _T.STOP): _S.INITIALIZING,
        (_S.ERROR, _T.TERMINATE): _S.TERMINATING,
        (_S.TERMINATING, _T.TERMINATE): _S.TERMINATING,
    }
)


class TransitionRefused(Exception):
    """A trigger that the state does not know; the message names those it does."""


def next_state(state: NodeState, trigger: Trigger) -> NodeState:
    """The state that follows.

    Raises:
        TransitionRefused: the table has no such entry.
    """
    try:
        return LIFECYCLE[state, trigger]
    except KeyError:
        known = ", ".join(t for s, t in LIFECYCLE if s is state) or "none"
        raise TransitionRefused(f"{trigger} refused in state {state.name}; accepted there: {known}") from None
