"""The roofline, the devices it is applied to, the limits that reject, and the choice."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import Calibration, Estimate, Limit, MLModel, ModelCandidate
from hedgerow_nodes.estimators.devices.assessment import Assessment, Breach, assess_by_roofline, assess_measured
from hedgerow_nodes.estimators.devices.catalogue import Device, find_device, load_devices
from hedgerow_nodes.estimators.devices.choice import NoDevice, UnknownObjective, choose
from hedgerow_nodes.estimators.devices.explanation import explain
from hedgerow_nodes.estimators.devices.host_power import CorePower
from hedgerow_nodes.estimators.devices.kv_cache import KvCache
from hedgerow_nodes.estimators.devices.layer_kinds import KINDS
from hedgerow_nodes.estimators.devices.limits import Limits, judge, latency_limit_s, straddles
from hedgerow_nodes.estimators.devices.need import Need, activation_traffic_bytes
from hedgerow_nodes.estimators.devices.roofline import Roofs, Work, roofline_time, work_of
from hedgerow_nodes.estimators.interval import Interval

amounts = st.floats(min_value=1.0, max_value=1e15)
UNLIKE_DEVICES = [find_device(name, load_devices()) for name in ("RTX 4090", "Raspberry Pi 5", "EPYC 9654")]
ROOFS = Roofs(
    1e12, 1e11, Interval(0.5, 0.25, 1.0), Interval(0.6, 0.3, 0.9), Interval(0.8, 0.4, 1.0), Interval(0.001, 0.0, 0.002)
)


def need(flops: float = 3e9, weights: float = 8e6, activations: float = 2e7, precision: str = "float32") -> Need:
    memory = Interval.exactly(weights + activations)
    return Need(flops, weights, Interval.exactly(2 * activations), precision, memory, "weights + activations")


def work(flops: float, moved: float) -> Work:
    return Work(flops, 0.0, Interval.exactly(moved))


class TestRoofline:
    def test_compute_bound_by_hand(self) -> None:
        """2 GFLOP on 1 TFLOP/s at a half: 4 ms, between 2 and 8; plus 1 ms of dispatch, between 0 and 2."""
        time = roofline_time(work(2e9, 1e6), ROOFS)
        assert time.bound == "compute"
        assert (time.latency_s.value, time.latency_s.low, time.latency_s.high) == pytest.approx((5e-3, 2e-3, 10e-3))
        assert time.at_peak_s == pytest.approx(2e-3)
        assert time.utilisation.value == pytest.approx(2 / 5)

    def test_memory_bound_by_hand(self) -> None:
        """1 GB at 100 GB/s and 0.8 of it: 12.5 ms, between 10 and 25."""
        time = roofline_time(work(1e6, 1e9), ROOFS)
        assert time.bound == "memory"
        assert (time.latency_s.value, time.latency_s.low, time.latency_s.high) == pytest.approx((13.5e-3, 10e-3, 27e-3))

    def test_weights_are_streamed_at_their_own_efficiency(self) -> None:
        """600 MB of weights at 0.6 of 100 GB/s are 10 ms, 80 MB of activations at 0.8 are 1 ms, dispatch is 1 ms."""
        time = roofline_time(Work(1e6, 6e8, Interval.exactly(8e7)), ROOFS)
        assert time.latency_s.value == pytest.approx(12e-3)

    def test_bytes_moved_are_weights_and_activations(self) -> None:
        assert work_of(5.0, 100.0, Interval.exactly(20.0)) == Work(5.0, 100.0, Interval.exactly(20.0))

    def test_each_generated_token_reads_the_weights_again(self) -> None:
        assert work_of(5.0, 100.0, Interval.exactly(20.0), passes=64) == Work(5.0, 6400.0, Interval.exactly(20.0))

    def test_a_batch_reads_the_weights_once(self) -> None:
        assert work_of(5.0, 100.0, Interval(20.0, 10.0, 40.0), batch=8) == Work(
            40.0, 100.0, Interval(160.0, 80.0, 320.0)
        )

    @pytest.mark.parametrize(("passes", "batch"), [(0, 1), (1, 0), (-1, 1)])
    def test_no_batch_is_no_work(self, passes: int, batch: int) -> None:
        with pytest.raises(ValueError, match="must be 1 or more"):
            work_of(5.0, 100.0, Interval.exactly(20.0), passes=passes, batch=batch)

    @given(amounts, amounts, st.floats(1, 1e3))
    def test_more_work_never_takes_less_time(self, flops: float, moved: float, more: float) -> None:
        base = roofline_time(work(flops, moved), ROOFS).latency_s
        for heavier in (work(flops * more, moved), work(flops, moved * more)):
            longer = roofline_time(heavier, ROOFS).latency_s
            assert (longer.low, longer.value, longer.high) >= (base.low, base.value, base.high)

    @given(amounts, amounts)
    def test_no_device_is_faster_than_its_roofs(self, flops: float, moved: float) -> None:
        time = roofline_time(work(flops, moved), ROOFS)
        assert time.latency_s.low >= max(flops / 1e12, moved / 1e11) * (1 - 1e-12)
        assert 0 <= time.utilisation.low <= time.utilisation.high <= 1

    def test_no_work_is_no_load(self) -> None:
        assert roofline_time(work(0.0, 0.0), ROOFS).utilisation == Interval.exactly(0.0)

    def test_an_efficiency_above_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match="above 1"):
            roofline_time(work(1, 1), Roofs(1, 1, Interval(1.5, 1, 2), *[Interval.exactly(1)] * 2, Interval.exactly(0)))


class TestNeed:
    def test_memory_is_weights_and_activations_up_to_what_was_measured(self) -> None:
        model = MLModel(weights_bytes=8e6, activation_bytes=2e6, peak_memory_bytes=Estimate(value=3e7))
        found = Need.of(model)
        assert found.memory_bytes == Interval(1e7, 1e7, 3e7)
        assert found.formula == "weights 8 MB + peak activations 2 MB"

    def test_the_cache_is_shown_apart_from_the_activations_that_hold_it(self) -> None:
        cache = KvCache(layers=2, heads=4, head_size=8, prompt_tokens=10, new_tokens=6, bytes_per_element=2)
        found = Need.of(MLModel(weights_bytes=8e6, activation_bytes=2e6), cache)
        assert found.memory_bytes == Interval.exactly(1e7)
        assert found.formula == (
            "weights 8 MB + peak activations 2 MB + KV cache 4.1 kB (2 x 2 layers x 4 heads x 8 x 16 tokens x 2 B)"
        )

    @given(st.floats(1e6, 1e14), st.floats(0, 1e9), st.sampled_from((*KINDS, "any")))
    def test_traffic_is_never_less_than_the_peak_written_and_read(self, flops: float, peak: float, kind: str) -> None:
        found = activation_traffic_bytes(flops, kind, "float32", peak)
        assert 2 * peak <= found.low <= found.value <= found.high
        half = activation_traffic_bytes(flops, kind, "float16", 0.0)
        assert half.value == pytest.approx(activation_traffic_bytes(flops, kind, "float32", 0.0).value / 2)

    def test_the_kind_is_read_from_the_name_or_the_family(self) -> None:
        model = MLModel(chosen="x/y", candidates=[ModelCandidate(id="x/y", family="MobileNetV2")])
        assert Need.of(model).kind == "depthwise convolution"

    def test_an_unknown_size_stays_unknown(self) -> None:
        assert Need.of(MLModel()).memory_bytes is None


class TestByRoofline:
    @given(st.floats(1e6, 1e13), st.floats(1, 100))
    def test_more_flops_never_take_less_energy(self, flops: float, more: float) -> None:
        for device in UNLIKE_DEVICES:
            less, greater = (assess_by_roofline(device, need(amount)).energy_j for amount in (flops, flops * more))
            assert less is not None
            assert greater is not None
            assert (greater.low, greater.value, greater.high) >= (less.low, less.value, less.high)

    def test_what_the_catalogue_lacks_is_said(self) -> None:
        found = assess_by_roofline(find_device("Apple M3", load_devices()), need())
        assert found.unranked == "not ranked: no peak for fp32 (known: none) in the catalogue"
        assert found.energy_j is None

    def test_a_model_without_flops_is_not_ranked(self) -> None:
        found = assess_by_roofline(find_device("RTX 4090", load_devices()), need(flops=math.nan))
        assert "FLOPs or size are unknown" in found.unranked

    def test_the_formula_is_shown_with_its_numbers(self) -> None:
        found = assess_by_roofline(find_device("RTX 4090", load_devices()), need())
        assert found.formula.startswith(
            "Latency = max(3 GFLOP / (82.6 TFLOP/s x 0.25), weights 8 MB / (1.01 TB/s x 0.6)"
        )
        assert found.formula in explain(choose([found], ""), need(), Limits(), 1)

    def test_half_precision_runs_on_matrix_units(self) -> None:
        found = assess_by_roofline(find_device("RTX 4090", load_devices()), need(precision="float16"))
        assert "165 TFLOP/s" in found.formula
        assert "calibrated on" in found.source

    def test_every_complete_device_gets_figures_with_sources(self) -> None:
        for device in load_devices():
            found = assess_by_roofline(device, need())
            if device.missing_figures("float32"):
                assert not found.feasible
                continue
            assert found.latency_s is not None
            assert found.power_w is not None
            assert found.power_w.high <= device.power_w * (1 + 1e-12)
            assert found.bound in ("compute", "memory")
            assert "peak: " in found.source


class TestMeasured:
    DEVICE = Device(id="this-host", name="this host", memory_bytes=8e9)
    CORE = CorePower(Interval(4.0, 1.0, 16.0), "default", "assumed")

    def test_energy_is_processor_time_times_watts(self) -> None:
        model = MLModel(
            latency_s=Estimate(value=0.05, low=0.04, high=0.06, method="measured", source="onnxruntime"),
            cpu_time_s=Estimate(value=0.1, low=0.1, high=0.1),
            flops_per_inference=3e9,
            weights_bytes=8e6,
            calibration=Calibration(compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10),
        )
        found = assess_measured(self.DEVICE, model, self.CORE, cores=4)
        assert found.energy_j is not None
        assert (found.energy_j.value, found.energy_j.low, found.energy_j.high) == pytest.approx((0.4, 0.1, 1.6))
        assert found.power_w is not None
        assert found.power_w.value == pytest.approx(8.0)
        assert (found.method, found.power_method, found.bound) == ("measured", "default", "compute")
        assert found.rated_power_w == pytest.approx(16.0)

    def test_without_processor_time_all_cores_are_possible(self) -> None:
        found = assess_measured(self.DEVICE, MLModel(latency_s=Estimate(value=0.1)), self.CORE, cores=4)
        assert found.energy_j is not None
        assert (found.energy_j.value, found.energy_j.high) == pytest.approx((0.4, 0.4 * 4 * 4))
        assert found.bound == ""

    def test_a_model_that_was_not_run_is_not_ranked(self) -> None:
        assert "was not run" in assess_measured(self.DEVICE, MLModel(), self.CORE, cores=4).unranked


def assessment(
    name: str,
    energy: float = 1.0,
    latency: float = 1.0,
    *breaches: Breach,
    method: str = "roofline",
    power: str = "load_scaled_tdp",
) -> Assessment:
    return Assessment(
        Device(id=name, name=name.upper(), classes=("edge",), memory_bytes=1e9),
        latency_s=Interval.within_factor(latency, 2.0),
        power_w=Interval.exactly(1.0),
        energy_j=Interval.within_factor(energy, 2.0),
        rated_power_w=10.0,
        method=method,
        power_method=power,
        breaches=breaches,
    )


class TestLimits:
    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            (Limits(device_class="server"), "is edge, server is required"),
            (Limits(max_power_w=5.0), "rated power 10 W is over the limit of 5 W"),
            (Limits(max_latency_s=0.5), "latency 1 s is over the limit of 500 ms"),
            (Limits(max_memory_bytes=1e7), "memory needed 28 MB is over the limit of 10 MB"),
        ],
    )
    def test_each_limit_rejects_with_its_numbers(self, limits: Limits, reason: str) -> None:
        assert judge(assessment("a"), need(), limits).rejected == reason

    def test_a_model_larger_than_the_memory_is_rejected(self) -> None:
        judged = judge(assessment("a"), need(weights=2e9), Limits())
        assert judged.rejected == "needs 2.02 GB of memory, has 1 GB"

    def test_what_is_open_or_unknown_rejects_nothing(self) -> None:
        unknown = Assessment(Device(id="a", name="A"), latency_s=Interval.exactly(1), energy_j=Interval.exactly(1))
        assert judge(unknown, need(), Limits(max_power_w=1.0)).feasible
        assert judge(assessment("a"), need(), Limits()).feasible

    def test_the_value_decides_where_the_interval_straddles(self) -> None:
        limits = Limits(max_latency_s=1.5)
        one = judge(assessment("a"), need(), limits)
        assert one.feasible
        assert straddles(one.latency_s, 1.5)
        assert not straddles(one.latency_s, 2.0)
        assert not straddles(one.latency_s, math.nan)
        assert "straddles the limit of 1.5 s" in explain(choose([one], ""), need(), limits, 1)

    def test_the_tightest_latency_counts_and_a_rate_is_one(self) -> None:
        found = [
            Limit(name="latency_s", comparison="<=", value=0.2, unit="s"),
            Limit(name="throughput_per_s", comparison=">=", value=25.0, unit="1/s"),
            Limit(name="volume_per_s", comparison=">=", value=1e6, unit="1/s"),
            Limit(name="training_time_s", comparison="<=", value=0.001, unit="s"),
            Limit(name="memory_bytes", comparison="<=", value=1e-9, unit="B"),
        ]
        assert latency_limit_s(found) == pytest.approx(0.04)
        assert math.isnan(latency_limit_s([]))


class TestChoice:
    def test_the_objective_decides_and_ties_go_by_id(self) -> None:
        thrifty, fast = assessment("thrifty", 1.0, 9.0), assessment("fast", 5.0, 1.0)
        assert choose([fast, thrifty], "").chosen is thrifty
        assert choose([fast, thrifty], "energy").chosen is thrifty
        assert choose([fast, thrifty], "latency").chosen is fast
        assert choose([assessment("b"), assessment("a")], "carbon").chosen.device.id == "a"

    def test_cost_goes_by_price_and_unknown_prices_come_last(self) -> None:
        dear, cheap, unknown = assessment("dear"), assessment("cheap", 9.0), assessment("unknown", 0.1)
        dear, cheap = (
            replace(one, device=msgspec.structs.replace(one.device, price_usd=price))
            for one, price in ((dear, 900.0), (cheap, 50.0))
        )
        choice = choose([dear, unknown, cheap], "cost")
        assert [one.device.id for one in choice.feasible] == ["cheap", "dear", "unknown"]
        text = explain(choice, need(), Limits(), 3)
        assert "CHEAP is chosen for least price at release" in text
        assert "Its price: 50 USD. 1 of 3 feasible devices have no known price" in text
        assert "Next are DEAR (900 USD) and UNKNOWN (price unknown)." in text

    def test_an_unknown_objective_names_the_known(self) -> None:
        with pytest.raises(UnknownObjective, match="'fun' unknown; known: carbon, cost, energy, latency"):
            choose([assessment("a")], "fun")

    def test_nothing_feasible_names_the_nearest_miss(self) -> None:
        far = assessment("far", 1, 1, Breach("is far over", 9.0))
        near = assessment("near", 5, 5, Breach("is a little over", 1.1))
        with pytest.raises(NoDevice, match=r"none of 2 devices.*NEAR: is a little over"):
            choose([far, near], "")

    def test_devices_without_figures_are_named_where_nothing_else_is_left(self) -> None:
        silent = replace(assessment("silent"), unranked="not ranked: no power in the catalogue")
        with pytest.raises(NoDevice, match=r"are 1 more \(SILENT: not ranked: no power in the catalogue\)"):
            choose([assessment("far", 1, 1, Breach("is far over", 9.0)), silent], "")

    def test_a_required_device_is_judged_though_it_breaks_limits(self) -> None:
        broken = assessment("broken", 9, 9, Breach("is over", 2.0))
        choice = choose([assessment("fine"), broken], "", required_id="broken")
        assert choice.chosen is broken
        text = explain(choice, need(), Limits(), 2)
        assert "BROKEN is required, and judged though it breaks limits (is over)" in text
        assert "Best on energy per inference among the others: FINE" in text

    def test_the_explanation_names_the_next_two_and_unlike_methods(self) -> None:
        host = assessment("c", 3, method="measured", power="rapl_probe")
        field = [assessment("a", 1), assessment("b", 2), host, assessment("d", 4)]
        text = explain(choose(field, "energy"), need(), Limits(), 3)
        assert "A is chosen for least energy per inference: 1 J (500 mJ to 2 J)" in text
        assert "Next are B (2 J) and C (3 J)" in text
        assert (
            "Unlike methods are ranked together (by roofline x load_scaled_tdp: 3 devices; by measured x rapl_probe: C)"
            in text
        )
        assert "4 of 4 devices keep every limit; 1 devices are not listed" in text

    @pytest.mark.parametrize(("energy", "open_order"), [(3.0, True), (4.1, False)])
    def test_where_intervals_of_unlike_methods_overlap_the_order_is_open(self, energy: float, open_order: bool) -> None:
        """Each interval is a factor of 2 both ways: 1 J reaches up to 2 J, 3 J down to 1.5 J and 4.1 J to 2.05 J."""
        for objective in ("carbon", "energy"):
            field = [assessment("a", 1), assessment("host", energy, method="measured", power="rapl_probe")]
            text = explain(choose(field, objective), need(), Limits(), 2)
            assert "Unlike methods are ranked together" in text
            assert ("The intervals of A and HOST overlap, so their order is open." in text) == open_order

    def test_unlike_powers_are_unlike_methods_for_energy_and_not_for_latency(self) -> None:
        field = [assessment("a", 1), assessment("b", 2, power="declared")]
        assert "Unlike" in explain(choose(field, "energy"), need(), Limits(), 2)
        assert "Unlike" not in explain(choose(field, "latency"), need(), Limits(), 2)

    def test_one_method_alone_needs_no_warning(self) -> None:
        assert "Unlike" not in explain(choose([assessment("a"), assessment("b")], ""), need(), Limits(), 2)

    @given(st.integers(0, 30), st.integers(0, 30), st.booleans())
    def test_the_list_is_short_holds_the_chosen_and_what_must_be_there(
        self, feasible: int, rejected: int, require: bool
    ) -> None:
        field = [assessment(f"f{i:02}", i) for i in range(feasible)]
        field += [assessment(f"r{i:02}", i, 1.0, Breach("is over", 1.0 + i)) for i in range(rejected)]
        if not field or not (feasible or require):
            return
        required = field[-1].device.id if require else ""
        choice = choose(field, "energy", required)
        listed = choice.listed(20, always_id=field[0].device.id)
        assert len(listed) == min(20, len(field))
        assert len({one.device.id for one in listed}) == len(listed)
        assert listed[0] is choice.chosen
        assert field[0] in listed
        others = [one.feasible for one in listed[1:]]
        assert others == sorted(others, reverse=True)
