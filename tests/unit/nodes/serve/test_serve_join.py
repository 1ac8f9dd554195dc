"""Joining against a model that sees everything at once."""

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.serve.join import Join

INPUTS = ("left", "right")


@given(
    st.dictionaries(st.sampled_from(INPUTS), st.sets(st.integers(0, 30)), min_size=2),
    st.lists(st.sampled_from(INPUTS), max_size=80),
)
def test_ordered_inputs_give_exactly_what_they_have_in_common(sequences, turns):
    """The model: the sorted intersection, whatever the inputs' pace."""
    join = Join(INPUTS)
    left = {name: sorted(sequences[name]) for name in INPUTS}
    decided = []
    for name in [*turns, *("left",) * 31, *("right",) * 31]:
        if left[name]:
            sequence = left[name].pop(0)
            assert join.add(name, sequence, (name, sequence))
            decided += join.settle()
    for name in INPUTS:
        join.end(name)
    decided += join.settle()
    complete = [each for each in decided if each.is_complete]
    assert [each.sequence for each in complete] == sorted(sequences["left"] & sequences["right"])
    assert all(each.items == {name: (name, each.sequence) for name in INPUTS} for each in complete)
    settled = [each.sequence for each in decided]
    assert settled == sorted(sequences["left"] | sequences["right"])
    assert join.held == 0


@given(
    st.lists(st.tuples(st.sampled_from(INPUTS), st.integers(0, 20), st.sampled_from(["item", "gap"])), max_size=120),
    st.integers(1, 5),
)
def test_whatever_comes_pairs_match_in_order_once_and_little_is_held(events, most_held):
    join = Join(INPUTS, most_held)
    join.expect({"left": 2, "right": 1})
    decided, given_in = [], {}
    for name, sequence, kind in events:
        if kind == "gap":
            join.gap(name, sequence)
        elif join.add(name, sequence, (name, sequence)):
            key = (name, sequence)
            given_in[key] = given_in.get(key, 0) + 1
        decided += join.settle()
        assert join.held <= 2 * most_held
    sequences = [each.sequence for each in decided]
    assert sequences == sorted(set(sequences))
    for each in decided:
        assert each.is_complete == (set(each.items) == set(INPUTS))
        assert all(item == (name, each.sequence) for name, item in each.items.items())
    assert sum(len(each.items) for each in decided) + join.held == len(given_in)
    assert all(count == 1 for count in given_in.values())


def test_several_senders_of_one_input_may_overtake_each_other():
    join = Join(INPUTS)
    join.expect({"left": 2, "right": 1})
    join.add("left", 1, "l1")
    join.add("right", 0, "r0")
    assert join.settle() == []
    join.add("left", 0, "l0")
    join.add("right", 1, "r1")
    assert [(each.sequence, each.is_complete) for each in join.settle()] == [(0, True), (1, True)]


def test_duplicates_and_late_ones_are_ignored():
    join = Join(INPUTS)
    assert join.add("left", 3, "l3")
    assert not join.add("left", 3, "again")
    join.add("right", 3, "r3")
    assert [each.items for each in join.settle()] == [{"left": "l3", "right": "r3"}]
    assert not join.add("left", 3, "late")
    assert not join.add("right", 2, "late")
    assert join.held == 0


def test_what_belongs_to_what_is_gone_is_given_up():
    join = Join(INPUTS)
    join.add("left", 0, "old")
    join.add("left", 1, "new")
    join.abandon(lambda item: item == "old")
    assert [(each.sequence, each.is_complete) for each in join.settle()] == [(0, False)]
    join.add("right", 1, "r1")
    assert [each.is_complete for each in join.settle()] == [True]
