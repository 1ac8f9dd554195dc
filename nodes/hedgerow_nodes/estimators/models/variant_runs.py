"""Run a shipped model at each of its precisions on its sample, and say by how much the outputs differ from float32."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hedgerow_nodes.estimators.models.anchored_faces import overlap
from hedgerow_nodes.estimators.models.bundled_runs import BundledRun, bundled_run, companion_variant
from hedgerow_nodes.estimators.models.bundled_weights import BundledFile, entry
from hedgerow_nodes.estimators.models.execution import VariantReport
from hedgerow_nodes.estimators.models.measurement import time_runs
from hedgerow_nodes.estimators.models.sample_results import Array, in_words

# For the timed runs of each variant: five of them and the model itself stay well below a second.
BUDGET_S = 0.12
AS_SHIPPED = "float32"


@dataclass(frozen=True)
class Difference:
    """How far two lists of outputs are apart: largest absolute difference, and its Euclidean norm over the first's."""

    largest: float
    relative: float


def compared(own: BundledRun, own_variant: str, threads: int) -> tuple[VariantReport, ...]:
    """Every precision of the model of `own` (which runs its `own_variant`), the one that it ships in first."""
    item = own.item
    ready = {own_variant: own}
    names = ("", *(variant.name for variant in item.variants))
    reference: tuple[list[Array], Mapping[str, Any]] | None = None
    reports = []
    for name in names:
        run = ready.get(name) or bundled_run(item, name, threads)
        outputs = run.run()
        found = run.found(outputs)
        reference = reference or (outputs, found)
        timing = time_runs(run.run, budget_s=BUDGET_S)
        apart = difference(reference[0], outputs)
        alike, about = agreement(reference[1], found)
        reports.append(
            VariantReport(
                id=name or AS_SHIPPED,
                precision=_precision(item, name),
                method=_method(item, name),
                weights_bytes=_weights_bytes(item, name),
                wall_p05_s=timing.wall_quantile_s(0.05),
                wall_p50_s=timing.wall_quantile_s(0.5),
                wall_p95_s=timing.wall_quantile_s(0.95),
                runs=len(timing.wall_s),
                largest_difference=None if math.isnan(apart.largest) else apart.largest,
                relative_difference=None if math.isnan(apart.relative) else apart.relative,
                agreement=alike,
                agreement_about=about,
                sample_words=in_words(dict(found)),
            )
        )
    return tuple(reports)


def difference(exact: list[Array], other: list[Array]) -> Difference:
    """NaN where the outputs are not of the same number and shapes, as when a line of text was not found."""
    if [one.shape for one in exact] != [one.shape for one in other]:
        return Difference(math.nan, math.nan)
    one, two = (np.concatenate([part.astype(np.float64).ravel() for part in parts]) for parts in (exact, other))
    norm = float(np.linalg.norm(one))
    return Difference(float(np.abs(one - two).max()), float(np.linalg.norm(one - two)) / norm if norm else math.nan)


def agreement(exact: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[float | None, str]:
    """How alike two results on the sample are, 0 to 1, and what that is about."""
    if "classes" in exact:
        same = exact["classes"][0]["label"] == other["classes"][0]["label"]
        return float(same), "first class the same"
    if "objects" in exact:
        return _boxes_alike(exact["objects"], other["objects"]), "overlap of boxes, mean"
    if "text" in exact:
        one, two = ("\n".join(line["text"] for line in found["text"]) for found in (exact, other))
        return difflib.SequenceMatcher(None, one, two, autojunk=False).ratio(), "characters read alike"
    worst = max(abs(exact[kind]["cosine"] - other[kind]["cosine"]) for kind in ("related", "unrelated"))
    return 1 - worst, "1 - largest change of a cosine"


def _boxes_alike(exact: list[Mapping[str, Any]], other: list[Mapping[str, Any]]) -> float | None:
    """Of each box in either result the best overlap with one of the same label in the other, in the mean."""
    if not exact and not other:
        return None

    def best(box: Mapping[str, Any], among: list[Mapping[str, Any]]) -> float:
        edges = np.asarray(box["box"], dtype=np.float32)
        same = (one["box"] for one in among if one["label"] == box["label"])
        return max((overlap(edges, np.asarray(one, dtype=np.float32)) for one in same), default=0.0)

    return float(np.mean([*(best(box, other) for box in exact), *(best(box, exact) for box in other)]))


def _precision(item: BundledFile, name: str) -> str:
    return next((one.precision for one in item.variants if one.name == name), "float32")


def _method(item: BundledFile, name: str) -> str:
    return next((one.method for one in item.variants if one.name == name), "as it ships")


def _weights_bytes(item: BundledFile, name: str) -> float | None:
    """Of the variant and of its companion's; None for float32, whose bytes the catalogue knows."""
    if not name:
        return None
    total = float(next(one.weights_bytes for one in item.variants if one.name == name))
    if not item.companion:
        return total
    companion = entry(item.companion)
    other = companion_variant(companion, name)
    return next((total + one.weights_bytes for one in companion.variants if one.name == other), None)
