"""Choose execution providers by what a blueprint wants and what a worker has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from hedgerow_nodes.partition.problems import ProviderUnusable
from hedgerow_nodes.partition.runtime import CPU, runtime

T = TypeVar("T")

PREFERRED = ("CUDAExecutionProvider", "ROCMExecutionProvider", CPU)
"""What is taken where nothing is wanted: those that work with a model as it is, without building an engine first."""


def allowed(by_worker: Sequence[str], available: Sequence[str]) -> tuple[str, ...]:
    """Of those that are here what a worker lets its handlers use: all where it names none."""
    return tuple(name for name in available if not by_worker or name in by_worker)


def chosen(wanted: Sequence[str], available: Sequence[str]) -> tuple[str, ...]:
    """Full names, best first; short ones as `cuda` and `cpu` are known, and the CPU takes what others do not run.

    Raises:
        ValueError: one is not there.
    """
    if not wanted:
        return tuple(name for name in PREFERRED if name in available)
    by_short = {name.removesuffix("ExecutionProvider").lower(): name for name in available}
    names = []
    for name in wanted:
        full = name if name in available else by_short.get(name.lower())
        if full is None:
            raise ValueError(f"execution provider {name!r} is not on this worker; it has {', '.join(available)}")
        names.append(full)
    if CPU in available:
        names.append(CPU)
    return tuple(dict.fromkeys(names))


def with_providers(
    use: Callable[[Sequence[str]], T], wanted: Sequence[str], by_worker: Sequence[str], warn: Callable[[str], object]
) -> T:
    """What comes of using the providers that are wanted and that the worker lets its handlers use.

    Where none is wanted and the best one cannot be used, `warn` is told and the processor is taken, if it may be used.

    Raises:
        ValueError: one is not there.
        ProviderUnusable: one is there and cannot be used.
    """
    available = allowed(by_worker, runtime().get_available_providers())
    try:
        return use(chosen(wanted, available))
    except ProviderUnusable as unusable:
        if wanted or CPU not in available:
            raise
        warn(f"the processor is taken, as no provider is asked for: {unusable}")
        return use((CPU,))
