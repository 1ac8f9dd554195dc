"""Our figures by codecarbon's method are within 1 % of its own: those recorded once, and live where it is installed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.energy.backends import BACKENDS, CarbontrackerSource, CodecarbonSource, backend
from hedgerow_nodes.estimators.energy.codecarbon_method import Mode, Work, codecarbon_energy, ram_power_w
from hedgerow_nodes.estimators.energy.meter import SourceUnavailable, Window, measure
from tests.unit.nodes.codecarbon_itself import LOADS, SIZES_GB, everything

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "codecarbon_golden.json").read_text())
ONE_PERCENT = 0.01
JOULES_PER_KWH = 3.6e6


def need(package: str) -> None:
    """Skip where a backend is not installed, or fail in CI."""
    if importlib.util.find_spec(package) is not None:
        return
    reason = f"{package} is not installed; pip install hedgerow[{package}]"
    if os.environ.get("HEDGEROW_CI") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def same_figures(theirs: dict[str, Any]) -> None:
    modes: tuple[Mode, ...] = ("process", "machine")
    for mode in modes:
        for (rated_w, threads, wall_s, cpu_s), watts in zip(LOADS, theirs[f"{mode}_w"], strict=True):
            ours = codecarbon_energy(Work(wall_s, cpu_s, threads, 0.0), mode, rated_w=rated_w)
            assert ours.cpu_j == pytest.approx(watts * wall_s, rel=ONE_PERCENT)
    for size_gb, watts, arm_watts in zip(SIZES_GB, theirs["ram_w"], theirs["arm_ram_w"], strict=True):
        assert ram_power_w(size_gb) == pytest.approx(watts, rel=ONE_PERCENT), size_gb
        assert ram_power_w(size_gb, arm=True) == pytest.approx(arm_watts, rel=ONE_PERCENT), size_gb
    same_run(theirs["run"])


def same_run(run: dict[str, Any]) -> None:
    """A whole run: energy of processor and memory, and the emissions, from what we saw of the same work."""
    options = run["options"]
    work = Work(run["wall_s"], run["cpu_s"], run["threads"], 0.0)
    ours = codecarbon_energy(work, "process", rated_w=options["force_cpu_power"], ram_w=options["force_ram_power"])
    cpu_kwh, ram_kwh = (options["pue"] * joules / JOULES_PER_KWH for joules in (ours.cpu_j, ours.ram_j))
    assert cpu_kwh == pytest.approx(run["cpu_energy_kwh"], rel=ONE_PERCENT)
    assert ram_kwh == pytest.approx(run["ram_energy_kwh"], rel=ONE_PERCENT)
    assert cpu_kwh + ram_kwh == pytest.approx(run["energy_consumed_kwh"] - run["gpu_energy_kwh"], rel=ONE_PERCENT)
    if run["gpu_energy_kwh"] == 0:
        grams = (cpu_kwh + ram_kwh) * options["force_carbon_intensity_g_co2e_kwh"]
        assert grams == pytest.approx(1000 * run["emissions_kg"], rel=ONE_PERCENT)


def test_recorded_figures_are_reproduced() -> None:
    assert GOLDEN["package"] == "codecarbon 3.3.2"
    same_figures(GOLDEN)


@pytest.mark.timeout(300)  # seconds of processor time, which a loaded machine gives slowly
def test_an_installed_codecarbon_is_reproduced() -> None:
    need("codecarbon")
    same_figures(everything())


def test_an_unknown_processor_has_four_watts_a_thread() -> None:
    assert codecarbon_energy(Work(10.0, 10.0, 2, 0.0), "process").cpu_j == pytest.approx(8.0 / 2 * 10.0)


def test_the_formulas_hold_their_numbers() -> None:
    energy = codecarbon_energy(Work(2.0, 1.0, 4, 8 * 1024**3), "machine", rated_w=100.0)
    assert energy.cpu_formula == "100 W x (0.1 + 0.9 x 0.125^3) x 2 s"
    assert energy.ram_formula == "10 W x 2 s"


@pytest.mark.parametrize(("wall_s", "threads"), [(0.0, 2), (-1.0, 2), (1.0, 0)])
def test_no_time_and_no_threads_are_refused(wall_s: float, threads: int) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        codecarbon_energy(Work(wall_s, 1.0, threads, 0.0), "process")


@given(st.floats(1e-3, 1e4), st.floats(0, 1), st.integers(1, 256), st.floats(1, 500), st.floats(1, 100))
def test_in_process_mode_energy_is_linear_in_the_work(
    wall_s: float, load: float, threads: int, rated_w: float, more: float
) -> None:
    cpu_s = load * wall_s * threads
    once = codecarbon_energy(Work(wall_s, cpu_s, threads, 0.0), "process", rated_w=rated_w)
    often = codecarbon_energy(Work(wall_s * more, cpu_s * more, threads, 0.0), "process", rated_w=rated_w)
    assert often.cpu_j == pytest.approx(once.cpu_j * more)
    assert once.cpu_j <= rated_w * wall_s * (1 + 1e-9)


@pytest.mark.parametrize("arm", [True, False])
def test_more_modules_never_draw_less(arm: bool) -> None:
    watts = [ram_power_w(size_gb, arm=arm) for size_gb in (1, 16, 32, 128, 256)]
    assert watts == sorted(watts)


class TestBackends:
    def test_an_unknown_one_is_refused_with_those_known(self) -> None:
        with pytest.raises(ValueError, match="'eco2ai' unknown; known: codecarbon, carbontracker"):
            backend("eco2ai")

    @pytest.mark.parametrize("name", BACKENDS)
    def test_one_that_is_not_installed_says_how(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (name, f"{name}.components", f"{name}.components.component", f"{name}.loggerutil"):
            monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(SourceUnavailable, match=rf"install hedgerow\[{name}\]"):
            backend(name).begin()

    @pytest.mark.parametrize("name", BACKENDS)
    def test_end_without_begin_is_refused(self, name: str) -> None:
        with pytest.raises(SourceUnavailable, match="call begin first"):
            backend(name).end(Window(1.0, 1.0))

    def test_codecarbons_kilowatt_hours_become_joules_and_its_zeros_are_unknown(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "codecarbon", stand_in_codecarbon(cpu_energy=1e-6, gpu_energy=0.0))
        reading = measure(lambda: None, [CodecarbonSource("machine")])
        assert set(reading.joules) == {"cpu", "ram"}
        assert reading.joules["cpu"].interval.value == pytest.approx(3.6)
        assert reading.joules["cpu"].interval.high == pytest.approx(4 * 3.6)
        assert reading.joules["cpu"].source == "codecarbon 9.9, mode machine; interval x/÷ 4, assumed"

    def test_a_codecarbon_that_fails_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for package, reason in (
            (stand_in_codecarbon(start_error=KeyError("tdp")), "codecarbon failed (KeyError: 'tdp')"),
            (stand_in_codecarbon(silent=True), "failed without figures"),
        ):
            monkeypatch.setitem(sys.modules, "codecarbon", package)
            reading = measure(lambda: None, [CodecarbonSource()])
            assert reading.joules == {}
            assert reason in reading.passed_over[0]

    def test_carbontrackers_power_becomes_joules(self, monkeypatch: pytest.MonkeyPatch) -> None:
        part = StandInPart(watts=50.0)
        stand_in_carbontracker(monkeypatch, [part, StandInPart(watts=1.0, there=False)])
        reading = measure(lambda: _wait(part), [CarbontrackerSource()])
        assert reading.joules["cpu"].interval.value == pytest.approx(50.0 * reading.window.seconds)
        assert reading.joules["cpu"].source == "carbontracker: a processor; interval x/÷ 4, assumed"
        assert part.is_shut

    @pytest.mark.parametrize(
        ("parts", "reason"),
        [([], "finds nothing"), (["broken"], "carbontracker failed (PermissionError: energy_uj)")],
    )
    def test_a_carbontracker_that_fails_is_passed_over(
        self, monkeypatch: pytest.MonkeyPatch, parts: list[str], reason: str
    ) -> None:
        stand_in_carbontracker(monkeypatch, [StandInPart(error=PermissionError("energy_uj")) for _ in parts])
        reading = measure(lambda: None, [CarbontrackerSource()])
        assert reading.joules == {}
        assert reason in reading.passed_over[0]

    def test_codecarbon_counts_a_busy_second(self) -> None:
        need("codecarbon")
        source = CodecarbonSource("process", force_cpu_power=100, force_ram_power=5, force_mode_cpu_load=True)
        reading = measure(_burn, [source])
        assert reading.passed_over == ()
        assert reading.joules["cpu"].method == "codecarbon_backend"
        assert reading.joules["cpu"].interval.value > 0
        assert reading.joules["ram"].interval.value == pytest.approx(5 * reading.window.seconds, rel=0.2)
        assert "codecarbon 3" in reading.joules["cpu"].source

    def test_carbontracker_counts_a_busy_second(self) -> None:
        need("carbontracker")
        reading = measure(_burn, [CarbontrackerSource()])
        assert reading.passed_over == ()
        assert reading.joules["cpu"].method == "carbontracker_backend"
        assert reading.joules["cpu"].interval.value > 0
        assert reading.joules["cpu"].source.startswith("carbontracker: ")


def stand_in_codecarbon(
    *, cpu_energy: float = 1e-6, gpu_energy: float = 1e-6, start_error: Exception | None = None, silent: bool = False
) -> ModuleType:
    """A package with a tracker that counts what it is told to."""

    class OfflineEmissionsTracker:
        def __init__(self, *, tracking_mode: str, **options: Any) -> None:
            self.mode = tracking_mode

        def start(self) -> None:
            if start_error is not None:
                raise start_error

        def stop(self) -> None:
            if not silent:
                self.final_emissions_data = SimpleNamespace(
                    cpu_energy=cpu_energy,
                    gpu_energy=gpu_energy,
                    ram_energy=2e-6,
                    codecarbon_version="9.9",
                    tracking_mode=self.mode,
                )

    package = ModuleType("codecarbon")
    package.OfflineEmissionsTracker = OfflineEmissionsTracker  # type: ignore[attr-defined]
    return package


class StandInPart:
    """A component of carbontracker's: constant power, or an error when it is sampled."""

    name = "cpu"

    def __init__(self, watts: float = 0.0, *, there: bool = True, error: Exception | None = None) -> None:
        self.watts, self.there, self.error = watts, there, error
        self.sampled, self.is_shut = threading.Event(), False

    def available(self) -> bool:
        return self.there

    def init(self) -> None:
        pass

    def collect_power_usage(self, epoch: int) -> None:
        if self.error is not None:
            raise self.error
        self.sampled.set()

    def energy_usage(self, epoch_times: list[float]) -> list[float]:
        return [self.watts * seconds / JOULES_PER_KWH for seconds in epoch_times]

    def devices(self) -> list[str]:
        return ["a processor"]

    def shutdown(self) -> None:
        self.is_shut = True


def stand_in_carbontracker(monkeypatch: pytest.MonkeyPatch, parts: list[StandInPart]) -> None:
    component, logger = ModuleType("component"), ModuleType("loggerutil")
    component.create_components = lambda *given, **named: parts  # type: ignore[attr-defined]
    logger.Logger = lambda **named: None  # type: ignore[attr-defined]
    for name, module in (
        ("carbontracker", ModuleType("carbontracker")),
        ("carbontracker.components", ModuleType("components")),
        ("carbontracker.components.component", component),
        ("carbontracker.loggerutil", logger),
    ):
        monkeypatch.setitem(sys.modules, name, module)


def _burn() -> None:
    """End between two of codecarbon's samples; see `host_power.BACKEND_WATCH_S`."""
    block, began_s = bytes(65536), time.perf_counter()
    while time.perf_counter() - began_s < 1.5:
        hashlib.sha256(block).digest()


def _wait(part: StandInPart) -> None:
    assert part.sampled.wait(10)
