"""The lifecycle table: every command has a defined end, and TERMINATE is never refused while a node lives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hedgerow_idl import NodeState
from hedgerow_nodes.core.lifecycle import COMMANDS, LIFECYCLE, TransitionRefused, Trigger, next_state

LIVING = [state for state in NodeState if state is not NodeState.INACTIVE]


def test_inactive_is_only_seen_from_outside() -> None:
    assert NodeState.INACTIVE not in {state for state, _ in LIFECYCLE}
    assert NodeState.INACTIVE not in LIFECYCLE.values()


@pytest.mark.parametrize("state", LIVING)
def test_terminate_is_accepted_everywhere(state: NodeState) -> None:
    assert next_state(state, Trigger.TERMINATE) is NodeState.TERMINATING


def test_a_stopped_node_comes_back_by_start_and_ready() -> None:
    stopped = next_state(NodeState.RUNNING, Trigger.STOP)
    assert next_state(next_state(stopped, Trigger.START), Trigger.READY) is NodeState.IDLE


def test_only_reset_stop_and_terminate_lead_out_of_error() -> None:
    accepted = {trigger for state, trigger in LIFECYCLE if state is NodeState.ERROR}
    assert accepted == {Trigger.RESET, Trigger.STOP, Trigger.TERMINATE}


@given(st.sampled_from(LIVING), st.sampled_from(list(Trigger)))
def test_a_refusal_names_what_would_be_accepted(state: NodeState, trigger: Trigger) -> None:
    if (state, trigger) in LIFECYCLE:
        assert next_state(state, trigger) is LIFECYCLE[state, trigger]
        return
    with pytest.raises(TransitionRefused) as refused:
        next_state(state, trigger)
    accepted = [str(t) for s, t in LIFECYCLE if s is state]
    assert all(word in str(refused.value) for word in (*accepted, trigger))


class AnyOrder(RuleBasedStateMachine):
    """Whatever order triggers come in, a node never leaves TERMINATING, and commands never skip INITIALIZING."""

    def __init__(self) -> None:
        super().__init__()
        self.state = NodeState.INITIALIZING
        self.terminated = False

    @rule(trigger=st.sampled_from(list(Trigger)))
    def trigger(self, trigger: Trigger) -> None:
        before = self.state
        try:
            self.state = next_state(before, trigger)
        except TransitionRefused:
            return
        self.terminated |= trigger is Trigger.TERMINATE
        if trigger in COMMANDS and self.state is NodeState.IDLE:
            assert before is NodeState.IDLE

    @invariant()
    def terminating_is_for_ever(self) -> None:
        assert (self.state is NodeState.TERMINATING) == self.terminated


TestAnyOrder = AnyOrder.TestCase
