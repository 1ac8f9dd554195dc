"""Resize, encode, decode, crop and draw: sizes, colours, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from handler_bench import made, plain_picture, sample

from hedgerow_nodes.handlers.vision.coding import UnreadablePicture
from hedgerow_nodes.serve import BadHandler, Box, Boxes, EncodedImage, Image


def test_a_picture_gets_the_size_that_was_asked_for() -> None:
    small = made("resize", width=20, height=60).process(plain_picture(40, 30))
    assert (small.width, small.height) == (20, 60)
    assert (small.array == (200, 100, 50)).all()


def test_the_ratio_is_kept_if_wished() -> None:
    small = made("resize", width=20, height=60, keep_ratio=True).process(plain_picture(40, 30))
    assert (small.width, small.height) == (20, 15)


def test_a_smaller_picture_is_averaged() -> None:
    board = Image(np.repeat(np.indices((8, 8)).sum(axis=0)[..., None] % 2 * 255, 3, axis=2).astype(np.uint8))
    assert abs(int(made("resize", width=4, height=4).process(board).array.mean()) - 127) <= 1


def test_png_loses_nothing_and_keeps_the_order_of_colours() -> None:
    picture = sample("astronaut.jpg")
    file = made("encode", format="png", quality=50).process(picture)
    assert file.media_type == "image/png"
    assert bytes(file.data[1:4]) == b"PNG"
    assert (made("decode").process(file).array == picture.array).all()


def test_jpeg_is_smaller_at_less_quality_and_near_the_picture() -> None:
    picture = sample("astronaut.jpg")
    good, poor = (made("encode", quality=quality).process(picture) for quality in (95, 20))
    assert good.media_type == "image/jpeg"
    assert len(poor.data) < len(good.data) / 3
    error = made("decode").process(good).array.astype(float) - picture.array
    assert np.abs(error).mean() < 3


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff"])
def test_what_is_no_picture_is_told(data: bytes) -> None:
    with pytest.raises(UnreadablePicture, match=f"{len(data)} bytes"):
        made("decode").process(EncodedImage(data))


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    file = made("encode").process(plain_picture(40, 30))
    with pytest.raises(UnreadablePicture, match="40 x 30 pixels; at most 1000"):
        made("decode", most_pixels=1000).process(file)


def test_a_part_is_cut_out_as_far_as_the_picture_goes() -> None:
    picture = Image(np.arange(30 * 40 * 3, dtype=np.uint32).astype(np.uint8).reshape(30, 40, 3))
    part = made("crop", x=35, y=10, width=10, height=5).process(picture)
    assert (part.array == picture.array[10:15, 35:]).all()
    with pytest.raises(ValueError, match="x=40, y=0 lies outside of a picture of 40 x 30"):
        made("crop", x=40).process(picture)


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("resize", {"width": 0}, "width"),
        ("resize", {"height": 20_000}, "height"),
        ("resize", {"width": "wide"}, "width"),
        ("encode", {"quality": 101}, "quality"),
        ("encode", {"format": "gif"}, "format"),
        ("decode", {"most_pixels": 0}, "most_pixels"),
        ("crop", {"x": -1}, "x"),
        ("crop", {"wide": 3}, "wide"),
        ("draw_boxes", {"thickness": 0}, "thickness"),
        ("draw_labelled_boxes", {"text_size": 0}, "text_size"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(name: str, parameters: dict[str, object], field: str) -> None:
    with pytest.raises(BadHandler, match=field):
        made(name, **parameters)


def test_a_box_is_drawn_where_it_is_and_the_picture_given_stays_as_it_was() -> None:
    picture = plain_picture(100, 80, (0, 0, 0))
    drawn = made("draw_boxes", thickness=1).process(picture, Boxes((Box("face", 0.9, 20, 10, 30, 40),), 100, 80))
    assert not picture.array.any()
    changed = np.argwhere(drawn.array.any(axis=2))
    assert changed.min(axis=0).tolist() == [10, 20]
    assert changed.max(axis=0).tolist() == [49, 49]
    assert not drawn.array[12:48, 22:48].any()


def test_boxes_of_another_size_of_the_picture_are_scaled() -> None:
    drawn = made("draw_boxes", thickness=1).process(
        plain_picture(50, 40, (0, 0, 0)), Boxes((Box("face", 0.9, 20, 10, 30, 40),), 100, 80)
    )
    changed = np.argwhere(drawn.array.any(axis=2))
    assert changed.min(axis=0).tolist() == [5, 10]
    assert changed.max(axis=0).tolist() == [24, 24]


def test_a_label_is_written_beside_its_box_in_its_colour() -> None:
    picture, boxes = plain_picture(200, 100, (0, 0, 0)), Boxes((Box("cat", 0.5, 20, 40, 50, 50),), 200, 100)
    bare = made("draw_boxes").process(picture, boxes).array
    told = made("draw_labelled_boxes").process(picture, boxes).array
    changed = np.argwhere((bare != told).any(axis=2))
    assert 20 <= changed[:, 0].min() < 30
    assert changed[:, 0].max() <= 42
    short = made("draw_labelled_boxes", with_probability=False).process(picture, boxes).array
    assert np.count_nonzero(short) < np.count_nonzero(told)


def test_a_label_at_the_upper_edge_stays_in_the_picture() -> None:
    picture = plain_picture(60, 60, (0, 0, 0))
    drawn = made("draw_labelled_boxes").process(picture, Boxes((Box("größe", 1.0, -10, -5, 90, 90),), 60, 60))
    assert drawn.array[:20].any()
