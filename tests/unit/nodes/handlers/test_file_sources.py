"""Pictures of a folder, a video, and made-up items: order, rate, rounds, end, and what is left out."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from handler_bench import FakeContext, made, plain_picture, taken

from hedgerow_nodes.handlers.file_sources import NothingToRead
from hedgerow_nodes.serve import BadHandler, Image, Record, Tensors

SHADES = (40, 120, 200)


def photos(folder: Path) -> Path:
    """Three plain pictures whose names are not in the order of their making."""
    folder.mkdir()
    for name, shade in zip(("c.png", "a.png", "b.jpg"), (200, 40, 120), strict=True):
        form = "png" if name.endswith("png") else "jpeg"
        data = made("encode", format=form).process(plain_picture(64, 48, (shade, shade, shade))).data
        (folder / name).write_bytes(data)
    return folder


def video(path: Path, frames: int = 12, fps: float = 50.0) -> Path:
    """Frames whose grey says which they are."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (64, 48))
    assert writer.isOpened()
    for number in range(frames):
        writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
    writer.release()
    return path


def shade(image: Image) -> int:
    return round(float(image.array.mean()))


def test_the_pictures_of_a_folder_come_by_name_and_end(tmp_path: Path) -> None:
    found = list(made("image_folder", FakeContext(tmp_path), path=str(photos(tmp_path / "photos"))).items())
    assert [shade(one) for one in found] == list(SHADES)


def test_a_pattern_and_a_single_picture_work_too(tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    context = FakeContext(tmp_path)
    assert [shade(one) for one in made("image_folder", context, path=str(folder / "*.png")).items()] == [40, 200]
    assert [shade(one) for one in made("image_folder", context, path=str(folder / "b.jpg")).items()] == [120]


def test_rounds_are_counted_and_sizes_bounded(tmp_path: Path) -> None:
    folder = str(photos(tmp_path / "photos"))
    found = list(made("image_folder", FakeContext(tmp_path), path=folder, repeat=2, width=32).items())
    assert [shade(one) for one in found] == [*SHADES, *SHADES]
    assert {(one.width, one.height) for one in found} == {(32, 24)}
    endless = made("image_folder", FakeContext(tmp_path), path=folder, repeat=0).items()
    assert len(taken(endless, 20)) == 20


def test_the_rate_is_kept(tmp_path: Path) -> None:
    source = made("image_folder", FakeContext(tmp_path), path=str(photos(tmp_path / "photos")), repeat=3, fps=40.0)
    begun_s = time.monotonic()
    assert len(list(source.items())) == 9
    assert 8 / 40 * 0.95 <= time.monotonic() - begun_s < 2


def test_a_picture_that_cannot_be_read_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = photos(tmp_path / "photos")
    (folder / "a.png").write_bytes(b"none")
    (folder / "notes.txt").write_text("no picture")
    with caplog.at_level(logging.WARNING):
        found = list(made("image_folder", FakeContext(tmp_path), path=str(folder)).items())
    assert [shade(one) for one in found] == [120, 200]
    assert "a.png is left out: 4 bytes are no picture" in caplog.text
    for name in ("b.jpg", "c.png"):
        (folder / name).write_bytes(b"none")
    with pytest.raises(NothingToRead, match="no picture that can be read"):
        list(made("image_folder", FakeContext(tmp_path), path=str(folder)).items())


@pytest.mark.parametrize("name", ["image_folder", "video_file"])
def test_a_path_without_anything_is_told_before_it_works(tmp_path: Path, name: str) -> None:
    with pytest.raises(NothingToRead, match=r"path '.*none'"):
        made(name, FakeContext(tmp_path), path=str(tmp_path / "none"))


def test_a_video_is_read_whole_and_ends(tmp_path: Path) -> None:
    path = str(video(tmp_path / "film.avi"))
    found = list(made("video_file", FakeContext(tmp_path), path=path, paced=False).items())
    assert [shade(one) for one in found] == pytest.approx([20 * number for number in range(12)], abs=2)
    twice = list(made("video_file", FakeContext(tmp_path), path=path, paced=False, repeat=2, height=24).items())
    assert len(twice) == 24
    assert (twice[0].width, twice[0].height) == (32, 24)


def test_a_video_has_the_rate_of_its_file_or_another_one(tmp_path: Path) -> None:
    path = str(video(tmp_path / "film.avi", fps=50.0))
    for given, least_s, most_s in (({}, 11 / 50, 2.0), ({"fps": 500.0}, 11 / 500, 0.2)):
        begun_s = time.monotonic()
        list(made("video_file", FakeContext(tmp_path), path=path, **given).items())
        assert least_s * 0.95 <= time.monotonic() - begun_s < most_s


def test_the_colours_of_a_video_are_in_order(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "red.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 32))
    writer.write(np.full((32, 32, 3), (0, 0, 255), np.uint8))
    writer.release()
    (red,) = made("video_file", FakeContext(tmp_path), path=str(tmp_path / "red.avi"), paced=False).items()
    assert red.array[..., 0].mean() > 200
    assert red.array[..., 2].mean() < 50


def test_a_broken_video_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "none.avi").write_bytes(b"RIFFnone")
    with pytest.raises(NothingToRead, match=r"none\.avi' cannot be read as a video"):
        made("video_file", FakeContext(tmp_path), path=str(tmp_path / "none.avi"))


def test_a_source_stops_when_told(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    source = made("generator", context, count=0, fps=1.0).items()
    next(source)
    context.is_stopped = True
    begun_s = time.monotonic()
    assert list(source) == []
    assert time.monotonic() - begun_s < 0.5


def test_made_up_items_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for kind, value in (("record", Record), ("image", Image), ("tensors", Tensors)):
        given = {"kind": kind, "count": 3, "width": 32, "height": 24, "shape": [2, 3]}
        one, again, other = (
            [item[kind] for item in made("generator", FakeContext(tmp_path), seed=seed, **given).items()]
            for seed in (7, 7, 8)
        )
        assert len(one) == 3
        assert {type(item) for item in one} == {value}
        numbers = [[_numbers(item) for item in items] for items in (one, again, other)]
        assert numbers[0] == numbers[1]
        assert numbers[0] != numbers[2]
        assert numbers[0][0] != numbers[0][1]


def _numbers(value: object) -> object:
    if isinstance(value, Record):
        return value.fields
    return value.array.tolist() if isinstance(value, Image) else value.arrays["image"].tolist()  # type: ignore[attr-defined]


def test_made_up_records_are_padded_and_counted(tmp_path: Path) -> None:
    items = list(made("generator", FakeContext(tmp_path), count=4, padding_bytes=100).items())
    assert [item["record"].fields["number"] for item in items] == [0, 1, 2, 3]
    assert len(items[0]["record"].fields["padding"]) == 100
    with pytest.raises(ValueError, match=r"shape \[0, 2\]"):
        made("generator", FakeContext(tmp_path), shape=[0, 2])


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("image_folder", {}, "path"),
        ("image_folder", {"path": ""}, "path"),
        ("image_folder", {"path": ".", "fps": -1}, "fps"),
        ("image_folder", {"path": ".", "repeat": -1}, "repeat"),
        ("video_file", {"path": ".", "width": 1e5}, "width"),
        ("video_file", {"path": ".", "paced": 3}, "paced"),
        ("generator", {"kind": "sound"}, "kind"),
        ("generator", {"count": -1}, "count"),
        ("generator", {"seed": -1}, "seed"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(name: str, parameters: dict[str, object], field: str) -> None:
    with pytest.raises(BadHandler, match=field):
        made(name, **parameters)
