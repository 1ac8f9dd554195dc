"""Choose execution providers by what a blueprint wants and what a worker has."""

from __future__ import annotations

from collections.abc import Sequence

CPU = "CPUExecutionProvider"
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
