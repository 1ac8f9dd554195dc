"""One link into an instance: bounded, in order, and honest about what it drops."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.serve.lane import AHEAD, Lane


@given(st.sampled_from(["newest", "lossless"]), st.integers(1, 4), st.lists(st.sampled_from(["put", "next", "done"])))
def test_nothing_vanishes_and_newest_is_bounded(mode, capacity, steps):
    lane = Lane(mode, capacity)
    put, gone, given_out, done = [], [], [], []
    for step in steps:
        if step == "put":
            entry = SimpleNamespace(ticket=len(put), is_kept=False)
            put.append(entry)
            gone += lane.put(entry)
        elif step == "next":
            entry = lane.next()
            given_out += [] if entry is None else [entry]
        elif lane.given:
            done.append(lane.done(min(lane.given)))
        assert len(lane.given) <= max(AHEAD, capacity)
        assert mode == "lossless" or len(lane.waiting) <= capacity
    tickets = [each.ticket for each in given_out]
    assert tickets == sorted(tickets)
    assert len(put) == len(gone) + len(given_out) + len(lane.waiting)
    assert lane.dropped == len(gone)
    assert mode == "newest" or not gone
    if lane.waiting and gone:
        assert max(each.ticket for each in gone) < min(each.ticket for each in lane.waiting)


def test_the_end_of_a_source_is_never_dropped():
    lane = Lane("newest", 1)
    end = SimpleNamespace(ticket=0, is_kept=True)
    lane.put(end)
    for ticket in range(1, 5):
        lane.put(SimpleNamespace(ticket=ticket, is_kept=False))
    assert [each.ticket for each in lane.waiting] == [0, 4]
    assert lane.dropped == 3


def test_what_was_given_to_a_process_that_ended_is_lost():
    lane = Lane("lossless", 4)
    for ticket in range(3):
        lane.put(SimpleNamespace(ticket=ticket, is_kept=False))
    lane.next()
    assert [each.ticket for each in lane.lost()] == [0]
    assert lane.done(0) is None
    assert lane.has_room()
    assert len(lane.waiting) == 2
