"""Read torchvision's weight metadata from its wheel as data: the source is parsed, never imported."""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import published_tables as tables

from hedgerow_nodes.estimators.models.published import Figure, Origin, PublishedModel, Score

LICENCE = "BSD-3-Clause"

# Folder of the source -> (task id, special form).
_FOLDERS = {
    "detection": ("object-detection", ""),
    "segmentation": ("image-segmentation", ""),
    "video": ("video-classification", ""),
    "optical_flow": ("other", "optical flow"),
    "quantization": ("image-classification", ""),
}
_FORMS = {"KeypointRCNN": ("keypoint-detection", ""), "MaskRCNN": ("image-segmentation", "instances")}

# How good their boxes are is not what these are asked for.
_BESIDE = {"KeypointRCNN": ("box_map",), "MaskRCNN": ("box_map",)}


def read(wheel: Path, row: int) -> tuple[Origin, list[PublishedModel]]:
    """torchvision and its models; `row` is the number by which they name it."""
    package, version = wheel.name.split("-")[:2]
    models = []
    with zipfile.ZipFile(wheel) as archive:
        for file in sorted(archive.namelist()):
            if file.startswith("torchvision/models/") and file.endswith(".py"):
                tree = ast.parse(archive.read(file))
                constants = assigned(tree)
                models += [model_of(row, file, *found, constants) for found in weights(tree)]
    return Origin(package=package, version=version, licence=LICENCE, name=wheel.name), models


def assigned(tree: ast.Module) -> dict[str, Any]:
    """The dictionaries that the module gives a name, such as what all weights of a file share."""
    made: dict[str, Any] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name):
            if isinstance(node.value, ast.Dict):
                made[target.id] = value_of(node.value, made)
    return made


def weights(tree: ast.Module) -> Iterator[tuple[str, str, ast.Call]]:
    """Name of the class, name of the weights and the call that describes them."""
    for node in tree.body:
        if not (isinstance(node, ast.ClassDef) and node.name.endswith("Weights")):
            continue
        for inner in node.body:
            if isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Call):
                yield node.name, ast.unparse(inner.targets[0]), inner.value


def value_of(node: ast.expr, constants: dict[str, Any]) -> Any:
    """A literal as it is, a dictionary with what it takes over from others; None for anything else."""
    if isinstance(node, ast.Dict):
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                taken = constants.get(value.id, {}) if isinstance(value, ast.Name) else {}
                made.update(taken or {})
            elif isinstance(key, ast.Constant):
                made[key.value] = value_of(value, constants)
        return made
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def model_of(row: int, file: str, owner: str, name: str, call: ast.Call, constants: dict[str, Any]) -> PublishedModel:
    """One entry for one set of weights."""
    given = {keyword.arg: value_of(keyword.value, constants) for keyword in call.keywords}
    meta = given["meta"]
    model = owner.removesuffix("Weights").rstrip("_").removesuffix("_Quantized")
    task, special = _task(file, model)
    quantised = "quantization" in file
    parameters, ops, size = meta.get("num_params"), meta.get("_ops"), meta.get("_file_size")
    return PublishedModel(
        id=f"torchvision/{model}.{name}".lower(),
        family=model.split("_")[0],
        task=task,
        special=special,
        kind=tables.kind_of(model, ""),
        origin=row,
        file=file,
        parameters=Figure(value=float(parameters), field="meta.num_params") if parameters else None,
        flops=Figure(value=round(ops * 2e9), field="meta._ops x 2e+09") if ops else None,
        file_bytes=Figure(value=round(size * 2**20), field="meta._file_size x 2^20") if size else None,
        scores=tuple(_scores(meta.get("_metrics") or {}, _BESIDE.get(model.split("_")[0], ()))),
        inference=_inference(call),
        precision="int8" if quantised else "float32",
        weights=given.get("url") or "",
        licence=str(meta.get("license") or ""),
    )


def _task(file: str, model: str) -> tuple[str, str]:
    folder = file.split("/")[2]
    form = next((form for start, form in _FORMS.items() if model.startswith(start)), None)
    return form or _FOLDERS.get(folder, ("image-classification", ""))


def _scores(metrics: dict[str, Any], beside: tuple[str, ...]) -> Iterator[Score]:
    for dataset, values in metrics.items():
        for name, value in (values or {}).items():
            if value is None or name in beside:
                continue
            metric, factor = tables.metric_of(name)
            yield Score(
                metric=metric,
                dataset=tables.dataset_of(dataset),
                value=round(value * factor, 9),
                better=tables.better(metric),
                field=f"meta._metrics.{dataset}.{name}",
            )


def _inference(call: ast.Call) -> str:
    for keyword in call.keywords:
        if keyword.arg == "transforms" and isinstance(keyword.value, ast.Call):
            for inner in keyword.value.keywords:
                if inner.arg == "crop_size":
                    return f"crop {ast.unparse(inner.value)}"
    return ""
