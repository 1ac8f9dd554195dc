"""Cameras and streams: the newest picture wins; what stalls, ends or is away is opened again, and then given up."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from handler_bench import FakeContext, made, plain_picture, taken
from loopback import mjpeg_server

from hedgerow_nodes.handlers import live_sources
from hedgerow_nodes.handlers.transport.back_off import GivenUp
from hedgerow_nodes.serve import BadHandler

JPEG = bytes(made("encode").process(plain_picture(64, 48)).data)


class Device:
    """Stands for OpenCV's capture: gives frames at a rate, then ends or hangs."""

    def __init__(self, frames: int, pause_s: float = 0.0, hangs: bool = False, is_open: bool = True) -> None:
        self.asked: dict[int, float] = {}
        self.released = threading.Event()
        self._left, self._pause_s, self._hangs, self._is_open, self.number = frames, pause_s, hangs, is_open, 0

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._is_open

    def set(self, setting: int, value: float) -> None:
        self.asked[setting] = value

    def read(self) -> tuple[bool, Any]:
        time.sleep(self._pause_s)
        if self.number >= self._left:
            if self._hangs:
                self.released.wait(20)
            return False, None
        self.number += 1
        return True, np.full((48, 64, 3), self.number % 256, np.uint8)

    def release(self) -> None:
        self.released.set()


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Device]]:
    """Devices that are opened one after the other; the last one again and again."""
    waiting: list[Device] = []
    opened: list[Device] = []

    def open_next(*_: Any) -> Device:
        opened.append(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        return opened[-1]

    monkeypatch.setattr(live_sources.cv2, "VideoCapture", open_next)
    yield waiting
    for device in opened:
        device.released.set()


def test_a_slow_taker_gets_the_newest_picture(tmp_path: Path, devices: list[Device]) -> None:
    """60 pictures a second come, 10 are taken: what is taken is the one read last, or nearly so."""
    camera = Device(10_000, pause_s=1 / 60)
    devices.append(camera)
    source = made("camera", FakeContext(tmp_path), fps=1000.0).items()
    numbers = []
    with closing(source):
        for _ in range(6):
            numbers.append(int(next(source).array[0, 0, 0]))
            assert camera.number - numbers[-1] <= 3
            time.sleep(0.1)
    assert numbers == sorted(set(numbers))
    assert numbers[-1] > 12


def test_the_camera_is_asked_for_a_size_and_a_rate(tmp_path: Path, devices: list[Device]) -> None:
    devices.append(Device(10_000, pause_s=0.001))
    source = made("camera", FakeContext(tmp_path), index=2, width=320, height=240, fps=50.0).items()
    begun_s = time.monotonic()
    assert len(taken(source, 11)) == 11
    assert time.monotonic() - begun_s >= 10 / 50 * 0.95
    assert devices[0].asked[cv2.CAP_PROP_FRAME_WIDTH] == 320
    assert devices[0].asked[cv2.CAP_PROP_FRAME_HEIGHT] == 240


def test_a_camera_that_is_not_there_is_tried_again_then_given_up(
    tmp_path: Path, devices: list[Device], caplog: pytest.LogCaptureFixture
) -> None:
    devices.append(Device(0, is_open=False))
    with caplog.at_level(logging.WARNING), pytest.raises(GivenUp, match=r"camera 0 cannot be opened \(tried 3 times\)"):
        list(made("camera", FakeContext(tmp_path), attempts=3).items())
    assert caplog.text.count("opened again") == 2


def test_a_stream_that_hangs_is_left_behind_and_opened_again(
    tmp_path: Path, devices: list[Device], caplog: pytest.LogCaptureFixture
) -> None:
    devices += [Device(3, pause_s=0.02, hangs=True), Device(10_000, pause_s=0.02)]
    source = made("camera", FakeContext(tmp_path), stall_s=0.3, attempts=2).items()
    with caplog.at_level(logging.WARNING), closing(source):
        assert len(taken(source, 8)) == 8
    assert "camera 0 gives no pictures for 0.3 s" in caplog.text


def test_failures_in_a_row_only_are_counted(tmp_path: Path, devices: list[Device]) -> None:
    devices += [Device(2, pause_s=0.02) for _ in range(3)] + [Device(0, is_open=False)]
    found = []
    with pytest.raises(GivenUp, match="tried 2 times"):
        found.extend(made("camera", FakeContext(tmp_path), attempts=2, fps=1000.0).items())
    assert len(found) >= 3


def test_a_hanging_camera_stops_at_once_when_told(tmp_path: Path, devices: list[Device]) -> None:
    devices.append(Device(0, hangs=True))
    context = FakeContext(tmp_path, stop_after_s=0.3)
    begun_s = time.monotonic()
    assert list(made("camera", context, stall_s=30.0).items()) == []
    assert time.monotonic() - begun_s < 1.0


def test_a_stream_over_http_is_read_and_its_end_is_an_end(tmp_path: Path) -> None:
    with mjpeg_server([JPEG] * 10) as url:
        found = list(made("http_video", FakeContext(tmp_path), url=url, ends=True, stall_s=5.0, width=32).items())
    assert found
    assert (found[0].width, found[0].height) == (32, 24)
    assert np.abs(found[0].array.astype(int) - (200, 100, 50)).max() < 12


def test_a_stream_that_ends_is_opened_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with mjpeg_server([JPEG] * 4) as url, caplog.at_level(logging.WARNING):
        source = made("http_video", FakeContext(tmp_path), url=url, stall_s=5.0).items()
        with closing(source):
            assert len(taken(source, 6)) == 6
    assert "has ended; try 1 of 5 failed, opened again" in caplog.text


def test_a_stream_over_http_that_stalls_is_given_up(tmp_path: Path) -> None:
    with mjpeg_server([JPEG] * 5, then_silent_s=3.0) as url:
        begun_s = time.monotonic()
        with pytest.raises(GivenUp, match=rf"{url}.*\(tried 1 times\)"):
            list(made("http_video", FakeContext(tmp_path), url=url, stall_s=0.5, attempts=1).items())
        assert time.monotonic() - begun_s < 3.0


@pytest.mark.parametrize("name", ["rtsp", "http_video"])
def test_a_server_that_is_not_there_is_given_up_without_its_password(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken_port:
        port = taken_port.getsockname()[1]
    scheme = "rtsp" if name == "rtsp" else "http"
    source = made(name, FakeContext(tmp_path), url=f"{scheme}://me:secret@127.0.0.1:{port}/a", attempts=1, stall_s=2.0)
    with pytest.raises(GivenUp, match=f"{scheme}://127.0.0.1:{port}/a") as told:
        list(source.items())
    assert "secret" not in str(told.value)


def test_a_silent_rtsp_server_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/a"
        begun_s = time.monotonic()
        with pytest.raises(GivenUp, match=r"(does not open for 0\.5 s|cannot be opened) \(tried 1 times\)"):
            list(made("rtsp", FakeContext(tmp_path), url=url, stall_s=0.5, attempts=1).items())
        assert time.monotonic() - begun_s < 2.0


@pytest.mark.parametrize(
    ("name", "parameters", "field"),
    [
        ("camera", {"index": -1}, "index"),
        ("camera", {"fps": 0}, "fps"),
        ("camera", {"stall_s": 0}, "stall_s"),
        ("camera", {"attempts": 0}, "attempts"),
        ("rtsp", {}, "url"),
        ("http_video", {"url": "http://a/b", "ends": 1}, "ends"),
        ("http_images", {"urls": []}, "urls"),
        ("http_images", {"urls": ["http://a/b"], "most_bytes": 0}, "most_bytes"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(name: str, parameters: dict[str, object], field: str) -> None:
    with pytest.raises(BadHandler, match=field):
        made(name, **parameters)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("rtsp", {"url": "http://a/b"}), ("http_video", {"url": "file:///etc/passwd"}), ("http_images", {"urls": ["a"]})],
)
def test_an_address_of_another_kind_is_refused(name: str, parameters: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"url .* is not of the form"):
        made(name, **parameters)
