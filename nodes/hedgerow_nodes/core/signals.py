"""SIGINT and SIGTERM end a wait on the bus at once; Python alone would see them only when the wait is over."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType


def leave_on_signals(ask_to_leave: Callable[[], None], wake: Callable[[], None]) -> None:
    """Have both signals call `ask_to_leave`, in the main thread, which `wake` brings back from its wait.

    Args:
        ask_to_leave: called once the main thread runs Python code again.
        wake: ends the wait; called in another thread.
    """

    def on_signal(number: int, frame: FrameType | None) -> None:
        ask_to_leave()

    ours, theirs = socket.socketpair()
    theirs.setblocking(False)

    def pass_on() -> None:
        while ours.recv(64):
            wake()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    # The interpreter writes to this socket in the very moment of the signal, whatever the main thread waits for.
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    threading.Thread(target=pass_on, name="signals", daemon=True).start()
