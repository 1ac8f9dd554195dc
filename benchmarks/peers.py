"""The second process of a row: a function that runs in a fresh interpreter, with a pipe to talk over."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.cores import move_to_core
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain

END_S = 10.0


class PeerEnded(Exception):
    """The second process ended before it was asked to."""


class Pipe:
    """The row's end of the pipe to its peer."""

    def __init__(self, connection: Connection, process: multiprocessing.process.BaseProcess) -> None:
        self._connection = connection
        self._process = process

    def send(self, value: Any) -> None:
        """Tell the peer something."""
        self._connection.send(value)

    def receive(self, timeout_s: float = 60.0) -> Any:
        """What the peer says next.

        Raises:
            PeerEnded: it said nothing in this time, or is gone.
        """
        try:
            if self._connection.poll(timeout_s):
                return self._connection.recv()
        except EOFError:
            self._process.join(1.0)
            raise PeerEnded(f"the peer {self._process.name} ended with {self._process.exitcode}") from None
        raise PeerEnded(f"the peer {self._process.name} said nothing for {timeout_s:g} s")


@contextlib.contextmanager
def peer(function: Callable[..., None], *arguments: Any, core: int | None = None) -> Iterator[Pipe]:
    """Run `function(connection, *arguments)` in a fresh interpreter; it ends, or is killed, with the block.

    Args:
        core: keep it on this core.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_until_closed, args=(core, function, theirs, *arguments), name=function.__name__)
    process.start()
    theirs.close()
    try:
        yield Pipe(ours, process)
    finally:
        ours.close()
        process.join(0.5)
        if process.is_alive():
            process.terminate()
            process.join(END_S)
        if process.is_alive():
            process.kill()
            process.join()


def _until_closed(core: int | None, function: Callable[..., None], connection: Connection, *arguments: Any) -> None:
    if core is not None:
        move_to_core(core)
    with contextlib.suppress(EOFError, BrokenPipeError):
        function(connection, *arguments)


@contextlib.contextmanager
def system_of_its_own() -> Iterator[Environment]:
    """Settings with a DDS domain that nobody else here uses and an empty home."""
    with free_domain() as domain, TemporaryDirectory(prefix="hedgerow-bench-") as home:
        yield Environment.read({"HEDGEROW_HOME": home, "HEDGEROW_DOMAIN": str(domain)})
