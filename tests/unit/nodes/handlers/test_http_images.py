"""Pictures at web addresses: asked for in turn, again when one fails, and given up in the end."""

from __future__ import annotations

import logging
import socket
import time
from pathlib import Path

import pytest
from handler_bench import FakeContext, made, plain_picture
from loopback import http_server

from hedgerow_nodes.handlers.transport.back_off import GivenUp

JPEG = bytes(made("encode").process(plain_picture(64, 48)).data)


def test_pictures_are_asked_for_in_turn(tmp_path: Path) -> None:
    with http_server(lambda number, path: (200, "image/jpeg", JPEG)) as server:
        urls = [f"{server.url}/a", f"{server.url}/b"]
        source = made("http_images", FakeContext(tmp_path), urls=urls, fps=200.0, repeat=2, height=24)
        found = list(source.items())
    assert server.paths == ["/a", "/b", "/a", "/b"]
    assert [(one.width, one.height) for one in found] == [(32, 24)] * 4


def test_a_picture_that_fails_once_is_asked_for_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answers = [(503, "text/plain", b""), (200, "text/html", b"<p>no picture"), (200, "image/jpeg", JPEG)]
    with http_server(lambda number, path: answers[number]) as server, caplog.at_level(logging.WARNING):
        (found,) = made("http_images", FakeContext(tmp_path), urls=[server.url]).items()
    assert found.width == 64
    assert "answers 503" in caplog.text
    assert "gives no picture" in caplog.text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, "text/plain", b""), "answers 404"),
        ((200, "image/jpeg", b"x" * 2000), "sends more than 1000 bytes"),
        ((302, "text/plain", b"ftp://127.0.0.1/a"), "neither http nor https|cannot be reached|answers 302"),
    ],
)
def test_a_picture_that_cannot_be_had_is_given_up(tmp_path: Path, answer: tuple[int, str, bytes], words: str) -> None:
    with http_server(lambda number, path: answer) as server:
        source = made("http_images", FakeContext(tmp_path), urls=[server.url], attempts=2, most_bytes=1000)
        with pytest.raises(GivenUp, match=rf"({words}).*\(tried 2 times\)"):
            list(source.items())
        assert len(server.paths) == 2


def test_a_server_that_does_not_answer_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        begun_s = time.monotonic()
        with pytest.raises(GivenUp, match="timed out"):
            list(made("http_images", FakeContext(tmp_path), urls=[url], timeout_s=0.2, attempts=1).items())
        assert time.monotonic() - begun_s < 1.5
