"""How figures are judged: bounds, scaling by the calibration, noise, repeats, and the line that is printed."""

import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.catalogue import BENCH_S, LONG_S, ROWS, SERVE_S, chosen
from benchmarks.figures import Figure, at_least, at_least_times, at_most, at_most_times, fixed_at_least, fixed_at_most
from benchmarks.judge import MOST_REPEATS, Verdict, judge, line, may_repeat, movement, slowness

REFERENCE = {"loop": 100.0, "socket": 50.0, "commit": 10.0}


def times(factor: float) -> dict[str, float]:
    return {part: value * factor for part, value in REFERENCE.items()}


@pytest.mark.parametrize(
    ("bound", "value", "slow", "verdict"),
    [
        (at_least(100_000), 100_000, 1.0, Verdict.OK),
        (at_least(100_000), 99_999, 1.0, Verdict.SHORT),
        (at_least(100_000), 66_667, 1.5, Verdict.OK),
        (at_least(100_000), 120_000, 0.8, Verdict.SHORT),
        (at_most(3), 3.0, 1.0, Verdict.OK),
        (at_most(3), 3.01, 1.0, Verdict.SHORT),
        (at_most(3), 4.4, 1.5, Verdict.OK),
        (at_most(3), 2.9, 0.9, Verdict.SHORT),
        (at_most_times(2, 50, "a unix socket"), 101, 2.0, Verdict.SHORT),
        (at_least_times(10, 5, "the binding"), 49, 2.0, Verdict.SHORT),
        (fixed_at_least(8), 7.9, 2.0, Verdict.SHORT),
        (fixed_at_most(0.1), 0.11, 2.0, Verdict.SHORT),
        (at_most(3), float("nan"), 1.0, Verdict.SHORT),
        (at_least(3), float("nan"), 1.0, Verdict.SHORT),
    ],
)
def test_a_figure_keeps_its_bound_or_is_short(bound, value, slow, verdict):
    assert judge(Figure("row", value, "units", (bound,)), slow, movement=0.0) is verdict


def test_every_bound_must_hold():
    figure = Figure("round trip p99", 0.9, "ms", (at_most(1), at_most_times(3, 0.2, "unix")))
    assert judge(figure, 1.0, 0.0) is Verdict.SHORT


def test_what_moved_by_more_than_a_fifth_is_noisy_however_good_it_looks():
    figure = Figure("row", 1.0, "s", (at_most(2),))
    assert judge(figure, 1.0, 0.199) is Verdict.OK
    assert judge(figure, 1.0, 0.201) is Verdict.NOISY


def test_movement_is_that_of_the_part_that_moved_most_in_either_direction():
    assert movement(REFERENCE, REFERENCE) == 0
    assert movement(REFERENCE, {**REFERENCE, "commit": 15.0}) == pytest.approx(0.5)
    assert movement({**REFERENCE, "commit": 15.0}, REFERENCE) == pytest.approx(0.5)


@given(st.floats(0.01, 100))
def test_slowness_follows_the_machine_up_to_twice(factor):
    assert slowness(times(factor), REFERENCE) == pytest.approx(min(2.0, max(0.5, factor)))


def test_one_slow_part_counts_for_a_third():
    assert slowness({**REFERENCE, "commit": 80.0}, REFERENCE) == pytest.approx(2.0)
    assert slowness({**REFERENCE, "commit": 27.0}, REFERENCE) == pytest.approx(2.7 ** (1 / 3))


def test_only_the_noisy_is_repeated_a_few_times_and_while_there_is_time():
    noisy = [Verdict.OK, Verdict.NOISY]
    assert may_repeat(noisy, 0, remaining_s=100, budget_s=40, reserved_s=60)
    assert not may_repeat(noisy, 0, remaining_s=100, budget_s=40, reserved_s=61)
    assert not may_repeat(noisy, MOST_REPEATS, remaining_s=1000, budget_s=1, reserved_s=0)
    assert not may_repeat([Verdict.OK, Verdict.SHORT], 0, remaining_s=1000, budget_s=1, reserved_s=0)


def test_the_line_shows_figure_both_bounds_and_verdict():
    figure = Figure("ingest", 152_345.6, "samples/s", (at_least(100_000),))
    assert line(figure, 1.25, Verdict.OK) == "ingest: 152346 samples/s, >= 100000 samples/s (scaled 80000), ok"
    figure = Figure("round trip p50", 71.234, "us", (at_most_times(2, 61, "a unix socket"),))
    assert line(figure, 1.25, Verdict.SHORT) == "round trip p50: 71.23 us, <= 122.0 us (2 x a unix socket), short"
    figure = Figure("round trip p99", 0.00012, "s", (at_most(0.001), fixed_at_most(0.5)))
    assert line(figure, 1.0, Verdict.NOISY).endswith("<= 0.001000 s (scaled 0.001000) and <= 0.5000 s, noisy")


def test_the_rows_fit_into_their_time_and_can_be_measured():
    assert len({row.name for row in ROWS}) == len(ROWS)
    for is_long, within_s in ((False, BENCH_S), (True, LONG_S)):
        assert sum(row.budget_s for row in chosen([], is_long=is_long)) < within_s
    assert sum(row.budget_s for row in chosen([], is_serve=True)) < SERVE_S
    for row in ROWS:
        assert callable(importlib.import_module(row.module).measure), row.name


def test_rows_are_chosen_by_name_and_an_unknown_name_is_refused():
    assert [row.name for row in chosen(["codec"], is_long=True)] == ["codec"]
    with pytest.raises(KeyError, match=r"no row is called 'codex'; known: codec"):
        chosen(["codex"], is_long=False)
