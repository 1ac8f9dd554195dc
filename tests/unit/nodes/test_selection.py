"""Suggestions over the shipped catalogues: filters, front, rule, and the same answer for the same question."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import Calibration
from hedgerow_nodes.estimators.devices.assumptions import assumptions_for
from hedgerow_nodes.estimators.devices.catalogue import load_devices
from hedgerow_nodes.estimators.devices.efficiency import efficiency_for
from hedgerow_nodes.estimators.devices.energy import PowerModel
from hedgerow_nodes.estimators.devices.layer_kinds import layer_kind
from hedgerow_nodes.estimators.devices.roofline import Roofs, Work, roofline_time
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models import candidate_costs, catalogue, grid, pareto, published, traffic
from hedgerow_nodes.estimators.models.filters import Ask
from hedgerow_nodes.estimators.models.pool import Pool, gather
from hedgerow_nodes.estimators.models.selection import OBJECTIVES, Suggestions, UnknownObjective, suggest

HOST = Calibration(id="abc", host="hedge", threads=1, compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10)
TASK = "image-classification"


@pytest.fixture(scope="module")
def pool() -> Pool:
    return gather(TASK, published.load(), catalogue.load())


@pytest.fixture(scope="module")
def costs(pool: Pool) -> grid.Costs:
    return grid.costs(pool, grid.machines(load_devices()))


def ask(pool: Pool, costs: grid.Costs, n: int = 5, **fields: Any) -> Suggestions:
    return suggest(pool, costs, Ask(**fields), n)


# ---- the grid -------------------------------------------------------------------------------------------------------


def test_each_cell_is_what_the_roofline_of_one_device_says(pool: Pool, costs: grid.Costs) -> None:
    devices = {device.id: device for device in load_devices()}
    generator = np.random.default_rng(7)
    known = np.flatnonzero(np.isfinite(pool.flops) & np.isfinite(pool.parameters))
    for model in generator.choice(known, 12).tolist():
        for place in generator.choice(len(costs.machines.ids), 5).tolist():
            device = devices[costs.machines.ids[place]]
            assumed = assumptions_for(device.device_class, device.classes)
            peak = device.peak_for("float32")
            assert peak is not None
            row = pool.rows[model]
            reached = efficiency_for(device, peak[0], layer_kind(row.id, row.family))
            roofs = Roofs(
                peak[1],
                device.bandwidth_bytes_per_s,
                reached.compute,
                reached.weights,
                reached.activations,
                reached.dispatch_s,
            )
            weights = pool.weights_bytes[model]
            activations = Interval(*(pool.moved_bytes[:, model] - weights).tolist())
            one = roofline_time(Work(pool.flops[model], weights, activations), roofs)
            assert costs.latency_s[0, model, place] == pytest.approx(one.latency_s.value)
            assert bool(costs.compute_bound[model, place]) == (one.bound == "compute")
            assert costs.latency_s[1, model, place] <= one.latency_s.low * (1 + 1e-9)
            assert costs.latency_s[2, model, place] >= one.latency_s.high * (1 - 1e-9)
            if not math.isnan(device.power_w):
                idle = assumed.idle_share * device.power_w
                if not math.isnan(device.idle_power_w):
                    idle = Interval.exactly(device.idle_power_w)
                energy = PowerModel(device.power_w, idle).energy_j(one.latency_s, one.at_peak_s)
                assert costs.energy_j[0, model, place] == pytest.approx(energy.value)


def test_on_this_host_it_is_the_latency_by_which_candidates_are_chosen() -> None:
    ours = catalogue.load()
    for task in ours.tasks():
        pool = gather(task, published.load(), ours)
        here = grid.costs(pool, grid.host(HOST))
        for place, row in enumerate(pool.rows):
            model = ours.get(row.id)
            if model is not None:
                one = candidate_costs.latency(model, HOST)
                assert here.latency_s[:, place, 0].tolist() == pytest.approx([one.value, one.low, one.high])


def test_intervals_hold_their_value(costs: grid.Costs) -> None:
    for low, value, high in (
        (costs.latency_s[1], costs.latency_s[0], costs.latency_s[2]),
        (costs.energy_j[1], costs.energy_j[0], costs.energy_j[2]),
        (costs.memory_bytes[1], costs.memory_bytes[0], costs.memory_bytes[2]),
    ):
        known = np.isfinite(value)
        assert known.any()
        assert (low[known] <= value[known]).all()
        assert (value[known] <= high[known]).all()


def test_a_device_without_bandwidth_or_peak_is_named_and_not_ranked() -> None:
    on = grid.machines(load_devices())
    assert len(on.ids) + len(on.left_out) == len(load_devices())
    assert all(why for _, why in on.left_out)
    assert not {name for name, _ in on.left_out} & set(on.ids)


def test_the_ratios_of_traffic_are_those_of_the_models_counted_here() -> None:
    seen: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for model in catalogue.load().models:
        if model.generation is None and model.precision == "float32":
            moved = model.moved_bytes - model.weights_bytes
            seen[model.efficiency.partition(",")[0]].append((moved / model.flops, model.activation_bytes / moved))
    for kind, ratios in traffic.RATIOS.items():
        found = seen[traffic.EFFICIENCY_KINDS[kind]]
        assert len(found) == ratios.counted
        for interval, values in zip(
            (ratios.traffic_bytes_per_flop, ratios.peak_share), zip(*found, strict=True), strict=True
        ):
            assert interval.value == pytest.approx(statistics.median(values), rel=0.02)
            assert interval.low == pytest.approx(min(values), rel=0.02)
            assert interval.high == pytest.approx(max(values), rel=0.02)


# ---- the choice -----------------------------------------------------------------------------------------------------


def test_the_front_over_all_pairs_is_exact(pool: Pool, costs: grid.Costs) -> None:
    answer = ask(pool, costs)
    place = {row.key: number for number, row in enumerate(pool.rows)}
    kept = [number for key, number in place.items() if not answer.reasons[key]]
    assert answer.group == ("top-1 accuracy", "ImageNet-1k")
    quality = pool.quality[answer.group]
    ranked = np.flatnonzero(np.isfinite(costs.machines.rated_w))
    pairs = [(m, d) for m in kept for d in ranked if not costs.memory_bytes[0, m] > costs.machines.memory_bytes[d]]
    table = np.array(
        [[-quality[m], costs.latency_s[0, m, d], costs.energy_j[0, m, d], costs.memory_bytes[0, m]] for m, d in pairs]
    )
    on_front = {pool.rows[pairs[k][0]].key for k in np.flatnonzero(pareto.front(table))}
    assert set(answer.front) == on_front
    assert len(on_front) > 10


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_suggestions_are_different_and_on_the_front(pool: Pool, costs: grid.Costs, objective: str) -> None:
    answer = ask(pool, costs, 5, objective=objective)
    assert len({one.row.id for one in answer.suggestions}) == 5
    assert len({one.row.family.lower() for one in answer.suggestions}) == 5
    assert answer.suggestions[0].on_front
    best = [one.row.id for one in answer.suggestions]
    assert [one.row.id for one in ask(pool, costs, 3, objective=objective).suggestions] == best[:3]


def test_the_most_accurate_is_first_where_accuracy_is_the_objective(pool: Pool, costs: grid.Costs) -> None:
    answer = ask(pool, costs, 1, objective="accuracy")
    assert answer.group is not None
    kept = [k for k, row in enumerate(pool.rows) if not answer.reasons[row.key]]
    assert answer.suggestions[0].quality == max(pool.quality[answer.group][kept])


def test_the_least_energy_is_no_model_below_the_median(pool: Pool, costs: grid.Costs) -> None:
    answer = ask(pool, costs, 1, objective="energy")
    assert answer.group is not None
    kept = [k for k, row in enumerate(pool.rows) if not answer.reasons[row.key]]
    assert answer.suggestions[0].quality >= np.median(pool.quality[answer.group][kept])
    assert "median" in answer.rule


def test_every_model_is_kept_or_has_a_reason(pool: Pool, costs: grid.Costs) -> None:
    answer = ask(pool, costs, max_latency_s=0.02, max_memory_bytes=3e8, min_quality=0.7, max_parameters=5e7)
    assert len(answer.reasons) == len(pool)
    assert sum(one.count for one in answer.rejections) + answer.kept == len(pool)
    assert all(answer.why_not(one.nearest_id) == one.nearest for one in answer.rejections)
    kinds = {one.kind for one in answer.rejections}
    assert {"too large", "needs too much memory", "not good enough", "not comparable"} <= kinds
    for one in answer.suggestions:
        assert one.latency_s[0] <= 0.02
        assert one.memory_bytes[0] <= 3e8
        assert one.quality >= 0.7


def test_the_reason_has_the_number_that_broke_the_limit(pool: Pool, costs: grid.Costs) -> None:
    answer = ask(pool, costs, min_quality=0.99)
    (reason,) = [one for one in answer.rejections if one.kind == "not good enough"]
    assert answer.group is not None
    assert f"is {np.nanmax(pool.quality[answer.group]):.3g}, 0.99 is wanted" in reason.nearest
    assert answer.suggestions == ()
    assert answer.front == ()
    slow = ask(pool, costs, max_latency_s=1e-9)
    assert [one for one in slow.rejections if one.kind == "too slow" and "1 ns are allowed" in one.nearest]


def test_an_excluded_family_is_out(pool: Pool, costs: grid.Costs) -> None:
    first = ask(pool, costs, 1).suggestions[0]
    answer = ask(pool, costs, 5, excluded=(first.row.family.upper(),))
    assert all(one.row.family != first.row.family for one in answer.suggestions)
    assert answer.why_not(first.row.key) == "excluded by the user"


def test_only_figures_of_one_metric_and_data_set_are_compared(pool: Pool, costs: grid.Costs) -> None:
    cifar = ("top-1 accuracy", "CIFAR-10")
    answer = ask(pool, costs, 3, group=cifar)
    assert answer.group == cifar
    assert all(np.isfinite(pool.quality[cifar][k]) for k, row in enumerate(pool.rows) if not answer.reasons[row.key])
    assert "CIFAR-10" in answer.rule


def test_without_any_quality_the_other_respects_decide(pool: Pool) -> None:
    texts = gather("text-generation", published.load(), catalogue.load())
    answer = suggest(texts, grid.costs(texts, grid.machines(load_devices())), Ask(), 3)
    assert answer.group is None
    assert answer.compared == ("latency", "energy", "memory")
    assert math.isnan(answer.suggestions[0].quality)


def test_here_energy_is_not_known_and_the_rule_says_so(pool: Pool) -> None:
    answer = suggest(pool, grid.costs(pool, grid.host(HOST)), Ask(), 2)
    assert "energy" not in answer.compared
    assert "least time" in answer.rule
    assert answer.suggestions[0].device == grid.HOST


def test_a_task_without_models_has_an_empty_answer() -> None:
    nothing = gather("no-such-task", published.load(), catalogue.load())
    answer = suggest(nothing, grid.costs(nothing, grid.machines(load_devices())), Ask(), 3)
    assert (answer.suggestions, answer.front, answer.models) == ((), (), 0)


def test_an_unknown_objective_is_refused(pool: Pool, costs: grid.Costs) -> None:
    with pytest.raises(UnknownObjective, match="known: carbon"):
        ask(pool, costs, objective="beauty")


@given(
    seed=st.integers(0, 2**16),
    objective=st.sampled_from(OBJECTIVES),
    limit_s=st.floats(1e-4, 10),
    floor=st.floats(0, 1),
)
def test_the_same_question_has_the_same_answer_in_any_order(
    seed: int, objective: str, limit_s: float, floor: float
) -> None:
    tasks = sorted(published.load().tasks())
    task = tasks[seed % len(tasks)]
    wish = Ask(objective=objective, max_latency_s=limit_s, min_quality=floor)
    answers = []
    for models in (published.load().models, published.load().models[::-1]):
        turned = gather(task, published.PublishedCatalogue(published.load().header, models), catalogue.load())
        found = suggest(turned, grid.costs(turned, grid.host(HOST)), wish, 4)
        answers.append((found.group, found.kept, found.front, [one.row.id for one in found.suggestions]))
    assert answers[0] == answers[1]


def test_every_task_has_an_answer_over_all_devices() -> None:
    ours, theirs = catalogue.load(), published.load()
    on = grid.machines(load_devices())
    for task in sorted({*ours.tasks(), *theirs.tasks()}):
        pool = gather(task, theirs, ours)
        answer = suggest(pool, grid.costs(pool, on), Ask(), 5)
        assert answer.suggestions or answer.rejections, task
        assert answer.devices == len(on.ids) >= 150
