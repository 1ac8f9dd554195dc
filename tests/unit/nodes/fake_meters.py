"""Meters that need no hardware: a powercap tree, a machine whose counters follow a clock, NVML's stand-in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from hedgerow_nodes.estimators.energy.meter import Clock


def rapl_tree(root: Path, *, package_uj: tuple[int, ...] = (0,), range_uj: int = 1000) -> Path:
    """A powercap tree as the kernel makes it: packages, a domain below the first, and psys beside them."""
    for number, energy_uj in enumerate(package_uj):
        rapl_domain(root / f"intel-rapl:{number}", f"package-{number}", energy_uj, range_uj)
    rapl_domain(root / "intel-rapl:0:0", "core", 7, range_uj)
    rapl_domain(root / "intel-rapl:9", "psys", 9, range_uj)
    (root / "intel-rapl").mkdir()
    return root


def rapl_domain(folder: Path, name: str, energy_uj: int, range_uj: int) -> None:
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")


class MachineClock:
    """Time that passes when it is asked for, on a machine of 10 W at rest that draws 6 W more a busy core."""

    def __init__(self, counter: Path, busy_w: float = 6.0) -> None:
        self.counter, self.busy_w = counter, busy_w
        self.time_s = self.cpu_time_s = 0.0
        self.energy_uj = int(counter.read_text()) if counter.exists() else 0

    def clock(self) -> Clock:
        return Clock(now_s=self.tick, cpu_s=lambda: self.cpu_time_s, sleep=lambda seconds: self.pass_time(seconds, 0.0))

    def tick(self) -> float:
        self.pass_time(0.01, 0.01)
        return self.time_s

    def pass_time(self, seconds: float, cpu_s: float) -> None:
        self.time_s += seconds
        self.cpu_time_s += cpu_s
        self.energy_uj += round((10.0 * seconds + self.busy_w * cpu_s) * 1e6)
        if self.counter.exists():
            self.counter.write_text(str(self.energy_uj % 10**9))


class FakeNvml:
    """Answers like pynvml: two GPUs, of which the second has no energy counter and an old binding's name in bytes."""

    class NVMLError(Exception):
        """As in the library."""

    def __init__(self, *, driver: bool = True, power: bool = True, gpus: int = 2) -> None:
        self.driver, self.power, self.gpus = driver, power, gpus
        self.open, self.millijoules = 0, 1_000_000
        self.step_mj = 80_000

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.gpus

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:  # noqa: N802
        return "NVIDIA H200" if handle == 0 else b"Tesla T4"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=150e9)

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        if not self.power:
            raise self.NVMLError("Not Supported")
        return 75_000

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> int:  # noqa: N802
        return 600_000

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802
        if handle == 1:
            raise self.NVMLError("Not Supported")
        self.millijoules += self.step_mj
        return self.millijoules
