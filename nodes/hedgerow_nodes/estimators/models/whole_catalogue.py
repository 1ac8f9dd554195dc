"""Both catalogues as one: the models counted here, and those that are known by published figures only."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import msgspec

from hedgerow_nodes.estimators.models import catalogue, published
from hedgerow_nodes.estimators.models.catalogue import Accuracy, Catalogue, CatalogueModel, Weights
from hedgerow_nodes.estimators.models.pool import GROUPS
from hedgerow_nodes.estimators.models.published import PublishedCatalogue, PublishedModel, Score
from hedgerow_nodes.estimators.models.traffic import EFFICIENCY_KINDS, footprint

# The metric of data/models.json for a group of the published catalogue.
_METRICS: Mapping[tuple[str, str], str] = {group: metric for metric, group in GROUPS.items()}


def whole(counted: Catalogue, others: PublishedCatalogue) -> Catalogue:
    """All models of both whose cost on this host can be estimated; one entry for each id.

    Of the published ones those for the plain form of a task whose parameters and FLOPs are known, under the first such
    task; the others have nothing to be ranked by here.
    """
    made = {model.id: model for model in counted.models}
    for model in others.models:
        rankable = model.parameters is not None and model.flops is not None and model.precision == "float32"
        if rankable and not model.special and model.id not in made:
            made[model.id] = as_catalogue_model(model, others)
    return msgspec.structs.replace(counted, models=tuple(made[name] for name in sorted(made)))


@functools.cache
def load() -> Catalogue:
    """The two catalogues that ship, together."""
    return whole(catalogue.load(), published.load())


def as_catalogue_model(model: PublishedModel, others: PublishedCatalogue) -> CatalogueModel:
    """A published model in the form in which candidates are judged; its traffic and activations are estimates.

    Raises:
        ValueError: its parameters or its FLOPs are unknown.
    """
    if model.parameters is None or model.flops is None:
        raise ValueError(f"{model.id} has no published parameters or FLOPs, so it cannot be judged")
    sizes = footprint(model.kind, model.parameters.value, model.flops.value)
    return CatalogueModel(
        id=model.id,
        family=model.family,
        efficiency=f"{EFFICIENCY_KINDS[model.kind]}, torch",
        tasks=(model.task,),
        inference=model.inference or "one inference as its source has it",
        parameters=round(model.parameters.value),
        flops=round(model.flops.value),
        activation_bytes=round(sizes.live_bytes.value),
        moved_bytes=round(sizes.moved_bytes.value),
        counted_by=f"{others.source(model)}: {model.parameters.field}, {model.flops.field}",
        inputs={},
        accuracy=_accuracy(model, others),
        weights=Weights(licence=model.licence),
        published_only=True,
    )


def _accuracy(model: PublishedModel, others: PublishedCatalogue) -> Accuracy | None:
    """Its first figure of a known order, worded as data/models.json words it."""
    score = next((score for score in model.scores if score.better), None)
    if score is None:
        return None
    return Accuracy(metric=worded(score), value=score.value, source=others.source(model, score.field))


def worded(score: Score) -> str:
    """Data set and metric in words, the same for both catalogues."""
    said = _METRICS.get(score.group) or f"{score.dataset} {score.metric}".strip()
    return said if score.better == "higher" else f"{said} (lower is better)"
