"""Tell whose face it is: dlib's network of 128 numbers a face, and the known faces of a folder, one name each.

Two faces of one person lie near each other, those of two people further apart. The network was trained to keep people
in balls of radius 0.6 (dlib-models). Seen with our own alignment: different photographs of one person 0.24 to 0.43
apart, people within one photograph 0.51 and more, so that 0.5 is where a handler begins.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.estimators.models.bundled_weights import Origin, Preparation, Upstream, WeightsError
from hedgerow_nodes.estimators.onnx_runtime import session
from hedgerow_nodes.handlers.vision.coding import UnreadablePicture, decoded
from hedgerow_nodes.handlers.vision.geometry import Pixels, aligned, resized
from hedgerow_nodes.handlers.vision.shipped import FaceFinder

Vector = NDArray[np.float32]
SIDE = 150
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
EYES_AND_MOUTH = (0, 1, 3)
LEAST_FACE_SCORE, MOST_FACE_OVERLAP = 0.5, 0.3


class GalleryError(Exception):
    """A gallery that cannot be used, with the file it is about."""


class WeightsFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the manifest of these weights says of the file; the fields are those of the other weights that ship."""

    file: str
    sha256: str
    bytes: int
    stored_as: str
    conversion: str
    origin: Origin
    upstream: Upstream
    preparation: Preparation


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    files: tuple[WeightsFile, ...]


def folder() -> Path:
    """Where the weights lie."""
    return Path(str(files("hedgerow_nodes.handlers").joinpath("weights")))


@functools.cache
def weights() -> WeightsFile:
    """The manifest's entry.

    Raises:
        WeightsError: it is missing or malformed.
    """
    try:
        return msgspec.json.decode((folder() / "manifest.json").read_bytes(), type=_Manifest).files[0]
    except (OSError, msgspec.MsgspecError, IndexError) as error:
        raise WeightsError(f"the manifest of the handlers' weights cannot be read: {error}") from error


class FaceEncoder:
    """The network, whose weights are checked before they are loaded."""

    def __init__(self, threads: int = 1) -> None:
        item = weights()
        path = folder() / item.file
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none, as it is missing"
        if digest != item.sha256:
            raise WeightsError(f"weights {item.file!r} have SHA-256 {digest}, not {item.sha256}; install again")
        self._session = session(path, threads)
        self._mean = np.array(item.preparation.mean, np.float32)
        self._std = np.array(item.preparation.std, np.float32)

    def vector(self, face: Pixels) -> Vector:
        """The 128 numbers of an aligned face, which is brought to 150 x 150 pixels."""
        array = (resized(face, SIDE, SIDE).astype(np.float32) - self._mean) / self._std
        found: Vector = self._session.run(None, {"picture": np.ascontiguousarray(array.transpose(2, 0, 1)[None])})[0][0]
        return found


class Gallery:
    """Names and vectors of known people."""

    def __init__(self, names: tuple[str, ...], vectors: NDArray[np.float32]) -> None:
        self.names, self._vectors = names, vectors

    def nearest(self, vector: Vector) -> tuple[str, float]:
        """Who is nearest, and how far away; nobody at an infinite distance if nobody is known."""
        if not self.names:
            return "", float("inf")
        distances = np.linalg.norm(self._vectors - vector, axis=1)
        best = int(distances.argmin())
        return self.names[best], float(distances[best])


def gallery(place: Path, finder: FaceFinder, encoder: FaceEncoder) -> Gallery:
    """The people in a folder: `NAME.jpg`, or `NAME/any.jpg` for several pictures of one; of each the largest face.

    Raises:
        GalleryError: the folder or a picture cannot be read, is empty, or shows no face.
    """
    if not place.is_dir():
        raise GalleryError(
            f"gallery {str(place)!r} is no folder; make it, with a picture of each person named NAME.jpg"
        )
    pictures = [
        (path.stem if path.parent == place else path.parent.name, path)
        for path in sorted([*place.glob("*"), *place.glob("*/*")])
        if path.suffix.lower() in PICTURES
    ]
    if not pictures:
        raise GalleryError(f"gallery {str(place)!r} has no pictures; put NAME.jpg or NAME/any.jpg there")
    vectors = [encoder.vector(_largest_face(path, finder)) for _, path in pictures]
    return Gallery(tuple(name for name, _ in pictures), np.stack(vectors))


def _largest_face(path: Path, finder: FaceFinder) -> Pixels:
    try:
        picture = decoded(path.read_bytes())
    except (OSError, UnreadablePicture) as error:
        raise GalleryError(f"gallery picture {str(path)!r} cannot be read: {error}") from error
    faces = finder.find(picture, LEAST_FACE_SCORE, MOST_FACE_OVERLAP)
    if not faces:
        raise GalleryError(f"gallery picture {str(path)!r} shows no face; use one where it is seen from the front")
    face = max(faces, key=lambda one: float(np.prod(one.box[2:] - one.box[:2])))
    return aligned(picture, face.points[list(EYES_AND_MOUTH)], SIDE)
