"""Shipped handlers in their own processes: faces by name, a video to its end, and a source that cannot be had."""

import json
import shutil
import socket
from pathlib import Path

import cv2
import numpy as np
import pytest

from hedgerow_nodes.estimators.models import bundled_weights
from tests.system.host_world import HostWorld, plan

pytestmark = pytest.mark.system

SAMPLES = bundled_weights.folder() / "samples"


@pytest.fixture
def world(tmp_path):
    made = HostWorld(tmp_path / "host", modules=())
    yield made
    left = [*(pid for *_ids, pid in made.host.processes()), made.host.fork_server_pid()]
    made.host.close()
    assert [pid for pid in left if Path(f"/proc/{pid}").exists()] == []


def states(world):
    return {each.name: each.state.name for each in world.host.statuses()}


def test_faces_are_found_aligned_and_named(world, tmp_path):
    photos, known = tmp_path / "photos", tmp_path / "known"
    photos.mkdir()
    known.mkdir()
    for place, name in ((photos, "1.jpg"), (photos, "2.jpg"), (known, "Eileen.jpg")):
        shutil.copy(SAMPLES / "astronaut.jpg", place / name)
    shutil.copy(SAMPLES / "page.jpg", photos / "3.jpg")  # nobody is on it
    handlers = {
        "camera": ("image_folder", {"path": str(photos)}),
        "detect": ("detect_faces", {}),
        "align": ("align", {}),
        "recognise": ("recognise_faces", {"gallery": str(known), "with_embedding": False}),
        "draw": ("draw_labelled_boxes", {}),
        "lines": ("json_lines", {"path": str(tmp_path / "lines.jsonl")}),
        "pictures": ("folder", {"path": str(tmp_path / "drawn")}),
    }
    links = [
        "camera.image > detect.image",
        "camera.image > align.image",
        "detect.boxes > align.boxes",
        "align.boxes > recognise.boxes",
        "recognise.boxes > lines.value",
        "camera.image > draw.image",
        "recognise.boxes > draw.boxes",
        "draw.image > pictures.image",
    ]
    world.run(plan(handlers, links))
    world.until(lambda: set(states(world).values()) == {"ENDED"}, "the end of the pictures")
    told = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(each["sequence"], [box["label"] for box in each["value"]["boxes"]]) for each in told] == [
        (0, ["Eileen"]),
        (1, ["Eileen"]),
        (2, []),
    ]
    assert len(list((tmp_path / "drawn").glob("*.jpg"))) == 3
    assert all(each.failed == 0 for each in world.host.statuses())


def test_a_video_goes_through_to_its_end(world, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for number in range(30):
        writer.write(np.full((48, 64, 3), 8 * number, np.uint8))
    writer.release()
    handlers = {
        "film": ("video_file", {"path": str(tmp_path / "film.avi"), "paced": False}),
        "small": ("resize", {"width": 32, "height": 24}),
        "file": ("encode", {"format": "png"}),
        "back": ("decode", {}),
        "pictures": ("folder", {"path": str(tmp_path / "out"), "format": "png"}),
        "preview": ("preview", {"fps": 100.0}),
    }
    links = [
        "film.image > small.image",
        "small.image > file.image",
        "file.encoded_image > back.encoded_image",
        "back.image > pictures.image",
        ("back.image > preview.image", {"mode": "newest"}),
    ]
    world.run(plan(handlers, links))
    world.until(lambda: set(states(world).values()) == {"ENDED"}, "the end of the video")
    files = sorted((tmp_path / "out").glob("*.png"))
    assert [int(file.stem) for file in files] == list(range(30))
    means = [float(cv2.imread(str(file)).mean()) for file in files]
    assert means == pytest.approx([8 * number for number in range(30)], abs=2)
    (preview,) = (tmp_path / "host").rglob("preview.jpg")
    assert cv2.imread(str(preview)).shape == (24, 32, 3)


def test_a_stream_that_cannot_be_had_fails_with_its_reason(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    handlers = {
        "camera": ("rtsp", {"url": f"rtsp://127.0.0.1:{port}/a", "attempts": 2, "stall_s": 2.0, "_restart": "never"}),
        "log": ("log", {}),
    }
    world.run(plan(handlers, ["camera.image > log.value"]))
    world.until(lambda: states(world)["camera"] == "FAILED", "the failure")
    assert any(f"rtsp://127.0.0.1:{port}/a cannot be opened" in line for line in world.lines), world.lines


def test_a_bad_parameter_and_a_missing_file_fail_the_preparation(world, tmp_path):
    for handlers, words in (
        ({"a": ("resize", {"width": 0})}, "width"),
        ({"a": ("image_folder", {"path": str(tmp_path / "none")})}, "has no pictures"),
        ({"a": ("onnx_partition", {"model": "/nonexistent.onnx"})}, "no model '/nonexistent.onnx'"),
    ):
        result = world.order("prepare", plan(handlers, [], service_id=words), "node-1")
        assert result.code.name != "DONE"
        assert words in result.reason
