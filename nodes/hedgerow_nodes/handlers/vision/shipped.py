"""The networks of faces, objects and classes that ship, each as one object with a session and one method."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from hedgerow_nodes.estimators.models.anchored_faces import Face, found_faces
from hedgerow_nodes.estimators.models.bundled_weights import BundledFile, checked_path, entry, labels
from hedgerow_nodes.estimators.models.sample_results import found_boxes, prepared
from hedgerow_nodes.estimators.onnx_runtime import session
from hedgerow_nodes.handlers.vision.geometry import Pixels

FACES, OBJECTS = "blazeface-256.onnx", "nanodet-g-416.onnx"
CLASSIFIERS = ("efficientnet-lite0.onnx", "digits-mlp.onnx")
DIGIT_SIDE, DIGIT_LEVELS = 8, 16.0


class Found(NamedTuple):
    """An object: its kind, its score of 0 to 1 and its box (left, top, right, bottom) in pixels."""

    label: str
    score: float
    box: NDArray[np.float32]


class _Shipped:
    def __init__(self, file: str, threads: int) -> None:
        self.item: BundledFile = entry(file)
        self._session = session(checked_path(file), threads)
        self.input_name: str = self._session.get_inputs()[0].name
        self.labels = labels(self.item.labels)

    def outputs(self, array: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return list(self._session.run(None, {self.input_name: array}))


class FaceFinder(_Shipped):
    """BlazeFace for whole pictures."""

    def __init__(self, threads: int = 1) -> None:
        super().__init__(FACES, threads)

    def find(self, picture: Pixels, least: float, most_overlap: float) -> list[Face]:
        """Faces with a score above `least`, best first, with their points; no two overlap by `most_overlap`."""
        array, scale = prepared(Pictures.fromarray(picture), self.item.preparation)
        return found_faces(self.outputs(array), self.item.preparation.size[0], scale, least, most_overlap)


class ObjectFinder(_Shipped):
    """NanoDet-g, which knows 80 kinds of everyday objects."""

    def __init__(self, threads: int = 1) -> None:
        super().__init__(OBJECTS, threads)

    def find(self, picture: Pixels, least: float, most_overlap: float) -> list[Found]:
        """Objects with a score of `least` or more, best first; no two of a kind overlap by `most_overlap`."""
        array, scale = prepared(Pictures.fromarray(picture), self.item.preparation)
        size = self.item.preparation.size[0]
        found = found_boxes(self.outputs(array), len(self.labels), size, scale, least, most_overlap)
        return [Found(self.labels[kind], score, box) for score, kind, box in found]


class Classifier(_Shipped):
    """EfficientNet-Lite0 with the 1000 classes of ImageNet, or the classifier of digits."""

    def find(self, picture: Pixels, most: int) -> list[tuple[str, float]]:
        """The `most` likeliest classes with their probabilities, best first."""
        return likeliest(self.outputs(self.input(picture))[0][0], self.labels, most)

    def input(self, picture: Pixels) -> NDArray[np.float32]:
        """What the network takes of a picture, with batch axis."""
        if self.item.preparation.resize == "none":
            return digit_levels(picture)
        return prepared(Pictures.fromarray(picture), self.item.preparation)[0]


def likeliest(logits: NDArray[Any], names: tuple[str, ...], most: int) -> list[tuple[str, float]]:
    """The `most` likeliest classes by the softmax of the logits, best first; a class without a name is its number."""
    flat = np.asarray(logits, dtype=np.float64).ravel()
    shares = np.exp(flat - flat.max())
    shares /= shares.sum()
    best = np.argsort(-shares, kind="stable")[:most]
    return [(names[i] if i < len(names) else str(i), float(shares[i])) for i in best]


def digit_levels(picture: Pixels) -> NDArray[np.float32]:
    """A bright digit on dark ground as 64 levels of 0 to 16, as the classifier of digits was trained on."""
    grey = Pictures.fromarray(picture).convert("L").resize((DIGIT_SIDE, DIGIT_SIDE), Pictures.Resampling.BOX)
    return (np.asarray(grey, dtype=np.float32) * (DIGIT_LEVELS / 255)).reshape(1, -1)
