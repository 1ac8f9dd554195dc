"""Faces found, turned upright and recognised in the pictures that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handler_bench import SAMPLES, FakeContext, made, plain_picture, sample
from PIL import Image as Pictures

from hedgerow_nodes.estimators.models.anchored_faces import overlap
from hedgerow_nodes.estimators.models.bundled_weights import WeightsError
from hedgerow_nodes.handlers.vision import recognition
from hedgerow_nodes.handlers.vision.geometry import LEFT_EYE, MOUTH, RIGHT_EYE, aligned, alignment
from hedgerow_nodes.handlers.vision.recognition import FaceEncoder, GalleryError, weights
from hedgerow_nodes.serve import BadHandler, Box, Boxes, Image

FACE = [180.0, 75.0, 275.0, 175.0]  # the face of the astronaut in pixels of the sample, drawn by hand
RIGHT, LEFT, MIDDLE = (203.0, 102.0), (247.0, 102.0), (224.0, 150.0)  # her eyes and mouth, by hand


def chain(picture: Image, **recognise: Any) -> Boxes:
    """Find, align, recognise."""
    boxes = made("detect_faces").process(picture)
    return made("recognise_faces", FakeContext(Path("/nonexistent")), **recognise).process(
        made("align").process(picture, boxes)
    )


def changed(picture: Image, change: str) -> Image:
    shown = Pictures.fromarray(picture.array)
    made_anew = {
        "mirrored": lambda: shown.transpose(Pictures.Transpose.FLIP_LEFT_RIGHT),
        "dark": lambda: shown.point(lambda level: level * 0.5),
        "turned": lambda: shown.rotate(15, Pictures.Resampling.BILINEAR),
        "small": lambda: shown.resize((shown.width * 3 // 4, shown.height * 3 // 4)),
    }[change]()
    return Image(np.asarray(made_anew))


def test_the_only_face_is_found_where_it_is() -> None:
    found = made("detect_faces").process(sample("astronaut.jpg"))
    (face,) = found.boxes
    assert (face.label, found.width, found.height) == ("face", 512, 512)
    assert face.probability > 0.8
    box = np.float32([face.x, face.y, face.x + face.width, face.y + face.height])
    assert overlap(box, np.float32(FACE)) > 0.6
    assert face.crop is not None
    assert abs(face.crop.shape[0] - face.height) < 2


def test_its_points_are_where_they_are() -> None:
    (face,) = made("detect_faces").process(sample("astronaut.jpg")).boxes
    assert len(face.landmarks) == 6
    for index, by_hand in ((0, RIGHT), (1, LEFT), (3, MIDDLE)):
        assert np.hypot(*np.subtract(face.landmarks[index], by_hand)) < 5


def test_crops_can_be_wider_or_left_out() -> None:
    picture = sample("astronaut.jpg")
    (bare,), (wide,) = (
        made("detect_faces", **given).process(picture).boxes for given in ({"with_crop": False}, {"margin": 0.5})
    )
    assert bare.crop is None
    assert wide.crop is not None
    assert abs(wide.crop.shape[1] - 2 * wide.width) < 2


def test_one_face_is_the_largest() -> None:
    face = sample("astronaut.jpg").array[40:240, 120:320]
    two = np.zeros((400, 640, 3), np.uint8)
    two[0:400, 0:400] = np.asarray(Pictures.fromarray(face).resize((400, 400)))
    two[0:200, 420:620] = face
    assert len(made("detect_faces").process(Image(two)).boxes) == 2
    (largest,) = made("detect_faces", multiple=False).process(Image(two)).boxes
    assert largest.x < 300
    assert made("detect_faces", smallest=400).process(Image(two)).boxes == ()


def test_nothing_is_found_where_nothing_is() -> None:
    assert made("detect_faces").process(plain_picture(300, 200)).boxes == ()
    assert chain(plain_picture(300, 200)).boxes == ()


def test_alignment_brings_eyes_and_mouth_where_they_belong() -> None:
    truth = np.float32([RIGHT_EYE, LEFT_EYE, MOUTH]) * 100
    turn = np.deg2rad(30)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = (truth @ rotation.T * 3 + (50, 20)).astype(np.float32)
    matrix = alignment(points, 100)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], truth, atol=1e-3)
    with pytest.raises(ValueError, match="on one another"):
        alignment(np.ones((3, 2), np.float32), 100)


def test_a_large_face_is_made_small_without_noise() -> None:
    board = (np.indices((600, 600)).sum(axis=0) % 2 * 255).astype(np.uint8)
    picture = np.repeat(board[..., None], 3, axis=2)
    points = np.float32([RIGHT_EYE, LEFT_EYE, MOUTH]) * 600
    assert aligned(picture, points, 50).std() < 5


def test_a_face_without_points_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match="0 landmarks; put `detect_faces` before"):
        made("align").process(plain_picture(), Boxes((Box("face", 1.0, 0, 0, 9, 9),)))


@pytest.mark.parametrize("change", ["mirrored", "dark", "turned", "small"])
def test_the_same_face_is_recognised(tmp_path: Path, change: str) -> None:
    (tmp_path / "Eileen.jpg").write_bytes((SAMPLES / "astronaut.jpg").read_bytes())
    (face,) = chain(changed(sample("astronaut.jpg"), change), gallery=str(tmp_path)).boxes
    assert face.label == "Eileen"
    assert 0.6 < face.probability <= 1.0
    assert face.embedding is not None
    assert face.embedding.shape == (128,)


def test_the_threshold_is_applied(tmp_path: Path) -> None:
    """The mirrored face is 0.22 away, so that it is nobody's where 0.1 is asked for."""
    (tmp_path / "Eileen").mkdir()
    (tmp_path / "Eileen" / "one.jpg").write_bytes((SAMPLES / "astronaut.jpg").read_bytes())
    picture = changed(sample("astronaut.jpg"), "mirrored")
    (strict,) = chain(picture, gallery=str(tmp_path), threshold=0.1).boxes
    assert (strict.label, strict.probability) == ("unknown", 0.0)
    (exact,) = chain(sample("astronaut.jpg"), gallery=str(tmp_path), threshold=0.1).boxes
    assert exact.label == "Eileen"


def test_another_face_is_unknown(tmp_path: Path) -> None:
    """A cat's face is near no human one."""
    (tmp_path / "Eileen.jpg").write_bytes((SAMPLES / "astronaut.jpg").read_bytes())
    cat = made("resize", width=150, height=150).process(sample("chelsea.jpg"))
    boxes = Boxes((Box("face", 1.0, 0, 0, 150, 150, crop=cat.array),), 150, 150)
    (other,) = made("recognise_faces", gallery=str(tmp_path)).process(boxes).boxes
    assert other.label == "unknown"


def test_without_a_gallery_nobody_is_known() -> None:
    (face,) = chain(sample("astronaut.jpg"), with_crop=False, with_embedding=False).boxes
    assert (face.label, face.crop, face.embedding) == ("unknown", None, None)


def test_one_recognised_face_is_the_surest(tmp_path: Path) -> None:
    (tmp_path / "Eileen.jpg").write_bytes((SAMPLES / "astronaut.jpg").read_bytes())
    (face,) = (
        made("align").process(sample("astronaut.jpg"), made("detect_faces").process(sample("astronaut.jpg"))).boxes
    )
    grey = Box("face", 1.0, 0, 0, 9, 9, crop=plain_picture().array)
    both = Boxes((grey, face), 512, 512)
    assert len(made("recognise_faces", gallery=str(tmp_path)).process(both).boxes) == 2
    (surest,) = made("recognise_faces", gallery=str(tmp_path), multiple=False).process(both).boxes
    assert surest.label == "Eileen"


def test_a_face_without_crop_is_told() -> None:
    with pytest.raises(ValueError, match="no crop; put `align` before"):
        made("recognise_faces").process(Boxes((Box("face", 1.0, 0, 0, 9, 9),)))


def test_a_gallery_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="no folder"):
        made("recognise_faces", gallery=str(tmp_path / "none"))
    with pytest.raises(GalleryError, match="has no pictures"):
        made("recognise_faces", gallery=str(tmp_path))
    (tmp_path / "wall.png").write_bytes(made("encode", format="png").process(plain_picture(200, 200)).data)
    with pytest.raises(GalleryError, match=r"wall\.png' shows no face"):
        made("recognise_faces", gallery=str(tmp_path))
    (tmp_path / "wall.png").write_bytes(b"none")
    with pytest.raises(GalleryError, match=r"wall\.png' cannot be read"):
        made("recognise_faces", gallery=str(tmp_path))


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("detect_faces", {"threshold": 1.0}, "threshold"),
        ("detect_faces", {"overlap": -0.1}, "overlap"),
        ("detect_faces", {"multiple": "yes"}, "multiple"),
        ("align", {"size": 8}, "size"),
        ("recognise_faces", {"threshold": 0}, "threshold"),
        ("recognise_faces", {"gallery": 3}, "gallery"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(name: str, parameters: dict[str, object], field: str) -> None:
    with pytest.raises(BadHandler, match=field):
        made(name, **parameters)


def test_the_weights_are_whole_and_licensed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = weights()
    assert (recognition.folder() / item.file).stat().st_size == item.bytes
    assert item.upstream.licence == "public domain (CC0-1.0)"
    assert item.file in (recognition.folder() / "LICENCES.md").read_text(encoding="utf-8")
    monkeypatch.setattr(recognition, "folder", lambda: tmp_path)
    (tmp_path / item.file).write_bytes(b"other")
    with pytest.raises(WeightsError, match="SHA-256"):
        FaceEncoder()
