"""Measure what some work draws: for each component by the best source of this host, and why others were passed over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from hedgerow_nodes.estimators.figure import Figure

Component = Literal["cpu", "gpu", "ram"]


class SourceUnavailable(Exception):
    """A source that tells nothing here; the message says why and what to do about it."""


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@dataclass(frozen=True)
class Clock:
    """Time and its passing, so that a test needs no time."""

    now_s: Callable[[], float] = time.perf_counter
    cpu_s: Callable[[], float] = cpu_seconds
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Window:
    """A piece of work, as a clock saw it: seconds, and seconds of processor time within them."""

    seconds: float
    cpu_s: float


class EnergySource(Protocol):
    """Something that tells the energy of a piece of work: a counter, a formula, or somebody else's package.

    A component that it cannot tell is missing from what `end` gives.
    """

    @property
    def name(self) -> str:
        """The method by which its figures are labelled."""

    def begin(self) -> None:
        """Get ready, as the last thing before the work.

        Raises:
            SourceUnavailable: it tells nothing here.
        """

    def end(self, window: Window) -> Mapping[Component, Figure]:
        """The joules of the work, by component.

        Raises:
            SourceUnavailable: it tells nothing after all.
        """


@dataclass(frozen=True)
class Reading:
    """What a piece of work took: joules by component, and a sentence for each source that was passed over."""

    window: Window
    joules: Mapping[Component, Figure]
    passed_over: tuple[str, ...]


def measure(action: Callable[[], None], sources: Sequence[EnergySource], clock: Clock | None = None) -> Reading:
    """Do some work and tell what it drew: for each component the first source, in the order given, that tells it.

    Every source is begun, so that one which fails at the end still leaves the next; a component that none tells is
    missing from the result, never 0.
    """
    ticking = clock or Clock()
    begun, passed_over = _begin(sources)
    began_s, began_cpu_s = ticking.now_s(), ticking.cpu_s()
    action()
    window = Window(max(ticking.now_s() - began_s, 1e-9), max(ticking.cpu_s() - began_cpu_s, 0.0))
    joules: dict[Component, Figure] = {}
    for source in begun:
        try:
            found = source.end(window)
        except SourceUnavailable as unavailable:
            passed_over.append(f"{source.name}: {unavailable}")
            continue
        for component, figure in found.items():
            joules.setdefault(component, figure)
    return Reading(window, joules, tuple(passed_over))


def _begin(sources: Iterable[EnergySource]) -> tuple[list[EnergySource], list[str]]:
    begun: list[EnergySource] = []
    passed_over: list[str] = []
    # Last source first: what is begun last, nearest to the work, is the most accurate.
    for source in reversed(list(sources)):
        try:
            source.begin()
        except SourceUnavailable as unavailable:
            passed_over.insert(0, f"{source.name}: {unavailable}")
        else:
            begun.insert(0, source)
    return begun, passed_over
