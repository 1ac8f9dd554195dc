"""Prepare the sample that ships with a bundled model, and say in plain words what the model found in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.estimators.models.anchored_faces import faces, overlap
from hedgerow_nodes.estimators.models.bundled_weights import BundledFile, Preparation, folder, labels

Array = NDArray[np.float32]

BOX_SCORE = 0.4
BOX_OVERLAP = 0.6
MAXIMUM_BOXES = 20
TOP_CLASSES = 5


def prepare(item: BundledFile) -> tuple[Array, float]:
    """The model's input for its sample, with batch axis, and by how much a picture was scaled (1 for a vector)."""
    path = folder() / item.sample.file
    if item.preparation.resize == "none":
        values = json.loads(path.read_text(encoding="utf-8"))["values"]
        return np.asarray(values, dtype=np.float32)[None], 1.0
    return picture(path, item.preparation)


def result(item: BundledFile, outputs: list[Array], scale: float) -> dict[str, Any]:
    """What the outputs mean: boxes in pixels of the sample, or the likeliest classes."""
    names = labels(item.labels)
    found: dict[str, Any]
    if item.decoder == "distribution boxes":
        found = {"objects": boxes(outputs, names, item.preparation.size[0], scale)}
    elif item.decoder == "anchored faces":
        found = {"objects": faces(outputs, item.preparation.size[0], scale, names[0])}
    else:
        found = {"classes": classes(outputs[0][0], names)}
    return {"sample": item.sample.shows, "file": item.sample.file, **found}


def classes(logits: Array, names: tuple[str, ...], top: int = TOP_CLASSES) -> list[dict[str, Any]]:
    """The `top` likeliest classes with their softmax probability; logits of shape (classes,)."""
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    best = np.argsort(-shares, kind="stable")[:top]
    return [{"label": names[i], "score": round(float(shares[i]), 3)} for i in best]


def boxes(outputs: list[Array], names: tuple[str, ...], size: int, scale: float) -> list[dict[str, Any]]:
    """Objects as they are told, best first, in pixels of the sample, which was scaled by `scale`."""
    return [
        {"label": names[kind], "score": round(score, 3), "box": [round(float(edge)) for edge in box]}
        for score, kind, box in found_boxes(outputs, len(names), size, scale)[:MAXIMUM_BOXES]
    ]


def found_boxes(
    outputs: list[Array],
    kinds: int,
    size: int,
    scale: float,
    least: float = BOX_SCORE,
    most_overlap: float = BOX_OVERLAP,
) -> list[tuple[float, int, Array]]:
    """Score, kind and box of objects of a detector with distribution boxes (Generalized Focal Loss, arXiv:2006.04388).

    Best first. For each stride there are scores of shape (1, cells, kinds) and distances to the four sides of shape
    (1, cells, 4 x bins), whose softmax over the bins is a distribution of the distance in strides. Overlapping boxes
    of one kind are suppressed.
    """
    kept: list[tuple[float, int, Array]] = []
    for scores in (output[0] for output in outputs if output.shape[-1] == kinds):
        cells = scores.shape[0]
        sides = next(o[0] for o in outputs if o.shape[1] == cells and o.shape[-1] != kinds)
        row = round(cells**0.5)
        for cell, kind in np.argwhere(scores >= least):
            corner = _corners(sides[cell].reshape(4, -1), int(cell) % row, int(cell) // row, size / row)
            kept.append((float(scores[cell, kind]), int(kind), np.clip(corner, 0, size) / scale))
    kept.sort(key=lambda box: (-box[0], box[1]))
    chosen: list[tuple[float, int, Array]] = []
    for score, kind, box in kept:
        if all(kind != other or overlap(box, there) < most_overlap for _, other, there in chosen):
            chosen.append((score, kind, box))
    return chosen


def _corners(bins: Array, column: int, row: int, stride: float) -> Array:
    shares = np.exp(bins - bins.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    left, top, right, bottom = shares @ np.arange(bins.shape[1], dtype=np.float32) * stride
    x, y = (column + 0.5) * stride, (row + 0.5) * stride
    return np.asarray([x - left, y - top, x + right, y + bottom], dtype=np.float32)


def in_words(found: dict[str, Any]) -> str:
    """The result as a sentence or two: what the sample is, and what came out."""
    sample = f"Given {found['sample']}"
    if "text" in found:
        return f"{sample}, it read: “{' / '.join(line['text'] for line in found['text'])}”."
    if "related" in found:
        related, unrelated = found["related"], found["unrelated"]
        return (
            f"{sample}: {found['sentence']!r} and {related['sentence']!r} have a cosine of {related['cosine']:.2f}, "
            f"{found['sentence']!r} and {unrelated['sentence']!r} one of {unrelated['cosine']:.2f}."
        )
    if "objects" in found:
        told = [f"{one['label']} {one['score']:.2f} at {tuple(one['box'])}" for one in found["objects"]]
        return f"{sample}, it found: {', '.join(told) or 'nothing'} (left, top, right, bottom in pixels)."
    told = [f"{one['label']} {one['score']:.2f}" for one in found["classes"]]
    return f"{sample}, it says: {', '.join(told)}."


def picture(path: Path, preparation: Preparation) -> tuple[Array, float]:
    """A picture as the model takes it, with batch axis, and by how much it was scaled."""
    from PIL import Image  # only pictures need it

    with Image.open(path) as opened:
        return prepared(opened.convert("RGB"), preparation)


def prepared(picture: Any, preparation: Preparation) -> tuple[Array, float]:
    """An RGB picture of Pillow as the model takes it, with batch axis, and by how much it was scaled."""
    height, width = preparation.size
    fit = min if preparation.resize == "pad" else max
    scale = fit(width / picture.width, height / picture.height)
    resized = np.asarray(picture.resize((round(picture.width * scale), round(picture.height * scale))))
    canvas = np.zeros((height, width, 3), dtype=np.float32)
    top, left = ((n - m) // 2 if n > m else 0 for n, m in zip(resized.shape[:2], (height, width), strict=True))
    cut = resized[top : top + height, left : left + width]
    canvas[: cut.shape[0], : cut.shape[1]] = cut
    if preparation.order == "bgr":
        canvas = canvas[..., ::-1]
    mean, std = (np.asarray(values, dtype=np.float32) for values in (preparation.mean, preparation.std))
    return np.ascontiguousarray(((canvas - mean) / std).transpose(2, 0, 1)[None], dtype=np.float32), scale
