"""Read models from the metadata that OpenMMLab's wheels carry: `.mim/model-index.yml` and the files that it names."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import published_tables as tables
from openmmlab_wheels import as_list, records, results_of, task_words

from hedgerow_nodes.estimators.models.published import Figure, Origin, PublishedModel, Score, Timing

LICENCE = "Apache-2.0"

_SCALES = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_TASK_OF_RECORDS_WITHOUT_RESULTS = {"mmpretrain": "Self-Supervised Image Classification"}


def read(wheel: Path, row: int) -> tuple[Origin, list[PublishedModel]]:
    """The package and its models; `row` is the number by which they name it."""
    package, version = wheel.name.split("-")[:2]
    with zipfile.ZipFile(wheel) as archive:
        found = list(records(archive))
    models = merged([model for file, record in found for model in model_of(package, row, file, record)])
    for word in sorted({word for _, record in found for word in task_words(record)} - set(tables.TASKS)):
        print(f"{package}: the task {word!r} is not in the table, its models are left out", file=sys.stderr)
    return Origin(package=package, version=version, licence=LICENCE, name=wheel.name), models


def model_of(package: str, row: int, file: str, record: dict[str, Any]) -> list[PublishedModel]:
    """The record as one model for each task that its results name; none where the task is not in the table."""
    metadata = record.get("Metadata") or record.get("metadata") or {}
    results, words = results_of(record), task_words(record)
    if not words and package in _TASK_OF_RECORDS_WITHOUT_RESULTS:
        words = [_TASK_OF_RECORDS_WITHOUT_RESULTS[package]]
    name = re.sub(r"\.py$", "", str(record["Name"]))
    family = str(next(iter(as_list(record.get("In Collection") or record.get("In Collections"))), ""))
    made: dict[tuple[str, str], PublishedModel] = {}
    for word in words:
        if word not in tables.TASKS:
            continue
        task, special = tables.TASKS[word]
        model = PublishedModel(
            id=f"{package}/{name}",
            family=family,
            task=task,
            special=special,
            kind=tables.kind_of(name, family),
            origin=row,
            file=file,
            config=str(record.get("Config") or ""),
            parameters=figure(metadata, {"Parameters": 1.0, "params": 1.0, "Params(M)": 1e6}),
            flops=figure(metadata, {"FLOPs": 2.0, "Flops(G)": 2e9, "Flops(M)": 2e6}),
            scores=tuple(score for entry in results if str(entry.get("Task")) == word for score in scores(entry)),
            timings=tuple(timings(metadata)),
            inference=inference(metadata),
            weights=str(record.get("Weights") or ""),
        )
        before = made.get((task, special))
        made[task, special] = model if before is None else replaced(before, scores=before.scores + model.scores)
    return list(made.values())


def figure(metadata: dict[str, Any], factors: dict[str, float]) -> Figure | None:
    """The first field that holds a number; multiply-adds count as two, so FLOPs carry the factor 2."""
    for field, factor in factors.items():
        value = number(metadata.get(field))
        if value is not None and value > 0:
            said = f"Metadata.{field}" + (f" x {factor:g}" if factor != 1 else "")
            return Figure(value=round(value * factor), field=said)
    return None


def number(value: Any) -> float | None:
    """A number, or a text such as 43.0G or 12.3%; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    match = re.fullmatch(r"\s*([-+]?\d+(?:\.\d+)?)\s*([KMGT]?)\s*%?\s*", str(value))
    return float(match[1]) * _SCALES[match[2]] if match else None


def scores(entry: dict[str, Any]) -> Iterator[Score]:
    """The figures of one entry of Results; a table within a table names the data set in its heading."""
    dataset = str(entry.get("Dataset") or "")
    metrics = entry.get("Metrics")
    for name, value in (metrics if isinstance(metrics, dict) else {}).items():
        if isinstance(value, dict):
            for inner, figure_ in value.items():
                yield from score(str(inner), f"{dataset}, {name}", figure_, f"Metrics.{name}.{inner}")
        else:
            yield from score(str(name), dataset, value, f"Metrics.{name}")


def score(name: str, dataset: str, value: Any, field: str) -> Iterator[Score]:
    """One figure, where it is one and says how good the model is."""
    read_value = number(value)
    if read_value is None or name in tables.NOT_QUALITY:
        return
    metric, factor = tables.metric_of(name)
    known = tables.dataset_of(dataset)
    yield Score(
        metric=metric,
        dataset=known,
        value=round(read_value * factor, 9),
        better=tables.better(metric),
        field=f"Results.{field}",
    )


def timings(metadata: dict[str, Any]) -> Iterator[Timing]:
    """Measured times of one image, as the record states them."""
    for entry in as_list(metadata.get("inference time (ms/im)")):
        value = number(entry.get("value")) if isinstance(entry, dict) else None
        if value:
            yield Timing(
                seconds=value / 1e3,
                hardware=str(entry.get("hardware") or ""),
                precision=str(entry.get("mode") or ""),
                resolution=str(entry.get("resolution") or ""),
            )


def inference(metadata: dict[str, Any]) -> str:
    """What one inference is, where the record says it."""
    named = (("Resolution", "pixels"), ("Frame", "frames"))
    return ", ".join(f"{metadata[key]} {word}" for key, word in named if key in metadata)


def merged(models: list[PublishedModel]) -> list[PublishedModel]:
    """One entry for each id, task and form: the same weights join their scores, others get a number."""
    made: dict[tuple[str, str, str], PublishedModel] = {}
    for model in models:
        key, count = (model.id, model.task, model.special), 1
        while key in made and made[key].weights != model.weights:
            count += 1
            key = (f"{model.id}#{count}", model.task, model.special)
        before = made.get(key)
        if before is None:
            made[key] = replaced(model, id=key[0])
        else:
            made[key] = replaced(before, scores=tuple(dict.fromkeys(before.scores + model.scores)))
    return list(made.values())


def replaced(model: PublishedModel, **changes: Any) -> PublishedModel:
    """The model with some fields changed."""
    return msgspec.structs.replace(model, **changes)
