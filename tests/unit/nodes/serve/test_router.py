"""Where items go: to every handler behind an output, and to one replica of it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl.plan import Link, PlacedInstance, Plan
from hedgerow_nodes.serve.router import Router


def router(names, links):
    instances = tuple(
        PlacedInstance(
            logical_id=each, physical_id=each, name=each.partition("#")[0], handler="step", node_id="n",
            replica=int(each.partition("#")[2] or 0),
        )
        for each in names
    )  # fmt: skip
    made = tuple(
        Link(sender=sender, output=output, receiver=receiver, input=port, **settings)
        for sender, output, receiver, port, settings in links
    )
    return Router(Plan(service_id="s", service_name="s", epoch=1, instances=instances, links=made))


def test_every_handler_gets_the_item_and_one_replica_of_each():
    links = [("a", "out", each, "in", {}) for each in ("b", "c#0", "c#1")]
    made = router(["a", "b", "c#0", "c#1"], links)
    assert [link.receiver for link in made.targets("a", "out", 0)] == ["b", "c#0"]
    assert [link.receiver for link in made.targets("a", "out", 1)] == ["b", "c#1"]
    assert made.targets("a", "other", 0) == []


@given(st.lists(st.floats(0.5, 5.0), min_size=2, max_size=4))
def test_replicas_share_by_weight(weights):
    names = [f"c#{index}" for index in range(len(weights))]
    links = [("a", "out", name, "in", {"weight": weight}) for name, weight in zip(names, weights, strict=True)]
    made = router(["a", *names], links)
    count = Counter(made.targets("a", "out", sequence)[0].receiver for sequence in range(2000))
    for name, weight in zip(names, weights, strict=True):
        assert count[name] / 2000 == pytest.approx(weight / sum(weights), abs=0.02)


def test_a_weight_of_nothing_gets_nothing_unless_all_have_none():
    links = [("a", "out", f"c#{index}", "in", {"weight": weight}) for index, weight in enumerate((0.0, 1.0))]
    made = router(["a", "c#0", "c#1"], links)
    assert {made.targets("a", "out", each)[0].receiver for each in range(50)} == {"c#1"}
    none = router(["a", "c#0", "c#1"], [(*link[:4], {"weight": 0.0}) for link in links])
    assert {none.targets("a", "out", each)[0].receiver for each in range(50)} == {"c#0", "c#1"}


@given(st.floats(0.1, 5.0), st.floats(0.1, 5.0), st.integers(0, 10**9))
def test_all_inputs_of_a_join_meet_at_one_replica(one, two, sequence):
    links = [
        *(("a", "out", f"j#{index}", "left", {"weight": weight}) for index, weight in enumerate((one, two))),
        *(("b", "out", f"j#{index}", "right", {}) for index in (1, 0)),
    ]
    made = router(["a", "b", "j#0", "j#1"], links)
    left, right = made.targets("a", "out", sequence), made.targets("b", "out", sequence)
    assert left[0].receiver == right[0].receiver


def test_windows_senders_and_what_lies_before_a_join():
    links = [
        ("a", "out", "b", "in", {"capacity": 5}),
        ("a", "out", "j", "left", {"capacity": 3}),
        ("b", "out", "j", "right", {"mode": "newest"}),
        ("j", "out", "z", "in", {}),
    ]
    made = router(["a", "b", "j", "z"], links)
    assert (made.window("a", "out"), made.window("b", "out"), made.window("z", "out")) == (3, None, None)
    assert made.senders("j") == {"left": 1, "right": 1}
    assert [made.is_before_join(each) for each in "abjz"] == [True, True, False, False]


def test_links_to_what_the_plan_does_not_hold_are_left_out():
    made = router(["a"], [("a", "out", "gone", "in", {})])
    assert made.targets("a", "out", 0) == []
    assert made.links_of("a") == []
