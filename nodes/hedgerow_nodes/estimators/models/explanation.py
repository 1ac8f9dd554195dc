"""Say in words why a model was chosen, why not the next ones, what its run showed and what changed since last time."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable

from hedgerow_idl import Baselines, Calibration
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models.catalogue import CatalogueModel
from hedgerow_nodes.estimators.models.choice import RULE, Candidate, Choice
from hedgerow_nodes.estimators.models.execution import ExecutionReport
from hedgerow_nodes.estimators.models.limits import latency_limit_s
from hedgerow_nodes.estimators.quantity_text import quantity, quantity_range

DISAGREEMENT = 2.0
_WEIGHTS = {
    "bundled": "trained weights that ship with Hedgerow",
    "hub": "weights to be fetched from the hub",
    "none": "its architecture only, without trained weights",
    "published": "published figures only: neither its architecture nor its weights are part of Hedgerow",
}


def why_chosen(choice: Choice) -> list[str]:
    """Sentences about the choice itself."""
    chosen, wish = choice.chosen, choice.wish
    if chosen is None:
        return [f"{wish.required} is required; it is not in the catalogue, so only its run tells what it costs."]
    sentences = [wish.task_note + "." if wish.task_note else "", _introduction(chosen, wish.task)]
    if wish.required:
        sentences.append("It is required, so it was taken without comparison.")
        if chosen.breaches:
            sentences.append(f"It breaks what was asked for: {chosen.rejected}.")
    else:
        others = [candidate for candidate in choice.candidates if candidate is not chosen]
        kept = len(choice.runners_up) + 1
        sentences.append(
            f"Of {len(choice.candidates)} candidates {kept} keep the limits; it is first by the rule: {RULE}."
        )
        sentences += [_why_not(chosen, other) for other in others[:2]]
        sentences.append(_why_others_fell(choice))
    sentences += [f"Note: {remark}." for remark in chosen.remarks]
    return [sentence for sentence in sentences if sentence]


def what_the_run_showed(
    expected: Interval | None, report: ExecutionReport, choice: Choice, *, remembered: bool
) -> list[str]:
    """Sentences about the run, compared with the estimate and with the limits on time."""
    taken = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(report.measured_at_s))
    runs = "1 run" if report.runs == 1 else f"{report.runs} runs"
    sentences = [
        f"Run here on {report.threads} thread(s) with {report.runtime}: median {quantity(report.wall_p50_s, 's')}, "
        f"95 % within {quantity(report.wall_p95_s, 's')}, CPU time {quantity(report.cpu_p50_s, 's')}, "
        f"{runs} after {report.warm_ups} warm-ups, load average {report.load_average:.1f}; "
        f"peak memory {quantity(report.peak_memory_bytes, 'B')} ({report.memory_method})."
    ]
    if remembered:
        sentences.append(f"The run was not repeated: it was made at {taken} under the same calibration.")
    if not report.stable:
        sentences.append("The median had not settled within the time allowed.")
    if expected is not None:
        sentences.append(_compared(expected.value, report))
    sentences += _measured_breaches(report, choice)
    return [sentence for sentence in sentences if sentence]


def what_changed(baselines: Baselines, model: str, latency_s: float) -> list[str]:
    """Sentences that compare with the previous iteration; none where there was no previous one."""
    if not baselines.ml_model_provider:
        return []
    before = baselines.ml_model_provider[0]
    same = before.chosen == model
    told = "the same model" if same else f"{before.chosen or 'no model'} then, {model} now"
    sentence = f"Compared with iteration {baselines.previous}: {told}"
    if not math.isnan(before.latency_s.value) and not math.isnan(latency_s):
        sentence += f"; latency {quantity(before.latency_s.value, 's')} then, {quantity(latency_s, 's')} now"
    if baselines.carbon_footprint and not math.isnan(baselines.carbon_footprint[0].carbon_gco2e.value):
        carbon = baselines.carbon_footprint[0].carbon_gco2e.value
        sentence += f"; it emitted {quantity(carbon, 'gCO2e')} per inference then"
    return [sentence + "."]


def _introduction(candidate: Candidate, task: str) -> str:
    model = candidate.model
    size = f"{quantity(model.parameters, '')} parameters, {quantity(model.flops, 'FLOP')} for {model.inference}"
    at_hand = f"{_WEIGHTS[_at_hand(candidate)]}{_accuracy(candidate)}"
    return f"{model.id} ({model.family}, {size}) does {task or 'its task'} with {at_hand}.{_training(model)}"


def _at_hand(candidate: Candidate) -> str:
    return "published" if candidate.model.published_only else candidate.weights


def _training(model: CatalogueModel) -> str:
    return f" What its weights know: {model.weights.data}." if model.weights.data else ""


def _accuracy(candidate: Candidate) -> str:
    published = candidate.model.accuracy
    return f"; published {published.metric} {published.value:.3g}" if published else "; no accuracy is known"


def _why_not(chosen: Candidate, other: Candidate) -> str:
    if other.breaches:
        return f"Not {other.model.id}: {other.rejected}{_accuracy(other)}."
    if other.another_form and not chosen.another_form:
        reason = f"it is not known to find {chosen.model.special}"
    elif _at_hand(chosen) != _at_hand(other):
        reason = f"there is {_WEIGHTS[_at_hand(other)]}"
    elif (chosen.model.accuracy is None) != (other.model.accuracy is None):
        reason = "no accuracy is known"
    else:
        reason = "it takes longer"
    longer = other.latency_s.value / chosen.latency_s.value
    return (
        f"Not {other.model.id}: {reason}; it would take {quantity_range(other.latency_s, 's')} here, "
        f"{longer:.2g} times as long{_accuracy(other)}."
    )


def _why_others_fell(choice: Choice) -> str:
    fallen = [candidate for candidate in choice.candidates if candidate.breaches]
    if not fallen:
        return ""
    kinds = Counter(candidate.breaches[0].kind for candidate in fallen)
    return "Out: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) + "."


def _compared(expected_s: float, report: ExecutionReport) -> str:
    ratio = report.wall_p50_s / expected_s
    sentence = f"The roofline expected {quantity(expected_s, 's')}"
    if 1 / DISAGREEMENT <= ratio <= DISAGREEMENT:
        return f"{sentence}, which agrees within a factor of {DISAGREEMENT:g}."
    cpu_ratio = report.cpu_p50_s / expected_s
    busy = 1 / DISAGREEMENT <= cpu_ratio <= DISAGREEMENT
    cause = "its CPU time agrees, so the host was busy" if busy else f"CPU time is {cpu_ratio:.2g} times the estimate"
    return f"{sentence}: they DISAGREE, the run took {ratio:.2g} times that; {cause}."


def _measured_breaches(report: ExecutionReport, choice: Choice) -> list[str]:
    sentences = []
    memory_bytes = _tightest(limit.value for limit in choice.wish.limits if limit.name == "memory_bytes")
    if report.peak_memory_bytes > memory_bytes:
        allowed = quantity(memory_bytes, "B")
        sentences.append(f"As measured, with the run time's buffers, it needs more than the {allowed} allowed.")
    if choice.wish.latency_note or choice.chosen is None:
        return sentences
    tightest_s = _tightest(latency_limit_s(limit, choice.chosen.model) for limit in choice.wish.limits)
    if report.wall_p50_s > tightest_s:
        sentences.append(f"As measured it is over the {quantity(tightest_s, 's')} that are allowed.")
    elif report.wall_p95_s > tightest_s:
        sentences.append(f"One run in twenty was over the {quantity(tightest_s, 's')} that are allowed.")
    return sentences


def _tightest(values: Iterable[float]) -> float:
    """The smallest that is known; NaN, above which nothing is, where there is none."""
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def why_not_run(reason: str, calibration: Calibration) -> str:
    """The sentence for a model that was not run."""
    return f"It was not run: {reason}. Its figures are estimates by calibration {calibration.id}."
