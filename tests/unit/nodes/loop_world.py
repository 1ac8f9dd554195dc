"""A small made-up world for the loop: models, devices and countries, and what an iteration answers there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from hedgerow_idl import (
    Baselines,
    CarbonFootprint,
    DeviceCandidate,
    Estimate,
    Header,
    HWResources,
    LoopRequest,
    MLModel,
    ModelCandidate,
    Optimization,
    TaskId,
    UserInput,
)
from hedgerow_nodes.estimators.carbon.grid import load_grid
from hedgerow_nodes.estimators.models.required import another_is_required
from hedgerow_nodes.estimators.optimization.answer import optimization
from hedgerow_nodes.estimators.optimization.answers import Answers

NAN = math.nan
BYTES = {"fp32": 4.0, "fp16": 2.0, "int8": 1.0}


def about(value: float, factor: float = 1.5) -> Estimate:
    """A figure known up to a factor."""
    return Estimate(value=value, low=value / factor, high=value * factor, method="made up", source="this test")


@dataclass(frozen=True)
class ModelFacts:
    """A model: work in seconds on the calibrated host, share of accuracy, weights in bytes."""

    id: str
    work_s: float
    accuracy: float = NAN
    weights_bytes: float = 1e7
    rejected: str = ""
    metric: str = "top-1"


@dataclass(frozen=True)
class DeviceFacts:
    """A device: how many times as fast as the host, and its power in watts."""

    id: str
    speed: float
    power_w: float
    rejected: str = ""
    bound: str = "compute"


@dataclass(frozen=True)
class LoopWorld:
    """What there is; `factor` is how wide each figure's interval is, `fails` what makes an iteration fail."""

    models: tuple[ModelFacts, ...]
    devices: tuple[DeviceFacts, ...]
    only_fp32: bool = False
    factor: float = 1.5
    fails: frozenset[str] = field(default_factory=frozenset)

    def answer(self, asked: UserInput, number: int, before: list[tuple[UserInput, Answers]]) -> Answers | None:
        """What the nodes would answer; None where the iteration fails."""
        model = self._model(asked)
        device = next((one for one in self.devices if one.id == asked.required_device), None) or min(
            (one for one in self.devices if not one.rejected), key=lambda one: one.power_w / one.speed
        )
        if model is None or {model.id, device.id, asked.precision} & self.fails:
            return None
        precision = "fp32" if self.only_fp32 else asked.precision or "fp32"
        latency_s = model.work_s / device.speed * (BYTES[precision] / 4 if device.bound == "memory" else 1)
        weights = model.weights_bytes * BYTES[precision] / 4
        energy_j = latency_s * device.power_w
        grid = load_grid()
        country = grid.find(asked.location or "Poland")
        assert country is not None
        grams = energy_j / 3.6e6 * country.intensity_g_per_kwh
        task = TaskId(problem_id=1, iteration_id=number)
        made = MLModel(
            header=Header(task=task),
            chosen=model.id,
            precision={"fp32": "float32", "fp16": "float16"}.get(precision, precision),
            weights_bytes=weights,
            activation_bytes=1e6,
            candidates=[self._candidate(one, asked) for one in self.models],
        )
        hardware = HWResources(
            chosen=device.id,
            bound=device.bound,
            latency_s=about(latency_s, self.factor),
            energy_j=about(energy_j, self.factor),
            memory_required_bytes=about(weights + 1e6, self.factor),
            candidates=[self._device(one, model) for one in self.devices],
        )
        carbon = CarbonFootprint(
            location=country.name,
            intensity_g_per_kwh=about(country.intensity_g_per_kwh),
            operational_gco2e=about(grams, self.factor),
            carbon_gco2e=about(grams, self.factor),
        )
        return Answers(asked, made, hardware, carbon, baselines=_baselines(before))

    def _model(self, asked: UserInput) -> ModelFacts | None:
        if asked.required_model:
            return next((one for one in self.models if one.id == asked.required_model), None)
        left = [one for one in self.models if not one.rejected and one.id not in asked.excluded_models]
        return left[0] if left else None

    def _candidate(self, one: ModelFacts, asked: UserInput) -> ModelCandidate:
        rejected = one.rejected or ("excluded by the user" if one.id in asked.excluded_models else "")
        if not rejected and asked.required_model and one.id != asked.required_model:
            rejected = another_is_required(asked.required_model)
        return ModelCandidate(
            id=one.id,
            latency_s=about(one.work_s),
            memory_bytes=about(one.weights_bytes + 1e6),
            accuracy=one.accuracy,
            accuracy_metric="" if math.isnan(one.accuracy) else one.metric,
            rejected=rejected,
        )

    def _device(self, one: DeviceFacts, model: ModelFacts) -> DeviceCandidate:
        latency_s = model.work_s / one.speed
        return DeviceCandidate(
            id=one.id, latency_s=about(latency_s), energy_j=about(latency_s * one.power_w), rejected=one.rejected
        )


@dataclass
class Run:
    """One iteration that ran: what was asked, what came out, what the loop said; None where it failed."""

    asked: UserInput
    answers: Answers | None
    said: Optimization | None


def whole_loop(world: LoopWorld, asked: UserInput) -> list[Run]:
    """Every iteration until the loop ends, as the orchestrator would open them."""
    runs: list[Run] = []
    reserve: list[UserInput] = []
    while True:
        before = [(run.asked, run.answers) for run in runs if run.answers is not None]
        answers = world.answer(asked, len(runs) + 1, before)
        said = None if answers is None else optimization(answers)
        runs.append(Run(asked, answers, said))
        if said is not None:
            if said.decision != "continue":
                return runs
            reserve = list(said.next_input)
        if not reserve:
            return runs
        asked, *reserve = reserve


def wish(mode: str = "auto", target: str = "gco2e", value: float = NAN, most: int = 8, **fields: object) -> UserInput:
    """A problem with a loop."""
    regions = list(fields.pop("allow_regions", []))  # type: ignore[call-overload]
    request = LoopRequest(mode=mode, target=target, target_value=value, max_iterations=most, allow_regions=regions)
    return replace(UserInput(text="x", optimization=request), **fields)  # type: ignore[arg-type]


def _baselines(before: list[tuple[UserInput, Answers]]) -> Baselines:
    if not before:
        return Baselines()
    last = before[-1][1]
    return Baselines(
        previous=last.model.header.task,
        ml_model_provider=[last.model],
        hw_resources=[last.hardware],
        carbon_footprint=[last.carbon],
    )
