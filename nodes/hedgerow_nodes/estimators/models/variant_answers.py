"""Say what the runs of a model at several precisions showed, as the message's variants and as sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hedgerow_idl import NAN, Estimate, ModelVariant
from hedgerow_nodes.estimators.models.bundled_weights import entry, precisions
from hedgerow_nodes.estimators.models.catalogue import BYTES_PER_PARAMETER
from hedgerow_nodes.estimators.models.choice import Choice
from hedgerow_nodes.estimators.models.execution import VariantReport
from hedgerow_nodes.estimators.models.sources import Located
from hedgerow_nodes.estimators.quantity_text import quantity

AGAINST = "outputs on the sample against those of the model as it ships"


def wire(reports: Sequence[VariantReport], source: str, parameters: int) -> list[ModelVariant]:
    """The variants as they are sent; `source` is that of the run itself."""
    return [_wire(report, source, parameters) for report in reports]


def in_words(reports: Sequence[VariantReport]) -> list[str]:
    """One sentence with all variants, so that what a smaller precision costs stands beside what it saves."""
    others = reports[1:]
    if not others:
        return []
    told = "; ".join(_told(report) for report in others)
    first = quantity(reports[0].wall_p50_s, "s")
    return [f"At other precisions, beside {reports[0].id} with a median of {first} in the same short run: {told}."]


def without_variant(choice: Choice, located: Located) -> str:
    """Why the model is not run at the precision that was asked for; empty where it is, or where none was."""
    wanted, chosen = choice.wish.precision, choice.chosen
    if not wanted:
        return ""
    if located.bundled:
        known = precisions(entry(located.bundled))
        return "" if wanted in known else f"it ships at {', '.join(known)}, and {wanted} was asked for"
    if chosen is None:
        return f"{wanted} was asked for, and only models that ship can be run at a precision of choice"
    if chosen.comes_at != wanted:
        return (
            f"{wanted} was asked for, and only models that ship have variants to run; its time is that of "
            f"{chosen.comes_at}, in which it comes"
        )
    return ""


def _wire(report: VariantReport, source: str, parameters: int) -> ModelVariant:
    where = f"{source}; {report.runs} runs of this variant"
    return ModelVariant(
        id=report.id,
        precision=report.precision,
        method=report.method,
        weights_bytes=_weights_bytes(report, parameters),
        weights_bytes_source=_weights_source(report, parameters),
        latency_s=Estimate(
            value=report.wall_p50_s, low=report.wall_p05_s, high=report.wall_p95_s, method="measured", source=where
        ),
        output_difference=_exact(report.relative_difference),
        largest_difference=_exact(report.largest_difference),
        agreement=_exact(report.agreement),
        agreement_about=report.agreement_about,
        sample_result=report.sample_words,
    )


def _weights_bytes(report: VariantReport, parameters: int) -> float:
    """As the variant's file has them; of the model as it ships its parameters at the precision in which it runs."""
    if report.weights_bytes is not None:
        return report.weights_bytes
    known = BYTES_PER_PARAMETER.get(report.precision)
    return float(parameters * known) if parameters and known else NAN


def _weights_source(report: VariantReport, parameters: int) -> str:
    if report.weights_bytes is not None:
        return "the numbers in its file, whose digest the manifest of the weights holds"
    known = BYTES_PER_PARAMETER.get(report.precision)
    return f"parameters x {known} B" if parameters and known else ""


def _exact(value: float | None) -> Estimate:
    """A figure that is the same in each run; unknown has no interval."""
    known = math.nan if value is None else value
    return Estimate(value=known, low=known, high=known, method="measured", source=AGAINST)


def _told(report: VariantReport) -> str:
    size = "" if report.weights_bytes is None else f"{quantity(report.weights_bytes, 'B')} of weights, "
    if report.relative_difference is None or report.largest_difference is None:
        apart = "its outputs are of another shape, so no difference is known"
    else:
        apart = (
            f"its outputs differ by {100 * report.relative_difference:.2g} % of their norm and by "
            f"{report.largest_difference:.2g} at most"
        )
    alike = "" if report.agreement is None else f", {report.agreement_about}: {report.agreement:.2g}"
    return f"{report.id} ({size}median {quantity(report.wall_p50_s, 's')}) {apart}{alike}"
