"""Two orchestrators in one domain: exactly one of them leaves, whatever they see first."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import NodeInfo
from hedgerow_orchestrator.rivals import KIND, SERVING, Rivals, rival_sentence


def orchestrator(node_id: str, incarnation: int, *, serving: bool = False) -> NodeInfo:
    return NodeInfo(node_id=node_id, incarnation=incarnation, kind=KIND, capabilities=[SERVING] if serving else [])


def test_one_that_serves_stays_even_if_its_clock_is_ahead() -> None:
    serves, starts = orchestrator("a", 2_000, serving=True), orchestrator("b", 1_000)
    (one := Rivals(serves)).on_info(starts)
    (other := Rivals(starts)).on_info(serves)
    assert (one.stays(), other.stays()) == (None, serves)


def test_the_end_of_a_rival_is_the_end_of_the_rivalry() -> None:
    rivals = Rivals(orchestrator("b", 2))
    rivals.on_info(orchestrator("a", 1))
    rivals.on_end("a", 1)
    assert rivals.stays() is None


def test_it_is_not_its_own_rival() -> None:
    own = orchestrator("a", 1)
    (rivals := Rivals(own)).on_info(orchestrator("a", 1, serving=True))
    assert rivals.stays() is None


def test_the_sentence_names_the_other_and_the_way_out() -> None:
    rival = NodeInfo(pid=7, host="h", configuration='{"home": "/x"}')
    assert rival_sentence(rival, 5).startswith("an orchestrator already serves DDS domain 5: pid 7 on host h, home /x;")
    assert "HEDGEROW_DOMAIN" in rival_sentence(rival, 5)
    assert "home unknown" in rival_sentence(NodeInfo(configuration="["), 5)


@given(
    first=st.tuples(st.sampled_from("ab"), st.integers(1, 2)),
    second=st.tuples(st.sampled_from("ab"), st.integers(1, 2)),
    moves=st.lists(st.sampled_from(["serve 0", "serve 1", "see 0", "see 1"]), max_size=12),
)
def test_exactly_one_of_two_stays(first: tuple[str, int], second: tuple[str, int], moves: list[str]) -> None:
    if first == second:
        return
    infos = [orchestrator(*first), orchestrator(*second)]
    rivals = [Rivals(info) for info in infos]
    left = [False, False]
    for move in [*moves, "serve 0", "see 1", "see 0", "serve 1", "see 0", "see 1"]:
        what, me = move.split()[0], int(move.split()[1])
        if left[me]:
            continue
        if what == "serve":
            infos[me].capabilities = [SERVING]
        elif not left[1 - me]:
            rivals[me].on_info(copy.deepcopy(infos[1 - me]))
            left[me] = rivals[me].stays() is not None
    assert sorted(left) == [False, True]
