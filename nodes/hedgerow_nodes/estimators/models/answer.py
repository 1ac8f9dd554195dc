"""Put an answer together: the choice, what the run showed, and every candidate, as the message that is sent."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hedgerow_idl import NAN, Baselines, Estimate, MLModel, ModelCandidate
from hedgerow_nodes.estimators.models.candidate_costs import latency_estimate, memory_estimate
from hedgerow_nodes.estimators.models.catalogue import BYTES_PER_PARAMETER, CatalogueModel
from hedgerow_nodes.estimators.models.choice import Candidate, Choice
from hedgerow_nodes.estimators.models.execution import ExecutionReport
from hedgerow_nodes.estimators.models.explanation import what_changed, what_the_run_showed, why_chosen, why_not_run
from hedgerow_nodes.estimators.models.required import another_is_required
from hedgerow_nodes.estimators.models.variant_answers import in_words as variants_in_words
from hedgerow_nodes.estimators.models.variant_answers import wire

# How many of the models that are known by published figures only are sent with an answer; the rest is counted in words.
MAX_PUBLISHED = 40


def answer(
    choice: Choice,
    *,
    weights: str,
    baselines: Baselines,
    report: ExecutionReport | None = None,
    remembered: bool = False,
    not_run: str = "",
    others: Sequence[str] = (),
    size_bytes: float = NAN,
) -> MLModel:
    """The message for a choice that was run (`report`) or was not (`not_run` says why); `others` are more sentences.

    `size_bytes` is how large the files of a model are that no catalogue knows.
    """
    calibration, chosen = choice.calibration, choice.chosen
    listed = _listed(choice)
    made = MLModel(
        task=choice.wish.task,
        chosen=chosen.model.id if chosen else choice.wish.required,
        calibration=calibration,
        candidates=[_wire(candidate, choice) for candidate in listed],
        excluded=list(choice.wish.excluded),
    )
    if chosen is not None:
        _describe(made, chosen)
        made.latency_s = latency_estimate(chosen.latency_s, calibration)
        made.peak_memory_bytes = memory_estimate(chosen.memory_bytes, chosen.model)
    sentences = why_chosen(choice)
    if report is not None:
        _measured(made, report)
        expected = chosen.latency_s if chosen else None
        sentences += what_the_run_showed(expected, report, choice, remembered=remembered)
        sentences.append(f"Weights: {weights}.")
        sentences += [report.sample_words] if report.sample_words else []
        sentences += variants_in_words(report.variants)
    else:
        made.runtime = "not run"
        if math.isnan(made.weights_bytes) and not math.isnan(size_bytes):
            made.weights_bytes, made.counted_by = size_bytes, "size of the model's files"
        sentences.append(why_not_run(not_run, calibration))
    if len(listed) < len(choice.candidates):
        sentences.append(f"Of {len(choice.candidates)} candidates the first {len(listed)} are listed.")
    sentences += others
    sentences += what_changed(baselines, made.chosen, made.latency_s.value)
    made.explanation = " ".join(sentences)
    return made


def _describe(made: MLModel, chosen: Candidate) -> None:
    model = chosen.model
    made.precision = model.precision
    made.parameters = model.parameters
    made.passes_per_inference = model.passes
    made.flops_per_inference = float(model.flops)
    made.weights_bytes = float(model.weights_bytes)
    made.activation_bytes = float(model.activation_bytes)
    made.counted_by = _counted_by(model)


def _measured(made: MLModel, report: ExecutionReport) -> None:
    source = (
        f"{report.runtime}, {report.threads} thread(s), {report.runs} runs, load {report.load_average:.1f}, "
        f"calibration {made.calibration.id}"
    )
    made.runtime = report.runtime
    made.precision = made.precision or "float32"
    made.latency_s = Estimate(
        value=report.wall_p50_s, low=report.wall_p05_s, high=report.wall_p95_s, method="measured", source=source
    )
    made.cpu_time_s = _point(report.cpu_p50_s, source)
    made.peak_memory_bytes = _point(report.peak_memory_bytes, f"{report.memory_method}; {source}")
    made.sample_result = report.sample_words or report.sample_result
    made.variants = wire(report.variants, source, made.parameters)
    own = next((one for one in report.variants if one.precision == made.precision), None)
    if own is not None and own.weights_bytes is not None:
        made.weights_bytes = own.weights_bytes
    if not made.parameters and report.parameters is not None:
        made.parameters = report.parameters
    if math.isnan(made.flops_per_inference) and report.flops is not None:
        made.flops_per_inference = report.flops
    if math.isnan(made.weights_bytes) and report.weights_bytes is not None:
        made.weights_bytes = report.weights_bytes
    made.counted_by = made.counted_by or f"counted in the model as {report.runtime} loaded it"


def _point(value: float, source: str) -> Estimate:
    return Estimate(value=value, low=value, high=value, method="measured", source=source)


def _wire(candidate: Candidate, choice: Choice) -> ModelCandidate:
    model = candidate.model
    rejected = candidate.rejected
    if not rejected and candidate is not choice.chosen and choice.wish.required:
        rejected = another_is_required(choice.wish.required)
    return ModelCandidate(
        id=model.id,
        family=model.family,
        parameters=model.parameters,
        flops_per_inference=float(model.flops),
        weights_bytes=float(model.weights_bytes),
        activation_bytes=float(model.activation_bytes),
        counted_by=_counted_by(model),
        latency_s=latency_estimate(candidate.latency_s, choice.calibration),
        memory_bytes=memory_estimate(candidate.memory_bytes, model),
        accuracy=model.accuracy.value if model.accuracy else NAN,
        accuracy_metric=model.accuracy.metric if model.accuracy else "",
        accuracy_source=model.accuracy.source if model.accuracy else "",
        weights=candidate.weights,
        licence=model.weights.licence,
        source=_source(model),
        rejected=rejected,
    )


def _listed(choice: Choice) -> list[Candidate]:
    """All candidates that are counted here, and of those known by published figures the first by the rule."""
    published = [candidate for candidate in choice.candidates if candidate.model.published_only]
    left_out = {id(candidate) for candidate in published[MAX_PUBLISHED:] if candidate is not choice.chosen}
    return [candidate for candidate in choice.candidates if id(candidate) not in left_out]


def _counted_by(model: CatalogueModel) -> str:
    each = BYTES_PER_PARAMETER[model.precision]
    weights = f"weights: parameters x {each} B ({model.precision})"
    if model.published_only:
        return f"{model.counted_by}; {weights}; activations by ratio to FLOPs, whose interval is in the memory's"
    return f"{model.counted_by}; {weights}"


def _source(model: CatalogueModel) -> str:
    if model.architecture is not None:
        return model.architecture.published
    return model.counted_by if model.published_only else "weights/manifest.json"
