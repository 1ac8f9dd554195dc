"""Try again after growing pauses, and give up after a number of tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
GROWTH = 2.0

Answer = TypeVar("Answer")


class GivenUp(Exception):
    """Every try failed; the last error's words, and how many tries there were."""


class Stopped(Exception):
    """The handler shall stop, so nothing is tried any more."""


def pause_s(failures: int) -> float:
    """How long to wait after that many failures in a row, at least one."""
    return min(FIRST_PAUSE_S * GROWTH ** min(failures - 1, 30), LONGEST_PAUSE_S)


def tried(
    work: Callable[[], Answer],
    expected: type[Exception] | tuple[type[Exception], ...],
    attempts: int,
    sleep: Callable[[float], bool],
    tell: Callable[[str], None],
) -> Answer:
    """What `work` gives, tried up to `attempts` times; `sleep` is `Context.sleep`.

    Raises:
        GivenUp: each try raised one of the `expected` errors.
        Stopped: the handler was stopped between two tries.
    """
    for failures in range(1, attempts + 1):
        try:
            return work()
        except expected as error:
            if failures == attempts:
                raise GivenUp(f"{error} (tried {attempts} times)") from error
            wait = pause_s(failures)
            tell(f"{error}; try {failures} of {attempts}, next in {wait:.1f} s")
        if not sleep(wait):
            raise Stopped
    raise AssertionError("attempts are at least 1")
