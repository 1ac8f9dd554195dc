"""What is assumed about a device where its documents are silent: efficiency, idle share, embodied carbon, PUE."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hedgerow_nodes.estimators.interval import Interval

# Achieved FLOP/s over peak in the public measurements of timm (`results/` of huggingface/pytorch-image-models): models
# below 3 GMAC reached 0.06 to 0.90 of the fp32 peak on RTX 3090 and 4090 (large batches, half precision), and at batch
# 1 0.02 to 0.20 on 14 cores (all sizes: median 0.19, best 0.44). With these numbers the interval of an i9-10940X holds
# 96 % of the 1,434 latencies measured on it. On one core ONNX Runtime reached 0.51 to 1.12 of the measured matrix
# multiplication rate, so few cores do better than many.
_GPU_COMPUTE = Interval(0.25, 0.05, 0.7)
_MANY_CORES_COMPUTE = Interval(0.15, 0.02, 0.45)
_FEW_CORES_COMPUTE = Interval(0.35, 0.1, 0.8)
_GPU_MEMORY = Interval(0.6, 0.3, 0.9)
_CPU_MEMORY = Interval(0.5, 0.25, 0.85)

EFFICIENCY_SOURCE = "efficiency assumed by device class, set by public timm results"


@dataclass(frozen=True)
class Assumptions:
    """One class of devices.

    Attributes:
        compute_efficiency, memory_efficiency: achieved over peak, 0 to 1.
        dispatch_s: time of one inference that no roof explains: starting kernels, copying input and output.
        idle_share: idle power over rated power.
        embodied_kgco2e: greenhouse gases of making it; `embodied_source` says where the order of magnitude is from.
        lifetime_years: years in use.
    """

    compute_efficiency: Interval
    memory_efficiency: Interval
    dispatch_s: Interval
    idle_share: Interval
    embodied_kgco2e: Interval
    embodied_source: str
    lifetime_years: float


_GPU_DISPATCH = Interval(3e-3, 0.5e-3, 10e-3)
_CPU_DISPATCH = Interval(0.5e-3, 0.0, 2e-3)
_CARD = (Interval(150.0, 50.0, 450.0), "assumed: 150 kg a GPU, Luccioni, Viguier and Ligozat 2022 (BLOOM)")
_SERVER = (Interval(2500.0, 800.0, 5000.0), "assumed: 2500 kg a server, Luccioni, Viguier and Ligozat 2022 (BLOOM)")
_DESKTOP = (Interval(300.0, 100.0, 900.0), "assumed: order of magnitude of a desktop computer")
_LAPTOP = (Interval(200.0, 80.0, 500.0), "assumed: order of magnitude of a laptop")
_BOARD = (Interval(15.0, 3.0, 60.0), "assumed: order of magnitude; edge devices differ 150-fold, Pirson and Bol 2021")
_PHONE = (Interval(60.0, 30.0, 90.0), "assumed: order of the iPhone Product Environmental Reports, 2019 to 2023")
_CHIP = (Interval(2.0, 0.5, 10.0), "assumed: order of magnitude of a small controller board")

ASSUMPTIONS: Mapping[str, Assumptions] = MappingProxyType(
    {
        "server gpu": Assumptions(
            _GPU_COMPUTE, _GPU_MEMORY, _GPU_DISPATCH, Interval(0.12, 0.05, 0.3), *_CARD, lifetime_years=4.0
        ),
        "desktop gpu": Assumptions(
            _GPU_COMPUTE, _GPU_MEMORY, _GPU_DISPATCH, Interval(0.1, 0.03, 0.25), *_CARD, lifetime_years=4.0
        ),
        "laptop gpu": Assumptions(
            _GPU_COMPUTE, _GPU_MEMORY, _GPU_DISPATCH, Interval(0.15, 0.05, 0.4), *_LAPTOP, lifetime_years=4.0
        ),
        "edge gpu": Assumptions(
            Interval(0.3, 0.1, 0.7),
            _GPU_MEMORY,
            Interval(4e-3, 1e-3, 15e-3),
            Interval(0.3, 0.15, 0.5),
            *_BOARD,
            lifetime_years=5.0,
        ),
        "server": Assumptions(
            _MANY_CORES_COMPUTE, _CPU_MEMORY, _CPU_DISPATCH, Interval(0.3, 0.1, 0.5), *_SERVER, lifetime_years=4.0
        ),
        "desktop": Assumptions(
            _MANY_CORES_COMPUTE, _CPU_MEMORY, _CPU_DISPATCH, Interval(0.2, 0.05, 0.4), *_DESKTOP, lifetime_years=4.0
        ),
        "laptop": Assumptions(
            _FEW_CORES_COMPUTE, _CPU_MEMORY, _CPU_DISPATCH, Interval(0.15, 0.05, 0.3), *_LAPTOP, lifetime_years=4.0
        ),
        "edge": Assumptions(
            _FEW_CORES_COMPUTE,
            _CPU_MEMORY,
            Interval(1e-3, 0.0, 5e-3),
            Interval(0.35, 0.15, 0.55),
            *_BOARD,
            lifetime_years=5.0,
        ),
        "mobile": Assumptions(
            _FEW_CORES_COMPUTE,
            _CPU_MEMORY,
            Interval(2e-3, 0.0, 10e-3),
            Interval(0.2, 0.05, 0.4),
            *_PHONE,
            lifetime_years=3.0,
        ),
        "microcontroller": Assumptions(
            _FEW_CORES_COMPUTE,
            _CPU_MEMORY,
            Interval(1e-3, 0.0, 5e-3),
            Interval(0.2, 0.05, 0.5),
            *_CHIP,
            lifetime_years=8.0,
        ),
    }
)


def assumptions_for(device_class: str, classes: Collection[str]) -> Assumptions:
    """What is assumed for a device of these classes; a class that is not in the table counts as a desktop computer."""
    if "gpu" in classes and f"{device_class} gpu" in ASSUMPTIONS:
        return ASSUMPTIONS[f"{device_class} gpu"]
    return ASSUMPTIONS.get(device_class, ASSUMPTIONS["desktop"])


def usual_pue(device_class: str) -> tuple[Interval, str]:
    """Power usage effectiveness of the place where such a device stands, and where the number is from.

    A computer outside a data centre has no building around it that Hedgerow knows of, so it counts as 1.
    """
    if device_class == "server":
        return Interval(
            1.2, 1.1, 1.6
        ), "assumed for servers; the Uptime Institute's surveys of 2021 to 2023 found 1.55 to 1.58"
    return Interval.exactly(1.0), "assumed: outside a data centre"
