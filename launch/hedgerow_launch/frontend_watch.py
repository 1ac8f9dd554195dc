"""Watches for a front end that listens and answers that the system is ready."""

from __future__ import annotations

import threading
from pathlib import Path

from hedgerow_launch.failures import CommandFailure
from hedgerow_launch.observations import FrontendReady, Post
from hedgerow_launch.rest_client import Announcement, RestClient, read_announcement

_POLL_S = 0.05
_LOOK_S = 0.5
_ANSWER_S = 2.0


class FrontendWatch:
    """A `SystemView` that asks each front end that announces itself in the home until it says that all is ready."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, post: Post) -> None:
        """Begin to ask."""
        self._thread = threading.Thread(target=self._run, args=(post,), name="front end watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, post: Post) -> None:
        told: Announcement | None = None
        while not self._closing.wait(_POLL_S if told is None else _LOOK_S):
            announced = read_announcement(self._home)
            if announced is None or announced == told:
                continue
            told = announced if _is_ready(announced.url) else None
            if told is not None:
                post(FrontendReady(told.url, told.pid))


def _is_ready(url: str) -> bool:
    try:
        return bool(RestClient(url, timeout_s=_ANSWER_S).readiness()["ready"])
    except (CommandFailure, KeyError):
        return False
