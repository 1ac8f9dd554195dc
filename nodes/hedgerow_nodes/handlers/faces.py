"""Handlers of faces: find them, turn them upright, and say whose they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from hedgerow_nodes.handlers.vision.boxes import box, largest, likeliest, with_crops
from hedgerow_nodes.handlers.vision.geometry import aligned
from hedgerow_nodes.handlers.vision.recognition import EYES_AND_MOUTH, FaceEncoder, Gallery, gallery
from hedgerow_nodes.handlers.vision.shipped import FaceFinder
from hedgerow_nodes.serve import Box, Boxes, Context, Image, handler, parameters

WithCrop = Annotated[bool, Meta(description="give each box its piece of the picture")]
UNKNOWN = "unknown"


@parameters
class DetectFacesParameters:
    threshold: Annotated[float, Meta(ge=0.01, le=0.99, description="least score of a face")] = 0.5
    overlap: Annotated[float, Meta(ge=0.0, le=1.0, description="of faces that overlap more, the best stays")] = 0.3
    smallest: Annotated[int, Meta(ge=0, le=16384, description="faces narrower than this are dropped, pixels")] = 20
    multiple: Annotated[bool, Meta(description="false keeps the largest face only")] = True
    with_crop: WithCrop = True
    margin: Annotated[float, Meta(ge=0.0, le=2.0, description="widens a crop on each side, in its size")] = 0.0
    threads: Annotated[int, Meta(ge=1, le=64)] = 1


@handler("detect_faces", inputs={"image": Image}, outputs={"boxes": Boxes}, parameters=DetectFacesParameters)
class DetectFaces:
    """Find faces with BlazeFace, and of each the eyes, nose, mouth and ears."""

    def __init__(self, parameters: DetectFacesParameters) -> None:
        self._settings = parameters
        self._finder = FaceFinder(parameters.threads)
        self._finder.find(np.zeros((256, 256, 3), np.uint8), 0.5, 0.5)

    def process(self, image: Image) -> Boxes:
        """Faces, best first; landmarks are right eye, left eye, nose, mouth, right ear, left ear."""
        settings = self._settings
        found = [
            box("face", face.score, face.box, face.points)
            for face in self._finder.find(image.array, settings.threshold, settings.overlap)
        ]
        found = [one for one in found if one.width >= settings.smallest]
        if not settings.multiple:
            found = largest(found)
        if settings.with_crop:
            found = with_crops(found, image.array, settings.margin)
        return Boxes(tuple(found), image.width, image.height)


@parameters
class AlignParameters:
    size: Annotated[int, Meta(ge=16, le=1024, description="side of the aligned face, pixels")] = 150


@handler("align", inputs={"image": Image, "boxes": Boxes}, outputs={"boxes": Boxes}, parameters=AlignParameters)
class Align:
    """Cut each face out upright, with its eyes and mouth always at the same place; they become the boxes' crops."""

    def __init__(self, parameters: AlignParameters) -> None:
        self._side = parameters.size

    def process(self, image: Image, boxes: Boxes) -> Boxes:
        """The boxes with aligned crops; a box without the landmarks of `detect_faces` is an error."""
        return Boxes(tuple(self._one(image, one) for one in boxes.boxes), boxes.width, boxes.height)

    def _one(self, image: Image, one: Box) -> Box:
        if len(one.landmarks) <= max(EYES_AND_MOUTH):
            raise ValueError(
                f"a box {one.label!r} has {len(one.landmarks)} landmarks; put `detect_faces` before `align`"
            )
        points = np.array([one.landmarks[index] for index in EYES_AND_MOUTH], dtype=np.float32)
        return replace(one, crop=aligned(image.array, points, self._side))


@parameters
class RecogniseFacesParameters:
    gallery: Annotated[
        str, Meta(description="folder with NAME.jpg or NAME/any.jpg of the people to know; empty: nobody is known")
    ] = ""
    threshold: Annotated[float, Meta(ge=0.05, le=2.0, description="greatest distance to be the same person")] = 0.5
    multiple: Annotated[bool, Meta(description="false keeps the surest face only")] = True
    with_crop: Annotated[bool, Meta(description="keep the crops of the faces")] = True
    with_embedding: Annotated[bool, Meta(description="give each box its vector of 128 numbers")] = True
    threads: Annotated[int, Meta(ge=1, le=64)] = 1


@handler("recognise_faces", inputs={"boxes": Boxes}, outputs={"boxes": Boxes}, parameters=RecogniseFacesParameters)
class RecogniseFaces:
    """Say whose faces these are, by the distance of dlib's vectors to those of a gallery.

    A face whose nearest known face is further than `threshold` is `unknown`. The probability is 1 - d / (2 x threshold)
    for a known face at distance d, hence 0.5 at the threshold; for an unknown one it is 0.
    """

    def __init__(self, parameters: RecogniseFacesParameters, context: Context) -> None:
        self._settings = parameters
        self._encoder = FaceEncoder(parameters.threads)
        self._encoder.vector(np.zeros((150, 150, 3), np.uint8))
        self._known = Gallery((), np.empty((0, 128), np.float32))
        if parameters.gallery:
            self._known = gallery(Path(parameters.gallery).expanduser(), FaceFinder(parameters.threads), self._encoder)
            context.log.info("gallery %s: %d pictures", parameters.gallery, len(self._known.names))

    def process(self, boxes: Boxes) -> Boxes:
        """The same boxes with names; a box without a crop is an error."""
        named = [self._named(one) for one in boxes.boxes]
        if not self._settings.multiple:
            named = likeliest(named)
        return Boxes(tuple(named), boxes.width, boxes.height)

    def _named(self, one: Box) -> Box:
        if one.crop is None:
            raise ValueError(f"a box {one.label!r} has no crop; put `align` before, which cuts faces out upright")
        vector = self._encoder.vector(one.crop)
        name, distance = self._known.nearest(vector)
        is_known = distance <= self._settings.threshold
        return replace(
            one,
            label=name if is_known else UNKNOWN,
            probability=1 - distance / (2 * self._settings.threshold) if is_known else 0.0,
            crop=one.crop if self._settings.with_crop else None,
            embedding=vector if self._settings.with_embedding else None,
        )
