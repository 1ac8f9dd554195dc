"""The registry: who is there, however announcements, statuses and silences are mixed."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import NodeInfo, NodeState, NodeStatus
from hedgerow_orchestrator.registry import Registry, Transition


def info(incarnation: int = 1, name: str = "carbon") -> NodeInfo:
    return NodeInfo(node_id="n", incarnation=incarnation, name=name, kind="carbon_footprint")


def status(incarnation: int = 1, state: NodeState = NodeState.IDLE) -> NodeStatus:
    return NodeStatus(node_id="n", incarnation=incarnation, state=state)


def said(transitions: list[Transition]) -> list[str]:
    return [transition.what for transition in transitions]


def test_announcement_and_status_may_come_in_any_order() -> None:
    one, other = Registry(), Registry()
    assert said(one.on_info(info(), 1.0, 1.0) + one.on_status(status(), 1.0, 1.0)) == ["joined", "state"]
    assert said(other.on_status(status(), 1.0, 1.0) + other.on_info(info(), 1.0, 1.0)) == ["joined"]
    assert one.find("carbon").state is other.find("carbon").state is NodeState.IDLE  # type: ignore[union-attr]


def test_a_restart_is_one_loss_and_one_join() -> None:
    registry = Registry()
    registry.on_info(info(1), 1.0, 1.0)
    assert said(registry.on_info(info(2), 2.0, 2.0)) == ["lost", "joined"]
    assert registry.on_status(status(1, NodeState.RUNNING), 2.1, 2.1) == []
    assert registry.get("n").info.incarnation == 2  # type: ignore[union-attr]


def test_a_loss_seen_on_both_topics_is_told_once() -> None:
    registry = Registry()
    registry.on_info(info(), 1.0, 1.0)
    ends = (
        registry.on_lost("n", 1, 2.0, 2.0) + registry.on_lost("n", 1, 2.0, 2.0) + registry.on_goodbye("n", 1, 2.0, 2.0)
    )
    assert said(ends) == ["lost"]


def test_a_node_that_was_stopped_for_longer_than_its_lease_comes_back() -> None:
    registry = Registry()
    registry.on_info(info(), 1.0, 1.0)
    registry.on_lost("n", 1, 2.0, 2.0)
    assert said(registry.on_status(status(), 3.0, 3.0)) == ["joined"]
    assert registry.of_kind("carbon_footprint")


def test_last_words_after_the_goodbye_bring_nobody_back() -> None:
    registry = Registry()
    registry.on_info(info(), 1.0, 1.0)
    registry.on_goodbye("n", 1, 2.0, 2.0)
    assert registry.on_status(status(1, NodeState.TERMINATING), 2.0, 2.0) == []
    assert registry.of_kind("carbon_footprint") == []


def test_a_new_configuration_is_no_join() -> None:
    registry = Registry()
    registry.on_info(info(), 1.0, 1.0)
    assert said(registry.on_info(info(), 2.0, 2.0)) == ["state"]


def test_the_end_of_an_unknown_node_is_nothing() -> None:
    assert Registry().on_lost("stranger", 1, 1.0, 1.0) == []


events = st.one_of(
    st.tuples(st.just("info"), st.integers(1, 4)),
    st.tuples(st.just("status"), st.integers(1, 4)),
    st.tuples(st.just("lost"), st.integers(1, 4)),
    st.tuples(st.just("left"), st.integers(1, 4)),
)


@given(st.lists(events, max_size=40))
def test_joins_and_ends_alternate(history: list[tuple[str, int]]) -> None:
    registry, told = Registry(), []
    for what, incarnation in history:
        if what == "info":
            told += registry.on_info(info(incarnation), 1.0, 1.0)
        elif what == "status":
            told += registry.on_status(status(incarnation), 1.0, 1.0)
        elif what == "lost":
            told += registry.on_lost("n", incarnation, 1.0, 1.0)
        else:
            told += registry.on_goodbye("n", incarnation, 1.0, 1.0)
    sequence = [what in ("lost", "left") for what in said(told) if what not in ("state", "duplicate")]
    assert all(first != second for first, second in itertools.pairwise(sequence))
    assert not sequence or sequence[0] is False


def two_processes() -> tuple[Registry, list[Transition]]:
    """A registry that has seen a second process start under the id of a living one, and what it said of that."""
    registry = Registry()
    registry.on_info(info(1, name="first"), 1.0, 1.0)
    told = registry.on_info(info(2, name="second"), 2.0, 2.0)
    for _ in range(4):
        told += registry.on_status(status(2), 3.0, 3.0) + registry.on_status(status(1), 3.0, 3.0)
    return registry, told


def test_two_processes_under_one_id_are_told_once_and_the_later_one_counts() -> None:
    registry, told = two_processes()
    assert said(told) == ["lost", "joined", "state", "duplicate"]
    assert [each.older.incarnation for each in told if each.older] == [1]
    assert registry.get("n").info.incarnation == 2  # type: ignore[union-attr]
    assert [(used.name, unused.name) for used, unused in registry.duplicates()] == [("second", "first")]


def test_the_last_status_of_a_process_that_was_replaced_makes_no_duplicate() -> None:
    registry = Registry()
    registry.on_info(info(1), 1.0, 1.0)
    registry.on_info(info(2), 2.0, 2.0)
    assert registry.on_status(status(1), 2.0, 2.0) == []
    assert registry.on_lost("n", 1, 3.0, 3.0) == []
    assert registry.duplicates() == []
    assert [node.state for node in registry] == [NodeState.INITIALIZING]


def test_the_end_of_the_unused_process_ends_the_duplicate() -> None:
    registry, _ = two_processes()
    assert registry.on_goodbye("n", 1, 4.0, 4.0) == []
    assert registry.duplicates() == []
    assert registry.of_kind("carbon_footprint")


def test_when_the_used_process_is_gone_the_other_takes_its_place() -> None:
    registry, _ = two_processes()
    assert said(registry.on_lost("n", 2, 4.0, 4.0)) == ["lost", "joined"]
    assert [(node.name, node.state) for node in registry] == [("first", NodeState.IDLE)]
    assert registry.duplicates() == []
    assert said(registry.on_status(status(1, NodeState.RUNNING), 5.0, 5.0)) == ["state"]
