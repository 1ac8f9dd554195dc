"""The node `hw_resources` without a bus: what it chooses, what it rejects, what it refuses."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Any

import pytest

from hedgerow_idl import (
    AppRequirements,
    Calibration,
    Estimate,
    HWConstraints,
    HWResources,
    Limit,
    MLModel,
    Outcome,
    UserInput,
)
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.estimators.devices.assessment import assess_by_roofline
from hedgerow_nodes.estimators.devices.catalogue import load_devices
from hedgerow_nodes.estimators.devices.host_device import HOST_ID
from hedgerow_nodes.estimators.devices.need import Need
from hedgerow_nodes.hw_resources import MAX_LISTED, HardwareResources


def detector(**fields: Any) -> MLModel:
    """An object detector of 3 GFLOP, run on this host in 45 ms on one core."""
    facts: dict[str, Any] = {
        "chosen": "centernet",
        "precision": "float32",
        "flops_per_inference": 3e9,
        "weights_bytes": 8.1e6,
        "activation_bytes": 2e7,
        "latency_s": Estimate(value=0.045, low=0.04, high=0.06, method="measured", source="onnxruntime"),
        "cpu_time_s": Estimate(value=0.044, low=0.043, high=0.05, method="measured", source="onnxruntime"),
        "calibration": Calibration(host=platform.node(), compute_flops_per_s=9e10, bandwidth_bytes_per_s=2e10),
    }
    return MLModel(**(facts | fields))


def within(latency_s: float) -> AppRequirements:
    return AppRequirements(limits=[Limit(name="latency_s", comparison="<=", value=latency_s, unit="s")])


@pytest.fixture
def harness() -> Iterator[NodeHarness]:
    with_host = NodeHarness(HardwareResources, configuration={"host_device_class": "server", "host_w_per_core": 4.0})
    yield with_host
    with_host.close()


def ask(
    harness: NodeHarness,
    constraints: HWConstraints | None = None,
    *,
    model: MLModel | None = None,
    requirements: AppRequirements | None = None,
    objective: str = "",
) -> HWResources:
    answer: HWResources = harness.process(
        UserInput(objective=objective),
        model or detector(),
        requirements or AppRequirements(),
        constraints or HWConstraints(),
    )
    return answer


def reason(answer: HWResources) -> tuple[str, str]:
    assert answer.header.outcome is Outcome.FAILED
    return answer.header.error_code, answer.header.reason


class TestChoice:
    def test_an_edge_computer_gets_an_edge_device_within_its_latency(self, harness: NodeHarness) -> None:
        answer = ask(harness, HWConstraints(device_class="edge"), requirements=within(0.1))
        assert answer.header.outcome is Outcome.SUCCEEDED
        assert answer.device_class == "edge"
        assert answer.latency_s.value <= 0.1
        assert answer.energy_j.low < answer.energy_j.value < answer.energy_j.high
        assert answer.energy_j.method == "roofline x load_scaled_tdp"
        assert answer.memory_required_bytes.value == pytest.approx(28.1e6)
        assert answer.bound == "compute"
        assert answer.lifetime_years == 5
        assert answer.embodied_kgco2e.method == "assumed"

    def test_the_list_is_ordered_short_and_explained(self, harness: NodeHarness) -> None:
        answer = ask(harness, HWConstraints(device_class="edge"), requirements=within(0.1))
        feasible = [one.energy_j.value for one in answer.candidates if not one.rejected]
        assert len(answer.candidates) == MAX_LISTED
        assert answer.candidates[0].id == answer.chosen
        assert feasible == sorted(feasible)
        assert any("latency" in one.rejected for one in answer.candidates)
        assert "Next are" in answer.explanation
        assert "devices are not listed" in answer.explanation

    def test_this_host_is_measured_and_always_listed(self, harness: NodeHarness) -> None:
        answer = ask(harness)
        host = next(one for one in answer.candidates if one.id == HOST_ID)
        assert host.latency_s.method == "measured"
        assert host.latency_s.value == 0.045
        assert host.device_class == "server"
        assert host.energy_j.value > 0
        assert "Unlike methods are ranked together" in answer.explanation

    def test_unlike_methods_of_energy_are_named_where_a_measured_host_meets_modelled_devices(
        self, harness: NodeHarness
    ) -> None:
        for objective in ("carbon", "energy"):
            explanation = ask(harness, objective=objective).explanation
            assert "by roofline x load_scaled_tdp: " in explanation
            assert "by measured x " in explanation
            assert "their order is less sure than within one method" in explanation

    def test_among_modelled_devices_alone_there_is_nothing_to_say(self, harness: NodeHarness) -> None:
        answer = ask(harness, HWConstraints(device_class="edge"), requirements=within(0.1))
        assert "Unlike methods" not in answer.explanation

    def test_the_energy_is_shown_with_its_numbers(self, harness: NodeHarness) -> None:
        explanation = ask(harness, HWConstraints(device_class="edge"), requirements=within(0.1)).explanation
        assert "Energy = idle " in explanation
        assert "at full efficiency = " in explanation

    def test_a_run_elsewhere_says_nothing_about_this_host(self, harness: NodeHarness) -> None:
        answer = ask(harness, model=detector(calibration=Calibration(host="another-machine")))
        host = next(one for one in answer.candidates if one.id == HOST_ID)
        assert "another-machine" in host.rejected

    def test_latency_is_another_objective(self, harness: NodeHarness) -> None:
        thrifty, fast = ask(harness, objective="energy"), ask(harness, objective="latency")
        assert fast.latency_s.value < thrifty.latency_s.value
        assert thrifty.energy_j.value < fast.energy_j.value
        assert "least latency" in fast.explanation

    def test_cost_is_another_objective(self, harness: NodeHarness) -> None:
        answer = ask(harness, HWConstraints(device_class="gpu"), objective="cost")
        assert "is chosen for least price at release" in answer.explanation
        assert "msrp at release" in answer.explanation
        dearer = ask(harness, HWConstraints(device_class="gpu"), requirements=within(0.005), objective="cost")
        assert dearer.chosen != answer.chosen

    def test_a_generating_model_shows_its_cache(self, harness: NodeHarness) -> None:
        answer = ask(
            harness, model=detector(chosen="openai-community/gpt2", weights_bytes=5e8, activation_bytes=35561984)
        )
        assert (
            "KV cache 14.2 MB (2 x 12 layers x 12 heads x 64 x 192 tokens x 4 B)" in answer.memory_required_bytes.source
        )
        assert answer.memory_required_bytes.value == pytest.approx(5e8 + 35561984)

    def test_a_large_model_does_not_fit_small_devices(self, harness: NodeHarness) -> None:
        answer = ask(harness, model=detector(weights_bytes=100e9, activation_bytes=5e9, flops_per_inference=1e13))
        for one in answer.candidates:
            assert one.rejected or not one.memory_bytes < 105e9
        assert answer.memory_required_bytes.value == pytest.approx(105e9)

    def test_the_same_question_has_the_same_answer(self, harness: NodeHarness) -> None:
        first, second = ask(harness), ask(harness)
        first.header = second.header
        assert first == second


class TestRequiredDevice:
    def test_it_is_judged_though_it_breaks_limits(self, harness: NodeHarness) -> None:
        answer = ask(harness, HWConstraints(required_device="Raspberry Pi 3", max_power_w=2.0))
        assert answer.chosen == answer.candidates[0].id == "raspberry-pi-3b-plus"
        assert "rated power 5.6 W is over the limit of 2 W" in answer.candidates[0].rejected
        assert "is required, and judged though it breaks limits" in answer.explanation

    def test_this_host_may_be_required(self, harness: NodeHarness) -> None:
        answer = ask(harness, HWConstraints(required_device="This host"))
        assert (answer.chosen, answer.latency_s.method) == (HOST_ID, "measured")

    def test_an_unknown_one_is_refused_with_the_nearest(self, harness: NodeHarness) -> None:
        code, text = reason(ask(harness, HWConstraints(required_device="Orin Nanoo")))
        assert code == "UNKNOWN_DEVICE"
        assert "device 'Orin Nanoo' unknown; nearest: NVIDIA Jetson Orin Nano" in text

    def test_one_without_figures_is_refused(self, harness: NodeHarness) -> None:
        code, text = reason(ask(harness, HWConstraints(required_device="Apple M3")))
        assert code == "NO_FIGURES"
        assert "no peak for fp32" in text

    def test_an_fpga_board_is_estimated_at_the_precision_that_it_has(self, harness: NodeHarness) -> None:
        board, network = HWConstraints(required_device="KV260"), detector(precision="int8")
        answer = harness.process(UserInput(precision="int8"), network, AppRequirements(), board)
        assert (answer.chosen, answer.latency_s.method) == ("amd-kria-kv260", "roofline")
        # Its core does 0.92 TOP/s, its memory gives 19.2 GB/s; nothing can be faster than the peaks.
        assert answer.latency_s.low >= max(3e9 / 0.92e12, 8.1e6 / 19.2e9)
        assert answer.energy_j.low <= answer.latency_s.value * answer.power_w.value <= answer.energy_j.high
        assert answer.power_w.high <= 7.9
        for figure in (answer.latency_s, answer.energy_j, answer.power_w):
            assert "one B3136 core at 300 MHz" in figure.source
        assert "920 GFLOP/s" in answer.explanation

    def test_an_fpga_board_has_no_estimate_at_another_precision(self, harness: NodeHarness) -> None:
        code, text = reason(ask(harness, HWConstraints(required_device="KV260")))
        assert code == "NO_FIGURES"
        assert "no peak for fp32 (known: int8)" in text


class TestRefusals:
    def test_nothing_feasible_names_the_nearest_miss(self, harness: NodeHarness) -> None:
        code, text = reason(ask(harness, HWConstraints(device_class="edge"), requirements=within(1e-6)))
        assert code == "NO_DEVICE"
        assert "nearest is" in text
        assert "is over the limit of 1 µs" in text

    def test_no_model_no_device(self, harness: NodeHarness) -> None:
        assert reason(ask(harness, model=MLModel()))[0] == "NO_MODEL"

    def test_an_unknown_objective_is_refused(self, harness: NodeHarness) -> None:
        code, text = reason(ask(harness, objective="beauty"))
        assert code == "UNKNOWN_OBJECTIVE"
        assert "known: carbon, cost, energy, latency" in text


class TestConfiguration:
    def test_an_unknown_class_of_this_host_is_said_where_a_class_is_required(self) -> None:
        harness = NodeHarness(HardwareResources)
        try:
            answer = ask(harness, HWConstraints(device_class="edge"))
        finally:
            harness.close()
        known = any(one.id == HOST_ID and one.device_class for one in answer.candidates)
        assert known or "The class of this host is unknown" in answer.explanation

    def test_the_declared_class_of_this_host_counts(self) -> None:
        harness = NodeHarness(HardwareResources, configuration={"host_device_class": "microcontroller"})
        try:
            answer = ask(harness, HWConstraints(device_class="microcontroller"))
        finally:
            harness.close()
        assert answer.chosen == HOST_ID


def test_a_generating_model_takes_longer_than_its_weights_read_once() -> None:
    def answer(passes: int) -> HWResources:
        model = MLModel(
            chosen="m", passes_per_inference=passes, flops_per_inference=1e9, weights_bytes=5e8, activation_bytes=1e6
        )
        user_input = UserInput(text="x", required_device="nvidia-jetson-orin-nano-8gb")
        constraints = HWConstraints(required_device="nvidia-jetson-orin-nano-8gb")
        return NodeHarness(HardwareResources).process(user_input, model, AppRequirements(), constraints)

    once, often = answer(1), answer(64)
    assert often.latency_s.value > 30 * once.latency_s.value
    assert often.energy_j.value > 10 * once.energy_j.value
    assert often.bound == "memory"


class TestPrecision:
    """A precision that the user asked for is what devices are judged at."""

    def answered(self, harness: NodeHarness, precision: str) -> HWResources:
        model = detector(precision={"int8": "int8", "fp16": "float16"}.get(precision, "float32"))
        everything = UserInput(precision=precision)
        answer: HWResources = harness.process(everything, model, AppRequirements(), HWConstraints(device_class="edge"))
        return answer

    def test_a_device_without_a_figure_for_it_is_out_with_the_reason(self, harness: NodeHarness) -> None:
        answer = self.answered(harness, "int8")
        without = [one for one in load_devices() if not {"int8", "int8_tensor"} & set(one.peak_flops_per_s)]
        for device in without:
            assessed = assess_by_roofline(device, Need.of(detector(precision="int8")), exact=True)
            assert "no peak for int8 (known: " in assessed.rejected
        assert without
        kept = {one.id for one in answer.candidates if not one.rejected} - {HOST_ID}
        assert kept.isdisjoint(one.id for one in without)

    def test_without_a_wish_fp32_stands_for_what_is_missing(self) -> None:
        need = Need.of(detector(precision="int8"))
        bare = [one for one in load_devices() if set(one.peak_flops_per_s) == {"fp32"}]
        known = [one for one in bare if not one.missing_figures("fp32")]
        assert known
        assert assess_by_roofline(known[0], need).latency_s is not None


def test_only_devices_of_the_family_asked_for_are_chosen(harness: NodeHarness) -> None:
    answer = ask(harness, HWConstraints(device_class="edge", device_family="jetson"))
    kept = [one.name for one in answer.candidates if not one.rejected]
    assert "Jetson" in answer.device_name
    assert kept
    assert all("Jetson" in name for name in kept)
    assert any("is no jetson" in one.rejected for one in answer.candidates)
    code, _text = reason(ask(harness, HWConstraints(device_family="Xeon Orin")))
    assert code == "NO_DEVICE"
