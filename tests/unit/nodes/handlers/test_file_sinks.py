"""Pictures, lines, the preview and the log, as files show them."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from handler_bench import FakeContext, made, plain_picture

from hedgerow_nodes.handlers.transport.atomic_file import place, write
from hedgerow_nodes.handlers.vision.coding import decoded
from hedgerow_nodes.serve import BadHandler, Blob, Box, Boxes, EncodedImage, Image, Record, Tensors, Text


def test_each_picture_is_a_file_named_by_its_number(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    sink = made("folder", context, format="png")
    for context.sequence in (3, 12):
        sink.process(plain_picture(8, 6, (context.sequence, 0, 0)))
    files = sorted((tmp_path / "pictures").iterdir())
    assert [file.name for file in files] == ["000000003.png", "000000012.png"]
    assert (decoded(files[1].read_bytes()) == (12, 0, 0)).all()


def test_only_the_newest_pictures_are_kept(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    sink = made("folder", context, path=str(tmp_path / "own"), keep=2)
    (tmp_path / "own" / "mine.jpg").write_bytes(b"stays")
    for context.sequence in (0, 1, 1, 2, 3):
        sink.process(plain_picture())
    assert sorted(file.name for file in (tmp_path / "own").iterdir()) == ["000000002.jpg", "000000003.jpg", "mine.jpg"]


def test_a_relative_path_stays_in_the_folder(tmp_path: Path) -> None:
    for name in ("folder", "json_lines"):
        with pytest.raises(ValueError, match=r"path '\.\./out' leads out"):
            made(name, FakeContext(tmp_path), path="../out")
    assert place(tmp_path, "/a/b") == Path("/a/b")


def test_lines_are_added_and_hold_any_value(tmp_path: Path) -> None:
    context = FakeContext(tmp_path)
    box = Box("Eileen", 0.91234, 1, 2, 3, 4.567, landmarks=((1.0, 2.0),), embedding=np.float32([0.5, 0.25]))
    values = [
        Record({"n": 1, "x": float("nan")}),
        Boxes((box, Box("cat", 0.5, 0, 0, 1, 1, crop=np.zeros((1, 1, 3), np.uint8))), 64, 48),
        Text("héllo"),
        EncodedImage(b"\xff\xd8", "image/jpeg"),
        Blob(b"ab"),
        plain_picture(5, 4),
        Tensors({"t": np.float32([[1, 2]]), "large": np.zeros(70_000, np.int8)}),
    ]
    for _ in range(2):
        sink = made("json_lines", context, path="deep/results.jsonl")
        for context.sequence, value in enumerate(values):
            sink.process(value)
        sink.close()
    lines = [json.loads(line) for line in (tmp_path / "deep/results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[: len(values)] == lines[len(values) :]
    assert [line["sequence"] for line in lines[: len(values)]] == list(range(len(values)))
    assert [line["epoch"] for line in lines] == [1] * 14
    assert [line["value"] for line in lines[: len(values)]] == [
        {"n": 1, "x": None},
        {
            "width": 64,
            "height": 48,
            "boxes": [
                {
                    **{"label": "Eileen", "probability": 0.9123, "x": 1.0, "y": 2.0, "width": 3.0, "height": 4.57},
                    **{"landmarks": [[1.0, 2.0]], "embedding": [0.5, 0.25]},
                },
                {"label": "cat", "probability": 0.5, "x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0},
            ],
        },
        {"text": "héllo"},
        {"media_type": "image/jpeg", "data": "/9g="},
        {"data": "YWI="},
        {"width": 5, "height": 4},
        {
            "t": {"type": "float32", "shape": [1, 2], "values": [[1.0, 2.0]]},
            "large": {"type": "int8", "shape": [70_000]},
        },
    ]


def test_bare_lines_are_the_values_alone(tmp_path: Path) -> None:
    sink = made("json_lines", FakeContext(tmp_path), with_sequence=False, flush=False)
    sink.process(Record({"n": 1}))
    assert (tmp_path / "results.jsonl").read_bytes() == b""
    sink.close()
    assert (tmp_path / "results.jsonl").read_bytes() == b'{"n":1}\n'


def test_the_preview_is_the_newest_picture_at_its_rate(tmp_path: Path) -> None:
    sink = made("preview", FakeContext(tmp_path), fps=5.0, width=32)
    sink.process(plain_picture(64, 48, (250, 0, 0)))
    sink.process(plain_picture(64, 48, (0, 250, 0)))
    first = decoded((tmp_path / "preview.jpg").read_bytes())
    assert first.shape == (24, 32, 3)
    assert first[..., 0].mean() > 200, "the second came too early"
    time.sleep(0.25)
    sink.process(plain_picture(20, 10, (0, 0, 250)))
    last = decoded((tmp_path / "preview.jpg").read_bytes())
    assert last.shape == (10, 20, 3), "a small picture is not made larger"
    assert last[..., 2].mean() > 200


def test_who_reads_the_preview_never_sees_half_of_it(tmp_path: Path) -> None:
    sink = made("preview", FakeContext(tmp_path), fps=100.0)
    noise = Image(np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8))
    sink.process(noise)
    until_s = time.monotonic() + 0.5
    broken, read = [], 0

    def watch() -> None:
        nonlocal read
        while time.monotonic() < until_s:
            data = (tmp_path / "preview.jpg").read_bytes()
            read += 1
            if not (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")):
                broken.append(len(data))

    watcher = threading.Thread(target=watch)
    watcher.start()
    while time.monotonic() < until_s:
        sink.process(noise)
    watcher.join()
    assert read > 10
    assert broken == []


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write(tmp_path / "taken", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_log_tells_some_items_and_cuts_long_ones(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = FakeContext(tmp_path)
    sink = made("log", context, every=2, most_characters=12)
    with caplog.at_level(logging.INFO):
        for context.sequence in range(4):
            sink.process(Record({"n": context.sequence, "text": "x" * 50}))
    assert [record.getMessage() for record in caplog.records] == ['item 0: {"n":0,"text…', 'item 2: {"n":2,"text…']


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("folder", {"path": ""}, "path"),
        ("folder", {"format": "gif"}, "format"),
        ("folder", {"keep": -1}, "keep"),
        ("json_lines", {"path": 3}, "path"),
        ("json_lines", {"flush": "no"}, "flush"),
        ("preview", {"fps": 0}, "fps"),
        ("preview", {"quality": 0}, "quality"),
        ("log", {"every": 0}, "every"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(name: str, parameters: dict[str, object], field: str) -> None:
    with pytest.raises(BadHandler, match=field):
        made(name, **parameters)
