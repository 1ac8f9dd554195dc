"""One inference of a shipped model on its sample, for every form of it: a picture, a vector, a sentence, a page."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow_nodes.estimators.models.bundled_weights import (
    BundledFile,
    checked_path,
    checked_variant_path,
    entry,
    folder,
    labels,
    variant_for,
)
from hedgerow_nodes.estimators.models.sample_results import Array, prepare, prepared, result
from hedgerow_nodes.estimators.models.text_lines import letters, lines
from hedgerow_nodes.estimators.onnx_runtime import session
from hedgerow_nodes.estimators.text.word_pieces import piece_numbers

_LINE_MEAN = 127.5


class BundledRun(ABC):
    """A model at one precision with its sample: `run` is what is timed, `found` what came out of it."""

    def __init__(self, item: BundledFile, variant: str, threads: int) -> None:
        self.item = item
        self._session = session(model_path(item, variant), threads)

    @abstractmethod
    def run(self) -> list[Array]:
        """One inference on the sample: every output that is compared between precisions."""

    @abstractmethod
    def found(self, outputs: list[Array]) -> dict[str, Any]:
        """What the outputs mean, with what the sample shows and its file."""


class _One(BundledRun):
    """One array in, read by the decoder of its kind."""

    def __init__(self, item: BundledFile, variant: str, threads: int) -> None:
        super().__init__(item, variant, threads)
        array, self._scale = prepare(item)
        self._feed = {self._session.get_inputs()[0].name: array}

    def run(self) -> list[Array]:
        return list(self._session.run(None, self._feed))

    def found(self, outputs: list[Array]) -> dict[str, Any]:
        return result(self.item, outputs, self._scale)


class _Sentences(BundledRun):
    """One sentence in, one vector out; the sample has two more, which are compared with it."""

    def __init__(self, item: BundledFile, variant: str, threads: int) -> None:
        super().__init__(item, variant, threads)
        self._told = json.loads((folder() / item.sample.file).read_text(encoding="utf-8"))

    def run(self) -> list[Array]:
        return [self._vector(self._told["sentence"])]

    def found(self, outputs: list[Array]) -> dict[str, Any]:
        found = {"sample": self.item.sample.shows, "file": self.item.sample.file, "sentence": self._told["sentence"]}
        for other in ("related", "unrelated"):
            cosine = float(outputs[0][0] @ self._vector(self._told[other])[0])
            found[other] = {"sentence": self._told[other], "cosine": round(cosine, 3)}
        return found

    def _vector(self, sentence: str) -> Array:
        longest = self.item.preparation.size[0]
        pieces = piece_numbers(sentence, longest)
        numbers, mask = np.zeros((2, 1, longest), dtype=np.int64)
        numbers[0, : len(pieces)], mask[0, : len(pieces)] = pieces, 1
        vector: Array = self._session.run(None, {"input_ids": numbers, "attention_mask": mask})[0]
        return vector


class _Page(BundledRun):
    """A page in; the companion finds its lines, and the model reads each."""

    def __init__(self, item: BundledFile, variant: str, threads: int) -> None:
        super().__init__(item, variant, threads)
        from PIL import Image  # only pictures need it

        finder = entry(item.companion)
        self._finder = session(model_path(finder, companion_variant(finder, variant)), threads)
        with Image.open(folder() / item.sample.file) as opened:
            self._page = opened.convert("RGB")
        self._array, self._scale = prepared(self._page, finder.preparation)
        self._names = ("", *labels(item.labels))

    def run(self) -> list[Array]:
        likely: Array = self._finder.run(None, {self._finder.get_inputs()[0].name: self._array})[0]
        return [likely, *(self._read(line.box) for line in lines(likely[0, 0]))]

    def found(self, outputs: list[Array]) -> dict[str, Any]:
        read = []
        for line, shares in zip(lines(outputs[0][0, 0]), outputs[1:], strict=True):
            text, score = letters(shares[0], self._names)
            box = [round(edge / self._scale) for edge in line.box]
            read.append({"text": text, "score": round(score, 3), "box": box})
        return {"sample": self.item.sample.shows, "file": self.item.sample.file, "text": read}

    def _read(self, box: tuple[int, int, int, int]) -> Array:
        height, width = self.item.preparation.size
        left, top, right, bottom = (round(edge / self._scale) for edge in box)
        cut = self._page.crop((left, top, right, bottom))
        wide = min(width, max(1, round(cut.width * height / cut.height)))
        line = np.zeros((height, width, 3), dtype=np.float32)
        line[:, :wide] = np.asarray(cut.resize((wide, height)), dtype=np.float32)[..., ::-1] / _LINE_MEAN - 1
        feed = np.ascontiguousarray(line.transpose(2, 0, 1)[None])
        shares: Array = self._session.run(None, {self._session.get_inputs()[0].name: feed})[0]
        return shares


_KINDS: dict[str, type[BundledRun]] = {"sentence vector": _Sentences, "letters of lines": _Page}


def bundled_run(item: BundledFile, variant: str = "", threads: int = 1) -> BundledRun:
    """The model at the precision of one of its variants (`float16`, `int8 static`, …), or as it ships.

    Raises:
        WeightsError: a file is missing or changed.
    """
    return _KINDS.get(item.decoder, _One)(item, variant, threads)


def companion_variant(companion: BundledFile, variant: str) -> str:
    """The companion's variant that goes with a variant of the model: of the same name, else of the same precision."""
    if not variant or any(one.name == variant for one in companion.variants):
        return variant
    return variant_for(companion, variant.partition(" ")[0])


def model_path(item: BundledFile, variant: str) -> Path:
    """The checked file of a model at a precision; as it ships, where it has no variant of that name.

    Raises:
        WeightsError: a file is missing or changed.
    """
    made = next((one for one in item.variants if one.name == variant), None)
    return checked_variant_path(made) if made else checked_path(item.file)
