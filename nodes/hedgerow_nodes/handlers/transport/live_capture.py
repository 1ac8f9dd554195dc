"""The newest picture of a camera or stream, read by a thread of its own, so that nobody waits for a stream that hangs.

OpenCV's `read` may block for as long as the driver or the network likes. Here a thread reads; who wants a picture waits
with a time-out, takes the newest one, and leaves a thread that hangs behind: it ends when its `read` does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from hedgerow_nodes.handlers.vision.geometry import Pixels

Opener = Callable[[], Any]
SLICE_S = 0.1
"""How long a stop may go unseen."""


class Lost(Exception):
    """A camera or stream that cannot be opened, stalls, or has ended."""


class Ended(Lost):
    """A stream that gave pictures and came to its end."""


class LiveCapture:
    """Reads pictures as fast as they come and keeps the newest; `replaced` counts those nobody took."""

    def __init__(self, what: str, opener: Opener) -> None:
        self.what, self.replaced = what, 0
        self._opener = opener
        self._changed = threading.Condition()
        self._newest: Pixels | None = None
        self._ended = ""
        self._is_open = self._has_given = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._read, name=f"capture {what}", daemon=True)
        self._thread.start()

    def newest(self, timeout_s: float, is_stopping: Callable[[], bool]) -> Pixels | None:
        """The newest picture that was not taken yet; `None` if the source shall stop.

        Raises:
            Lost: none came within the time, it cannot be opened, or it has ended.
        """
        until_s = time.monotonic() + timeout_s
        with self._changed:
            while self._newest is None and not self._ended:
                if is_stopping():
                    return None
                if time.monotonic() >= until_s:
                    state = "gives no pictures" if self._is_open else "does not open"
                    raise Lost(f"{self.what} {state} for {timeout_s:g} s")
                self._changed.wait(SLICE_S)
            picture, self._newest = self._newest, None
        if picture is None:
            raise (Ended if self._has_given else Lost)(self._ended)
        return picture

    def close(self) -> None:
        """Let the thread end after the picture that it reads now."""
        self._is_closed = True

    def _read(self) -> None:
        try:
            device = self._opener()
        except (cv2.error, OSError) as error:
            self._end(f"{self.what} cannot be opened: {error}")
            return
        try:
            if not device.isOpened():
                self._end(f"{self.what} cannot be opened")
                return
            self._is_open = True
            while not self._is_closed:
                is_read, picture = device.read()
                if not is_read or picture is None:
                    break
                self._put(np.ascontiguousarray(picture[..., ::-1]))
            self._end(f"{self.what} has ended")
        except cv2.error as error:
            self._end(f"{self.what} is broken: {error}")
        finally:
            device.release()

    def _put(self, picture: Pixels) -> None:
        with self._changed:
            self.replaced += self._newest is not None
            self._newest, self._has_given = picture, True
            self._changed.notify_all()

    def _end(self, reason: str) -> None:
        with self._changed:
            self._ended = reason
            self._changed.notify_all()
