"""PROFILE orders: a model timed layer by layer in a process of its own, so that the worker's loop goes on.

python -m hedgerow_nodes.worker_side.profiling FOLDER [PROVIDER …], which reads an order's body and writes the profile,
both JSON.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

log = logging.getLogger("hedgerow.worker")

LONGEST_S = 3600.0


class ProfileFailed(Exception):
    """The model could not be profiled; the message says why."""


class ProfileOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a PROFILE order: a model as blueprints name it, and how often it is run.

    Without `providers` it is run by those that a handler here would take.
    """

    model: Annotated[str, msgspec.Meta(min_length=1)]
    sha256: str = ""
    iterations: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    providers: tuple[str, ...] = ()
    threads: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1


class Profiling:
    """The child process of one profile.

    Args:
        folder: where models are kept.
        execution_providers: those that the worker's handlers may use, all if empty; asked for each profile.
    """

    def __init__(self, folder: Path, execution_providers: Callable[[], Sequence[str]] = tuple) -> None:
        self._folder, self._execution_providers = folder, execution_providers
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
            may_use = self._execution_providers()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "hedgerow_nodes.worker_side.profiling", str(self._folder), *may_use],
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
        for line in errors.strip().splitlines():
            log.warning("profile of %s: %s", order.model, line)
        return told

    def cancel(self) -> None:
        """End the child; `run` raises."""
        with self._lock:
            self._cancelled = True
            if self._child is not None and self._child.poll() is None:
                self._child.kill()


def main() -> None:
    """Profile what standard input asks for.

    The arguments are the folder in which models are kept, and the providers that may be used, all if there is none.
    """
    from hedgerow_nodes.estimators.models.bundled_weights import WeightsError
    from hedgerow_nodes.handlers.transport.providers import with_providers
    from hedgerow_nodes.model_file import model_file
    from hedgerow_nodes.partition import ModelError, load, profile
    from hedgerow_nodes.partition.store import digest_of

    order = msgspec.json.decode(sys.stdin.read(), type=ProfileOrder)
    try:
        file = model_file(order.model, order.sha256, Path(sys.argv[1]))
        model = load(file)
        measured = with_providers(
            lambda providers: profile(model, order.iterations, providers, order.threads),
            order.providers,
            sys.argv[2:],
            lambda warning: print(warning, file=sys.stderr),
        )
        told = {**msgspec.json.decode(measured.to_json()), "file_sha256": digest_of(file)}
    except (ModelError, WeightsError, ValueError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(1)
    sys.stdout.write(msgspec.json.encode(told).decode())


if __name__ == "__main__":
    main()
