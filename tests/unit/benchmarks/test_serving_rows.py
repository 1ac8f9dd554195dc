"""What the rows of serving make of what they saw: tallies, gaps, what was lost, and predictions beside rates."""

import math
from types import SimpleNamespace

import pytest

from benchmarks.rows import served, swap
from benchmarks.served_network import Observed, _deployed
from benchmarks.serving_system import Tallied, blueprint, read_tally


def test_a_tally_is_read_up_to_its_last_whole_line(tmp_path):
    path = tmp_path / "tally"
    assert read_tally(path) == []
    path.write_bytes(b"0 1 10.5\n1 1 10.52\n2 1 10.")
    assert read_tally(path) == [Tallied(0, 1, 10.5), Tallied(1, 1, 10.52)]
    assert read_tally(path, len(b"0 1 10.5\n")) == [Tallied(1, 1, 10.52)]


def test_a_blueprint_is_made_of_short_words():
    made = blueprint("s", {"a": ("count", {"n": 1}, ("w1",)), "b": ("tell", {}, ())}, "a.record > b.value", trace=False)
    assert made["handlers"] == [
        {"name": "a", "type": "count", "parameters": {"n": 1}, "requires": {"nodes": ["w1"]}},
        {"name": "b", "type": "tell", "parameters": {}},
    ]
    assert made["links"] == [{"from": "a.record", "to": "b.value"}]
    assert (made["trace"], made["placement"]) == (False, {"replace": "never"})


def items(*sequences, late_from=10**9):
    return [Tallied(one, 1, 0.02 * one + (0.1 if one >= late_from else 0.0)) for one in sequences]


def test_a_swap_counts_what_is_lost_and_doubled_and_the_worst_gap():
    seen = items(*range(10), *range(11, 50), 49, late_from=30)
    lost, doubled, gap = swap._figures(seen, [(0.0, 0.3), (0.3, 1.5)])
    assert (lost.value, doubled.value) == (1, 1)
    assert gap.value == pytest.approx(100)
    assert gap.trials == pytest.approx((20, 100))


def test_a_move_in_which_nothing_arrives_is_no_good_figure():
    figure = swap._figures(items(1, 2), [(0.0, 1.0), (5.0, 6.0)])[2]
    assert math.isnan(figure.value)
    assert not figure.bounds[0].holds(figure.value, 1.0)


def observed(cut, measured_hz, stage_s, deployed):
    return Observed(cut, 10.0, measured_hz, {}, {"net/0": (0.01, stage_s)}, [["w1", 0, 94]], deployed)


def test_a_served_network_is_judged_by_its_worst_cut():
    seen = [observed("a", 9.5, 0.01, [["w1", 0, 94]]), observed("b", 8.0, 0.02, [["w1", 0, 93]])]
    rate, worst, median, equal = served._figures(seen)
    assert rate.value == pytest.approx(0.8)
    assert (worst.value, median.value) == pytest.approx((50, 25))
    assert equal.value == 50


def test_deployed_boundaries_are_what_the_parts_say_that_they_opened():
    earlier = "net/0: layers [0, 94) of net.onnx by CPUExecutionProvider\n"
    logs = {
        "w1": earlier + "net/0: layers [0, 20) of net.onnx by CPUExecutionProvider\n",
        "w2": "net/1: layers [20, 94) of net.onnx by CPUExecutionProvider\n",
    }
    system = SimpleNamespace(launched=SimpleNamespace(log_of=logs.__getitem__))
    assert _deployed(system, {"w1": len(earlier), "w2": 0}) == [["w1", 0, 20], ["w2", 20, 94]]
