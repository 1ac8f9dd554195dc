"""Every model for one task as columns of numbers: the published ones and those counted here, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.estimators.models.catalogue import BYTES_PER_PARAMETER, RUNTIME_BYTES, Catalogue, CatalogueModel
from hedgerow_nodes.estimators.models.published import PublishedCatalogue, PublishedModel
from hedgerow_nodes.estimators.models.text_costs import TextModels
from hedgerow_nodes.estimators.models.text_rows import text_columns, text_models_for
from hedgerow_nodes.estimators.models.traffic import EFFICIENCY_KINDS, footprint

Group = tuple[str, str]
Numbers = NDArray[np.float64]

# How data/models.json words a metric -> the metric and data set that the published catalogue calls the same.
GROUPS: Mapping[str, Group] = {
    "ImageNet-1k top-1": ("top-1 accuracy", "ImageNet-1k"),
    "COCO val2017 mAP@0.5:0.95": ("box AP", "COCO"),
    "Kinetics-400 top-1": ("top-1 accuracy", "Kinetics-400"),
    "ADE20K mIoU": ("mIoU", "ADE20K"),
    "PASCAL VOC 2012 mIoU": ("mIoU", "Pascal VOC 2012"),
}

# A model that does several tasks is judged by this metric in one of them only.
_METRIC_TASKS: Mapping[str, str] = {"CNN/DailyMail ROUGE-1 F": "summarization"}

_LESS_IS_BETTER = ("wer", "error", "perplexity", "rmse", "mae", "absrel", "fid")


@dataclass(frozen=True)
class Row:
    """What stands behind one row of the columns. `special` is the form of the task, empty for the plain one."""

    id: str
    family: str
    special: str
    efficiency: str
    licence: str
    source: str
    at_hand: bool

    @property
    def key(self) -> str:
        """The id, with the form of the task where it is not the plain one; a model may stand here for several."""
        return f"{self.id} [{self.special}]" if self.special else self.id


@dataclass(frozen=True)
class Pool:
    """The models for a task. NaN is unknown; interval columns have the rows value, low and high.

    Attributes:
        flops, parameters, passes: of one inference.
        own_bytes: bytes a number at the precision in which the model comes.
        weights_bytes: of the weights that are read, once or once a pass, as if every number had four bytes.
        moved_bytes, memory_bytes: intervals, in the same bytes; what is moved includes the weights.
        quality: by metric and data set; `better` is 1 where more of it is better and -1 where less is.
    """

    task: str
    rows: tuple[Row, ...]
    flops: Numbers
    parameters: Numbers
    passes: Numbers
    own_bytes: Numbers
    weights_bytes: Numbers
    moved_bytes: Numbers
    memory_bytes: Numbers
    quality: Mapping[Group, Numbers]
    better: Mapping[Group, int]

    def __len__(self) -> int:
        return len(self.rows)

    def usual_group(self, among: NDArray[np.bool_] | None = None) -> Group | None:
        """The metric and data set for which most rows have a figure; the first in the alphabet of equals."""
        mask = np.ones(len(self), dtype=np.bool_) if among is None else among
        known = {group: int(np.isfinite(values[mask]).sum()) for group, values in self.quality.items()}
        return min((g for g in known if known[g]), key=lambda group: (-known[group], group), default=None)


def gather(task: str, published: PublishedCatalogue, counted: Catalogue, texts: TextModels | None = None) -> Pool:
    """All rows for a task: those counted here, those that others publish, and text models by their configuration."""
    ours, theirs = counted.for_task(task), published.for_task(task)
    written = text_models_for(task, texts, frozenset(model.id for model in ours)) if texts else []
    rows = [_own_row(model) for model in ours] + [_published_row(model, published) for model in theirs]
    rows += [Row(m.id, m.family, "", "generation, torch", "", m.source, at_hand=False) for m in written]
    numbers = [_own_columns(m) for m in ours] + [_published_columns(m) for m in theirs]
    columns = np.array(numbers + [text_columns(m, task) for m in written]).reshape(-1, 11).T
    quality: dict[Group, Numbers] = {}
    better: dict[Group, int] = {}
    scores = [_own_score(model, task) for model in ours] + [_published_scores(model) for model in theirs]
    for place, found in enumerate(scores):
        for group, (value, sign) in found.items():
            quality.setdefault(group, np.full(len(rows), math.nan))[place] = value
            better[group] = sign
    return Pool(
        task=task,
        rows=tuple(rows),
        flops=columns[0],
        parameters=columns[1],
        passes=columns[2],
        own_bytes=columns[3],
        weights_bytes=columns[4],
        moved_bytes=columns[5:8],
        memory_bytes=columns[8:11],
        quality=quality,
        better=better,
    )


def _own_row(model: CatalogueModel) -> Row:
    source = model.architecture.published if model.architecture else "weights/manifest.json"
    return Row(
        model.id,
        model.family,
        model.special,
        model.efficiency,
        model.weights.licence,
        source,
        model.weights.kind == "bundled",
    )


def _published_row(model: PublishedModel, published: PublishedCatalogue) -> Row:
    efficiency = f"{EFFICIENCY_KINDS[model.kind]}, torch"
    return Row(model.id, model.family, model.special, efficiency, model.licence, published.source(model), False)


def _own_columns(model: CatalogueModel) -> list[float]:
    own_bytes = BYTES_PER_PARAMETER[model.precision]
    scale = 4 / own_bytes
    moved, weights, memory = model.moved_bytes * scale, model.weights_bytes * scale, model.memory_bytes * scale
    # As in candidate_costs: the run time's own buffers were seen to be up to as much again and that.
    sizes = [memory, weights, 2 * memory + RUNTIME_BYTES]
    read = min(moved, model.passes * weights)
    return [model.flops, model.parameters, model.passes, own_bytes, read, moved, moved, moved, *sizes]


def _published_columns(model: PublishedModel) -> list[float]:
    parameters = model.parameters.value if model.parameters else math.nan
    flops = model.flops.value if model.flops else math.nan
    own_bytes = BYTES_PER_PARAMETER[model.precision]
    if math.isnan(parameters) or math.isnan(flops):
        return [flops, parameters, 1.0, own_bytes, *[math.nan] * 7]
    sizes = footprint(model.kind, parameters, flops)
    moved, memory = sizes.moved_bytes, sizes.memory_bytes
    high = 2 * memory.high + RUNTIME_BYTES
    intervals = [moved.value, moved.low, moved.high, memory.value, sizes.weights_bytes, high]
    return [flops, parameters, 1.0, own_bytes, sizes.weights_bytes, *intervals]


def _own_score(model: CatalogueModel, task: str) -> dict[Group, tuple[float, int]]:
    if model.accuracy is None:
        return {}
    metric = model.accuracy.metric
    if _METRIC_TASKS.get(metric, task) != task:
        return {}
    less = any(word in metric.lower() for word in _LESS_IS_BETTER)
    return {GROUPS.get(metric, (metric, "")): (model.accuracy.value, -1 if less else 1)}


def _published_scores(model: PublishedModel) -> dict[Group, tuple[float, int]]:
    signs = {"higher": 1, "lower": -1}
    found: dict[Group, tuple[float, int]] = {}
    for score in model.scores:
        if score.better:
            found.setdefault(score.group, (score.value, signs[score.better]))
    return found
