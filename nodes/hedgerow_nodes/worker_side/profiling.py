"""PROFILE orders: a model timed layer by layer in a process of its own, so that the worker's loop goes on.

python -m hedgerow_nodes.worker_side.profiling, which reads an order's body as JSON and writes the profile as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import msgspec

LONGEST_S = 3600.0


class ProfileFailed(Exception):
    """The model could not be profiled; the message says why."""


class ProfileOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a PROFILE order: a model by path or URL, and how often it is run."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    sha256: str = ""
    iterations: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    providers: tuple[str, ...] = ()


class Profiling:
    """The child process of one profile."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._cancelled = False

    def run(self, order: ProfileOrder) -> str:
        """Profile a model; the profile as JSON. Blocks: call it in a thread.

        Raises:
            ProfileFailed: the child said why not, was ended, or took too long.
        """
        with self._lock:
            if self._cancelled:
                raise ProfileFailed("the worker leaves")
            self._child = subprocess.Popen(
                [sys.executable, "-m", "hedgerow_nodes.worker_side.profiling"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        child = self._child
        try:
            told, errors = child.communicate(msgspec.json.encode(order).decode(), timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise ProfileFailed(f"the profile of {order.model} took more than {LONGEST_S:g} s") from None
        if child.returncode:
            lines = errors.strip().splitlines()
            raise ProfileFailed(lines[-1] if lines else f"the profiling process ended with {child.returncode}")
        return told

    def cancel(self) -> None:
        """End the child; `run` raises."""
        with self._lock:
            self._cancelled = True
            if self._child is not None and self._child.poll() is None:
                self._child.kill()


def main() -> None:
    """Profile what standard input asks for."""
    order: Any = msgspec.json.decode(sys.stdin.read(), type=ProfileOrder)
    from hedgerow_nodes.partition import ModelError, load, profile

    try:
        model = load(_place(order.model), sha256=order.sha256)
        measured = profile(model, order.iterations, list(order.providers) or None)
    except ModelError as error:
        print(f"{error}", file=sys.stderr)
        sys.exit(1)
    print(json.dumps(json.loads(measured.to_json())))


def _place(model: str) -> str | Path:
    return model


if __name__ == "__main__":
    main()
