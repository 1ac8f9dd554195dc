"""The ladder of energy sources: which one tells a component, with which label and interval, and why others do not."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.devices.host_power import core_power
from hedgerow_nodes.estimators.energy.__main__ import main
from hedgerow_nodes.estimators.energy.counters import NvmlSource, RaplSource
from hedgerow_nodes.estimators.energy.formulas import DEFAULT_W_PER_CORE, DeclaredSource, LoadScaledSource
from hedgerow_nodes.estimators.energy.meter import Clock, Component, SourceUnavailable, Window, measure
from hedgerow_nodes.estimators.energy.methods import METHODS, RAPL_COUNTER, methods_in
from hedgerow_nodes.estimators.figure import Figure
from tests.unit.nodes.fake_meters import FakeNvml, MachineClock, rapl_domain, rapl_tree

PAGE = Path(__file__).parents[3] / "docs" / "method_carbon.md"
WINDOW = Window(seconds=2.0, cpu_s=1.0)


class Ticks:
    """A clock that a test sets: each window is 2 s, of which a core works half."""

    def __init__(self) -> None:
        self.time_s = self.cpu_time_s = 0.0

    def clock(self) -> Clock:
        return Clock(now_s=lambda: self.time_s, cpu_s=lambda: self.cpu_time_s, sleep=lambda seconds: None)

    def work(self) -> None:
        self.time_s += WINDOW.seconds
        self.cpu_time_s += WINDOW.cpu_s


class TestMethods:
    @pytest.mark.parametrize(
        ("name", "factor"),
        [
            ("nvml_counter", 1.1),
            ("rapl_counter", 1.1),
            ("rapl_probe", 1.5),
            ("load_scaled_tdp", 2.0),
            ("declared", 4.0),
            ("default", 4.0),
        ],
    )
    def test_each_has_its_factor(self, name: str, factor: float) -> None:
        assert METHODS[name].factor == factor

    def test_the_order_is_counters_then_rated_power_then_what_is_declared(self) -> None:
        asked = [name for name in METHODS if "codecarbon" not in name and "carbontracker" not in name]
        assert asked.index("nvml_counter") < asked.index("rapl_counter") < asked.index("load_scaled_tdp")
        assert asked.index("load_scaled_tdp") < asked.index("declared") < asked.index("default")

    def test_none_is_marked_validated_while_no_meter_was_read(self) -> None:
        assert {method.mark for method in METHODS.values()} == {"assumed"}
        assert METHODS["rapl_counter"].words == "interval x/÷ 1.1, assumed"

    @given(st.floats(1e-9, 1e9), st.sampled_from(sorted(METHODS)))
    def test_an_interval_holds_its_value(self, value: float, name: str) -> None:
        interval = METHODS[name].interval(value)
        assert interval.low <= value <= interval.high
        assert interval.high == pytest.approx(value * METHODS[name].factor)

    def test_the_page_shows_the_same_table(self) -> None:
        rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| `") and "x/÷" in line]
        told = {
            name.strip().strip("`"): (cells[3].strip(), cells[4].strip())
            for cells in rows
            if len(cells) == 6
            for name in cells[1].split(",")
        }
        shown = {name: row for name, row in told.items() if name in METHODS and row[1] in ("validated", "assumed")}
        assert shown == {name: (f"x/÷ {one.factor:g}", one.mark) for name, one in METHODS.items()}

    def test_a_label_names_its_methods(self) -> None:
        assert [one.name for one in methods_in("measured x rapl_probe + default for memory")] == ["rapl_probe"]
        assert [one.name for one in methods_in("roofline x load_scaled_tdp")] == ["load_scaled_tdp"]
        assert methods_in("measured") == []


class TestNvml:
    def test_the_counter_of_one_gpu(self) -> None:
        found = self.used(FakeNvml(gpus=1))
        assert found.interval.value == pytest.approx(80.0)
        assert found.interval.high == pytest.approx(88.0)
        assert found.method == "nvml_counter"
        assert "NVIDIA H200" in found.source

    def test_a_gpu_without_a_counter_is_read_by_its_power_and_widens_the_interval(self) -> None:
        found = self.used(FakeNvml(gpus=2))
        assert found.interval.value == pytest.approx(80.0 + 75.0 * WINDOW.seconds)
        assert found.method == "nvml_power"
        assert found.interval.high == pytest.approx(2 * found.interval.value)

    def test_a_counter_that_is_marked_as_not_available_is_none(self) -> None:
        library = FakeNvml(gpus=1)
        library.nvmlDeviceGetTotalEnergyConsumption = lambda handle: 2**64 - 1  # type: ignore[method-assign]
        assert self.used(library).method == "nvml_power"

    def test_a_gpu_that_tells_nothing_makes_the_sum_unknown_and_not_smaller(self) -> None:
        source = NvmlSource(FakeNvml(gpus=2, power=False))
        source.begin()
        with pytest.raises(SourceUnavailable, match="Tesla T4 has neither"):
            source.end(WINDOW)

    def test_a_counter_that_began_anew_is_no_negative_energy(self) -> None:
        library = FakeNvml(gpus=1)
        source = NvmlSource(library)
        source.begin()
        library.step_mj = -500_000
        with pytest.raises(SourceUnavailable, match="began anew"):
            source.end(WINDOW)

    @pytest.mark.parametrize(
        ("library", "reason"), [(FakeNvml(driver=False), "Driver Not Loaded"), (FakeNvml(gpus=0), "lists no GPU")]
    )
    def test_without_a_driver_or_a_gpu_it_says_so(self, library: FakeNvml, reason: str) -> None:
        with pytest.raises(SourceUnavailable, match=reason):
            NvmlSource(library).begin()

    def test_a_gpu_that_vanished_is_said(self) -> None:
        library = FakeNvml(gpus=2)
        source = NvmlSource(library)
        source.begin()
        library.gpus = 1
        with pytest.raises(SourceUnavailable, match="changed"):
            source.end(WINDOW)

    @staticmethod
    def used(library: FakeNvml) -> Figure:
        source = NvmlSource(library)
        source.begin()
        return source.end(WINDOW)["gpu"]


class TestRapl:
    def test_processor_and_memory_apart_with_a_wrap_around(self, tmp_path: Path) -> None:
        rapl_tree(tmp_path, package_uj=(900,), range_uj=1000)
        rapl_domain(tmp_path / "intel-rapl:0:1", "dram", 10, 1000)
        source = RaplSource(tmp_path)
        source.begin()
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("150")
        (tmp_path / "intel-rapl:0:1" / "energy_uj").write_text("40")
        found = source.end(WINDOW)
        assert found["cpu"].interval == RAPL_COUNTER.interval(250e-6)
        assert found["ram"].interval.value == pytest.approx(30e-6)
        assert {figure.method for figure in found.values()} == {"rapl_counter"}

    def test_a_tree_without_memory_says_nothing_of_it(self, tmp_path: Path) -> None:
        source = RaplSource(rapl_tree(tmp_path))
        source.begin()
        assert set(source.end(WINDOW)) == {"cpu"}

    def test_a_counter_that_vanishes_during_the_work(self, tmp_path: Path) -> None:
        source = RaplSource(rapl_tree(tmp_path))
        source.begin()
        (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
        with pytest.raises(SourceUnavailable, match="energy_uj cannot be read"):
            source.end(WINDOW)

    def test_end_without_begin_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SourceUnavailable, match="call begin first"):
            RaplSource(tmp_path).end(WINDOW)


class TestFormulas:
    def test_rated_power_by_load(self) -> None:
        """100 W, 4 cores, 1 s of processor time in 2 s: load 1/8; 20 + 80 / 8 = 30 W, 60 J."""
        source = LoadScaledSource(100.0, 4, "a document")
        source.begin()
        found = source.end(WINDOW)["cpu"]
        assert found.interval.value == pytest.approx(60.0)
        assert found.method == "load_scaled_tdp"
        assert found.interval.low < 60 < found.interval.high <= 200

    @given(st.floats(1, 1000), st.integers(1, 256), st.floats(0, 1e4), st.floats(1e-3, 1e3))
    def test_more_load_never_takes_less_and_never_more_than_rated(
        self, rated_w: float, cores: int, cpu_s: float, seconds: float
    ) -> None:
        source = LoadScaledSource(rated_w, cores, "a document")
        some, more = (source.end(Window(seconds, used))["cpu"].interval for used in (cpu_s, 2 * cpu_s))
        assert more.value >= some.value * (1 - 1e-12)
        assert more.high <= rated_w * seconds * (1 + 1e-9)

    def test_without_a_rated_power_it_is_passed_over(self) -> None:
        with pytest.raises(SourceUnavailable, match="declare it"):
            LoadScaledSource(None, 4, "").begin()

    @pytest.mark.parametrize(("watts", "method"), [(2.0, "declared"), (None, "default")])
    def test_watts_a_busy_core(self, watts: float | None, method: str) -> None:
        source = DeclaredSource(watts)
        found = source.end(WINDOW)["cpu"]
        assert (source.name, found.method) == (method, method)
        assert found.interval.value == pytest.approx(watts or DEFAULT_W_PER_CORE)
        assert found.interval.high == pytest.approx(4 * found.interval.value)


class TestLadder:
    def test_the_best_source_of_each_component_counts(self, tmp_path: Path) -> None:
        ticks = Ticks()
        sources = [
            NvmlSource(FakeNvml(gpus=1)),
            RaplSource(rapl_tree(tmp_path, range_uj=10**9)),
            LoadScaledSource(100.0, 4, "a document"),
            DeclaredSource(),
        ]
        reading = measure(ticks.work, sources, ticks.clock())
        assert reading.window == WINDOW
        assert {part: figure.method for part, figure in reading.joules.items()} == {
            "gpu": "nvml_counter",
            "cpu": "rapl_counter",
        }
        assert reading.passed_over == ()

    def test_what_was_passed_over_is_said_in_order_and_nothing_is_zero(self, tmp_path: Path) -> None:
        ticks = Ticks()
        sources = [
            NvmlSource(FakeNvml(driver=False)),
            RaplSource(tmp_path),
            LoadScaledSource(None, 4, ""),
            DeclaredSource(2.0),
        ]
        reading = measure(ticks.work, sources, ticks.clock())
        assert set(reading.joules) == {"cpu"}
        assert reading.joules["cpu"].method == "declared"
        assert [text.partition(":")[0] for text in reading.passed_over] == [
            "nvml_counter",
            "rapl_counter",
            "load_scaled_tdp",
        ]
        assert "no RAPL package" in reading.passed_over[1]

    def test_a_source_that_fails_at_the_end_leaves_the_next(self) -> None:
        class Broken:
            name = "broken"

            def begin(self) -> None:
                pass

            def end(self, window: Window) -> Mapping[Component, Figure]:
                raise SourceUnavailable("gone")

        ticks = Ticks()
        reading = measure(ticks.work, [Broken(), DeclaredSource()], ticks.clock())
        assert reading.joules["cpu"].method == "default"
        assert reading.passed_over == ("broken: gone",)

    def test_a_backend_that_is_not_there_is_a_reason_in_the_source(self, tmp_path: Path) -> None:
        class Absent:
            name = "codecarbon_backend"

            def begin(self) -> None:
                raise SourceUnavailable("codecarbon is not installed")

            def end(self, window: Window) -> Mapping[Component, Figure]:
                raise AssertionError("never begun")

        power = core_power(4, asked=[Absent()], rapl_root=tmp_path)
        assert power.method == "default"
        assert "codecarbon is not installed" in power.source
        assert "no RAPL package" in power.source

    def test_a_counter_after_a_missing_backend_keeps_the_reason(self, tmp_path: Path) -> None:
        class Absent:
            name = "codecarbon_backend"

            def begin(self) -> None:
                raise SourceUnavailable("codecarbon is not installed")

            def end(self, window: Window) -> Mapping[Component, Figure]:
                raise AssertionError("never begun")

        rapl_tree(tmp_path, package_uj=(5,), range_uj=10**9)
        machine = MachineClock(tmp_path / "intel-rapl:0" / "energy_uj")
        power = core_power(4, asked=[Absent()], rapl_root=tmp_path, clock=machine.clock())
        assert power.method == "rapl_probe"
        assert "codecarbon is not installed" in power.source


class TestCommand:
    def test_it_measures_a_command_and_keeps_its_status(self, capfd: pytest.CaptureFixture[str]) -> None:
        status = main(["--rated-w", "50", "--", sys.executable, "-c", "import sys; sys.exit(3)"])
        told = json.loads(capfd.readouterr().out)
        assert (status, told["exit_status"]) == (3, 3)
        assert told["seconds"] > 0
        assert told["joules"]["cpu"]["low"] <= told["joules"]["cpu"]["value"] <= told["joules"]["cpu"]["high"]
        assert math.isfinite(told["joules"]["cpu"]["value"])

    def test_no_command_is_a_usage_error(self) -> None:
        with pytest.raises(SystemExit) as left:
            main([])
        assert left.value.code == 2
