"""Build the float16 and int8 variants of the weights that ship, and add them to the manifest.

Needs onnx, onnxruntime, sympy, scikit-image and pillow. Each variant is a graph that takes from the other shipped files
what these hold already, so that only its own numbers are added.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import model_variants as variants
import numpy as np
import onnx
from digits_classifier import training_rows
from onnx_costs import with_float16_weights
from onnx_files import WEIGHTS
from PIL import Image
from text_pages import CALIBRATION_PAGES, page

from hedgerow_nodes.estimators.models import bundled_weights, sample_results
from hedgerow_nodes.estimators.models.bundled_weights import BundledFile

# Photographs of scikit-image that come with it; what they show matters little, that they are real does.
PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "coins", "hubble_deep_field", "page", "retina", "rocket")
# Networks of convolutions have their ranges fixed; what is mostly matrix products finds them anew in each run.
# BlazeFace has no int8 variant: its channels differ so much in range that it found no face, or faces everywhere.
STATIC = ("efficientnet-lite0.onnx", "nanodet-g-416.onnx", "ppocr-v4-finder.onnx", "digits-mlp.onnx")
DYNAMIC = ("digits-mlp.onnx", "ppocr-v4-reader.onnx")
Feeds = list[dict[str, Any]]


def main(arguments: list[str] | None = None) -> int:
    """Build every variant and write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.parse_args(arguments)
    manifest = json.loads((WEIGHTS / "manifest.json").read_text(encoding="utf-8"))
    for item in bundled_weights.manifest().files:
        facts = next(one for one in manifest["files"] if one["file"] == item.file)
        facts["variants"] = made_of(item)
        for one in facts["variants"]:
            print(f"{one['file']}: {one['bytes']} bytes of its own, {one['weights_bytes']} bytes of weights")
    (WEIGHTS / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return 0


def made_of(item: BundledFile) -> list[dict[str, Any]]:
    """Write the variants of one file; what the manifest says of them."""
    if item.decoder == "sentence vector":
        return _of_the_sentence_encoder(item)
    exact = variants.as_float32(onnx.load(WEIGHTS / item.file))
    made = [_stored(item, variants.float16(exact), "float16", "cast")]
    with tempfile.TemporaryDirectory() as scratch:
        if item.file in STATIC:
            feeds, told = _feeds(item, exact.graph.input[0].name)
            graph = variants.int8_static(exact, feeds, Path(scratch))
            made.append(_stored(item, graph, "int8", "static", told))
        if item.file in DYNAMIC:
            graph = variants.int8_dynamic(exact, Path(scratch))
            # What stays in float is stored as in the model itself, and so shared with it.
            made.append(_stored(item, with_float16_weights(graph, standard=False), "int8", "dynamic"))
    return made


def _of_the_sentence_encoder(item: BundledFile) -> list[dict[str, Any]]:
    """Its matrices are integers already: one variant multiplies them as such, the other makes halves of them."""
    stored = onnx.load(WEIGHTS / item.file)
    half, whole = variants.float16(stored), variants.integer_products(stored)
    return [_stored(item, half, "float16", "cast"), _stored(item, whole, "int8", "dynamic")]


def _stored(item: BundledFile, graph: onnx.ModelProto, precision: str, method: str, told: str = "") -> dict[str, Any]:
    stem = item.file.removesuffix(".onnx")
    name = f"{stem}.{precision}.onnx" if method == "cast" else f"{stem}.{precision}-{method}.onnx"
    weights = variants.weights_bytes(graph)
    others = [WEIGHTS / item.file, *sorted(WEIGHTS.glob(f"{stem}.*.onnx"))]
    shared, files = variants.sharing(graph, [path for path in others if path.exists() and path.name != name])
    content = shared.SerializeToString()
    (WEIGHTS / name).write_bytes(content)
    return {
        "file": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "precision": precision,
        "method": method,
        "weights_bytes": weights,
        "shares": files,
        "calibration": told,
    }


def _feeds(item: BundledFile, entry: str) -> tuple[Feeds, str]:
    """The inputs by which ranges are fixed, and what they are in words."""
    if item.file == "digits-mlp.onnx":
        rows = training_rows()[:200]
        return [{entry: row[None].astype(np.float32)} for row in rows], "200 digits that it was trained on"
    if item.decoder == "text pixels":
        pages = [page(lines, seed) for seed, lines in enumerate(CALIBRATION_PAGES, start=1)]
        return _prepared(item, entry, pages), f"{len(pages)} drawn pages of text other than its sample"
    from skimage import data  # only here

    pictures = []
    for name in PHOTOGRAPHS:
        fetch: Callable[[], Any] = getattr(data, name)
        pictures.append(Image.fromarray(fetch()).convert("RGB"))
    return _prepared(item, entry, pictures), f"{len(pictures)} photographs of scikit-image 0.26.0"


def _prepared(item: BundledFile, entry: str, pictures: Sequence[Image.Image]) -> Feeds:
    return [{entry: sample_results.prepared(picture, item.preparation)[0]} for picture in pictures]


if __name__ == "__main__":
    raise SystemExit(main())
