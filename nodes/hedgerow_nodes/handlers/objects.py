"""Handlers that say what a picture shows: objects with boxes, or classes of the whole picture."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from hedgerow_nodes.estimators.models.bundled_weights import entry, labels
from hedgerow_nodes.handlers.vision.boxes import box, likeliest, with_crops
from hedgerow_nodes.handlers.vision.shipped import Classifier, ObjectFinder
from hedgerow_nodes.handlers.vision.shipped import likeliest as likeliest_classes
from hedgerow_nodes.serve import Boxes, Image, Record, Tensors, handler, parameters

Known = Literal["efficientnet-lite0", "digits-mlp"]


@parameters
class DetectObjectsParameters:
    threshold: Annotated[float, Meta(ge=0.05, le=0.99, description="least score of an object")] = 0.4
    overlap: Annotated[float, Meta(ge=0.0, le=1.0, description="of like objects overlapping more, the best stays")] = (
        0.6
    )
    targets: Annotated[
        tuple[str, ...], Meta(max_length=80, description="kinds to look for; empty: all 80 of COCO")
    ] = ()
    most: Annotated[int, Meta(ge=1, le=1000, description="boxes at most")] = 100
    multiple: Annotated[bool, Meta(description="false keeps the most probable object only")] = True
    with_crop: Annotated[bool, Meta(description="give each box its piece of the picture")] = True
    margin: Annotated[float, Meta(ge=0.0, le=2.0, description="widens a crop on each side, in its size")] = 0.0
    threads: Annotated[int, Meta(ge=1, le=64)] = 1


@handler("detect_objects", inputs={"image": Image}, outputs={"boxes": Boxes}, parameters=DetectObjectsParameters)
class DetectObjects:
    """Find everyday objects of 80 kinds with NanoDet-g."""

    def __init__(self, parameters: DetectObjectsParameters) -> None:
        self._settings = parameters
        self._finder = ObjectFinder(parameters.threads)
        unknown = sorted(set(parameters.targets) - set(self._finder.labels))
        if unknown:
            known = ", ".join(self._finder.labels)
            raise ValueError(f"targets {', '.join(unknown)} are no kinds of objects that it knows; known: {known}")
        self._finder.find(np.zeros((416, 416, 3), np.uint8), 0.9, 0.5)

    def process(self, image: Image) -> Boxes:
        """Objects, best first."""
        settings = self._settings
        found = [
            box(one.label, one.score, one.box)
            for one in self._finder.find(image.array, settings.threshold, settings.overlap)
            if not settings.targets or one.label in settings.targets
        ][: settings.most]
        if not settings.multiple:
            found = likeliest(found)
        if settings.with_crop:
            found = with_crops(found, image.array, settings.margin)
        return Boxes(tuple(found), image.width, image.height)


@parameters
class ClassifyParameters:
    model: Annotated[Known, Meta(description="1000 classes of ImageNet, or bright digits on dark ground")] = (
        "efficientnet-lite0"
    )
    top: Annotated[int, Meta(ge=1, le=1000, description="classes to tell")] = 5
    threshold: Annotated[float, Meta(ge=0.0, le=1.0, description="classes less probable are not told")] = 0.0
    threads: Annotated[int, Meta(ge=1, le=64)] = 1


@handler("classify", inputs={"image": Image}, outputs={"record": Record}, parameters=ClassifyParameters)
class Classify:
    """Say what a whole picture shows, with EfficientNet-Lite0 or the classifier of digits."""

    def __init__(self, parameters: ClassifyParameters) -> None:
        self._settings = parameters
        self._classifier = Classifier(f"{parameters.model}.onnx", parameters.threads)
        self._classifier.find(np.zeros((224, 224, 3), np.uint8), 1)

    def process(self, image: Image) -> Record:
        """`{"classes": [{"label", "probability"}, …]}`, best first."""
        return _told(self._classifier.find(image.array, self._settings.top), self._settings.threshold)


@parameters
class PrepareParameters:
    model: Annotated[Known, Meta(description="whose input is made")] = "efficientnet-lite0"
    tensor: Annotated[str, Meta(description="name of the tensor; empty: as the model calls its input")] = ""


@handler("prepare", inputs={"image": Image}, outputs={"tensors": Tensors}, parameters=PrepareParameters)
class Prepare:
    """Make of a picture the tensor that a shipped classifier takes, to feed a network or its first part."""

    def __init__(self, parameters: PrepareParameters) -> None:
        self._classifier = Classifier(f"{parameters.model}.onnx", 1)
        self._name = parameters.tensor or self._classifier.input_name

    def process(self, image: Image) -> Tensors:
        """One tensor with batch axis."""
        return Tensors({self._name: self._classifier.input(image.array)})


@parameters
class ReadClassesParameters:
    labels: Annotated[
        Literal["efficientnet-lite0", "digits-mlp", "numbers"], Meta(description="whose names the classes have")
    ] = "efficientnet-lite0"
    tensor: Annotated[str, Meta(description="which tensor holds the logits; empty: the only one")] = ""
    top: Annotated[int, Meta(ge=1, le=1000, description="classes to tell")] = 5
    threshold: Annotated[float, Meta(ge=0.0, le=1.0, description="classes less probable are not told")] = 0.0


@handler("read_classes", inputs={"tensors": Tensors}, outputs={"record": Record}, parameters=ReadClassesParameters)
class ReadClasses:
    """Say which classes the logits of a network mean."""

    def __init__(self, parameters: ReadClassesParameters) -> None:
        self._settings = parameters
        is_named = parameters.labels != "numbers"
        self._names = labels(entry(f"{parameters.labels}.onnx").labels) if is_named else ()

    def process(self, tensors: Tensors) -> Record:
        """As `classify` tells them."""
        arrays, wanted = tensors.arrays, self._settings.tensor
        if not wanted and len(arrays) == 1:
            (wanted,) = arrays
        if wanted not in arrays:
            raise ValueError(f"tensor {wanted!r} is not among {', '.join(sorted(arrays)) or 'none'}; set `tensor`")
        found = likeliest_classes(arrays[wanted], self._names, self._settings.top)
        return _told(found, self._settings.threshold)


def _told(found: list[tuple[str, float]], threshold: float) -> Record:
    told = [{"label": label, "probability": round(share, 4)} for label, share in found if share >= threshold]
    return Record({"classes": told})
