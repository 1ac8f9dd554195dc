"""Run one of our modules as a child process, JSON in and JSON out, that never outlives the one who started it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TypeVar

import msgspec

Result = TypeVar("Result")

POLL_S = 0.05
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PARENT = "HEDGEROW_PARENT_PID"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")

_SECRETS = ("HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN", "HEDGEROW_TOKEN")


class ChildFailed(Exception):
    """The child ended without a result; the message holds how and its last line, `said` the end of all it said."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class ChildTimedOut(Exception):
    """The child was killed because it took too long."""


class ChildCancelled(Exception):
    """The child was killed because its result is no longer wanted."""


def run_child(
    module: str,
    spec: msgspec.Struct,
    result_type: type[Result],
    *,
    threads: int,
    timeout_s: float,
    cancelled: Callable[[], bool],
    waiting: Callable[[float], None] = lambda elapsed_s: None,
) -> Result:
    """Run `python -m module`, give it the spec, return its result; on every way out the child and its group are gone.

    Args:
        threads: what the numeric libraries of the child are told to use.
        cancelled: asked every 50 ms; True kills the child.
        waiting: told every 50 ms for how many seconds the child has been at work.

    Raises:
        ChildFailed: it ended without a result.
        ChildTimedOut: it was still at work after `timeout_s`.
        ChildCancelled: `cancelled` said so.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        given.write(msgspec.json.encode(spec))
        given.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=given,
            stdout=said,
            stderr=complained,
            env=_environment(os.environ, threads),
            start_new_session=True,
        )
        try:
            status = _wait(child, timeout_s, cancelled, waiting)
        finally:
            _kill_group(child)
        if status != 0:
            complaint = _tail(complained)
            last_line = complaint.rpartition("\n")[2] or "it said nothing"
            raise ChildFailed(f"{module} {_how_it_ended(status)}: {last_line}", complaint)
        said.seek(0)
        try:
            return msgspec.json.decode(said.read(), type=result_type)
        except msgspec.MsgspecError as error:
            raise ChildFailed(f"{module} gave no result that can be read: {error}") from error


def _wait(
    child: subprocess.Popen[bytes], timeout_s: float, cancelled: Callable[[], bool], waiting: Callable[[float], None]
) -> int:
    began_s = time.monotonic()
    while True:
        try:
            return child.wait(POLL_S)
        except subprocess.TimeoutExpired:
            elapsed_s = time.monotonic() - began_s
        if cancelled():
            raise ChildCancelled(f"cancelled after {elapsed_s:.1f} s")
        if elapsed_s > timeout_s:
            raise ChildTimedOut(f"still at work after {elapsed_s:.0f} s, {timeout_s:.0f} s were allowed")
        waiting(elapsed_s)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _environment(own: Mapping[str, str], threads: int) -> dict[str, str]:
    # The packages may have been found by a path that only this process was given, as by a test runner.
    roots = [str(Path(__file__).resolve().parents[3]), *(entry for entry in sys.path if entry)]
    # What runs a model has no business with the hub's token.
    made = {name: value for name, value in own.items() if name not in _SECRETS} | dict.fromkeys(_THREADS, str(threads))
    made |= {"PYTHONPATH": os.pathsep.join(dict.fromkeys(roots)), _PARENT: str(os.getpid())}
    return made | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    name = signal.Signals(-status).name
    hint = ", perhaps because memory ran out" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"


def _tail(stream: IO[bytes], limit: int = 4000) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - limit))
    return stream.read().decode("utf-8", "replace").strip()


# ---- inside the child -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def child_ends() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The two ends of a child: where its spec comes from and where its result goes, and its death with its parent.

    Whatever else prints to standard output goes to standard error, so that it does not spoil the result.
    """
    die_with_parent()
    with os.fdopen(os.dup(1), "wb") as result:
        os.dup2(2, 1)
        yield sys.stdin.buffer, result


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it is gone; exit if it is gone already."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed; this needs Linux")
    parent = os.environ.get(_PARENT, "")
    if parent and os.getppid() != int(parent):
        raise SystemExit("the process that started this one is gone")
