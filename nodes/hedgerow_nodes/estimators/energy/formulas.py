"""Energy of the processor where no counter can be read: from its rated power, as declared, or assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hedgerow_nodes.estimators.devices.energy import PowerModel
from hedgerow_nodes.estimators.energy.meter import Component, SourceUnavailable, Window
from hedgerow_nodes.estimators.energy.methods import DECLARED, DEFAULT, LOAD_SCALED_TDP
from hedgerow_nodes.estimators.figure import Figure
from hedgerow_nodes.estimators.interval import Interval

# 360 W over the 96 cores of an EPYC 9654: a server core at full load.
DEFAULT_W_PER_CORE = 3.75
# Idle over rated power of a processor, where nobody tells it: servers' and desktops' together.
IDLE_SHARE = Interval(0.2, 0.05, 0.5)


@dataclass
class LoadScaledSource:
    """power = idle + (rated - idle) x processor time / (time x cores); the idle share is that of the cores in use.

    Attributes:
        rated_w: rated power of the whole processor, in watts; None where it is unknown.
        cores: physical cores of the whole processor, at least 1.
        origin: whose figure the rated power is.
    """

    rated_w: float | None
    cores: int
    origin: str
    name: str = LOAD_SCALED_TDP.name

    def begin(self) -> None:
        """See whether the rated power is known."""
        if self.rated_w is None:
            raise SourceUnavailable("the rated power of this processor is unknown; declare it")

    def end(self, window: Window) -> Mapping[Component, Figure]:
        """Scale it with the load."""
        if self.rated_w is None:
            raise SourceUnavailable("the rated power of this processor is unknown; declare it")
        load = min(1.0, window.cpu_s / (window.seconds * self.cores))
        power = PowerModel(self.rated_w, IDLE_SHARE * self.rated_w)
        joules = power.power_w(Interval.exactly(load)) * window.seconds
        source = f"{self.origin}: {self.rated_w:g} W, load {load:.3g}; {LOAD_SCALED_TDP.words}"
        return {"cpu": Figure(joules, LOAD_SCALED_TDP.name, source)}


@dataclass
class DeclaredSource:
    """watts a busy core x processor time.

    Attributes:
        w_per_core: what an operator says that a busy core draws, in watts; None takes the default.
    """

    w_per_core: float | None = None

    @property
    def name(self) -> str:
        """`declared` or `default`."""
        return DEFAULT.name if self.w_per_core is None else DECLARED.name

    def begin(self) -> None:
        """Nothing to do."""

    def end(self, window: Window) -> Mapping[Component, Figure]:
        """Take the processor time."""
        method = DEFAULT if self.w_per_core is None else DECLARED
        watts = DEFAULT_W_PER_CORE if self.w_per_core is None else self.w_per_core
        said = "assumed" if self.w_per_core is None else "declared"
        source = f"{said} {watts:g} W a busy core x {window.cpu_s:.3g} s of processor time; {method.words}"
        return {"cpu": Figure(method.interval(watts * window.cpu_s), method.name, source)}
