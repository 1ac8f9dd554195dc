"""Intervals, power, energy and units; a processor's counters from a made-up tree, the GPU library by a stand-in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import Estimate
from hedgerow_nodes.estimators.devices.energy import PowerModel, kwh
from hedgerow_nodes.estimators.devices.host_power import core_power, survey
from hedgerow_nodes.estimators.devices.nvml import NvmlUnavailable, read_gpus
from hedgerow_nodes.estimators.devices.rapl import Rapl, RaplUnavailable
from hedgerow_nodes.estimators.energy.formulas import DEFAULT_W_PER_CORE
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.quantity_text import quantity, quantity_range
from tests.unit.nodes.fake_meters import FakeNvml, MachineClock, rapl_domain, rapl_tree

numbers = st.floats(min_value=1e-6, max_value=1e9)


@st.composite
def intervals(draw: st.DrawFn, low: float = 1e-6, high: float = 1e9) -> Interval:
    a, b, c = sorted(draw(st.floats(min_value=low, max_value=high)) for _ in range(3))
    return Interval(b, a, c)


def inside(interval: Interval, draw: float) -> float:
    return min(interval.high, interval.low + (interval.high - interval.low) * draw)


class TestInterval:
    @given(intervals(), intervals(), st.floats(0, 1), st.floats(0, 1))
    def test_sum_product_and_quotient_hold_every_combination(
        self, left: Interval, right: Interval, p: float, q: float
    ) -> None:
        a, b = inside(left, p), inside(right, q)
        for result, truth in ((left + right, a + b), (left * right, a * b), (left / right, a / b)):
            assert result.low <= result.value <= result.high
            assert result.low * (1 - 1e-12) <= truth <= result.high * (1 + 1e-12)

    @given(numbers, st.floats(1, 100))
    def test_a_factor_reaches_both_ways(self, value: float, factor: float) -> None:
        interval = Interval.within_factor(value, factor)
        assert interval.low == pytest.approx(value / factor)
        assert interval.high == pytest.approx(value * factor)

    def test_worked_example(self) -> None:
        assert Interval(2, 1, 3) * Interval(10, 5, 20) == Interval(20, 5, 60)
        assert Interval(2, 1, 3) + Interval(10, 5, 20) == Interval(12, 6, 23)
        assert Interval(8, 4, 16) / Interval(2, 1, 4) == Interval(4, 1, 16)

    @pytest.mark.parametrize(
        "bounds", [(1, 2, 3), (3, 1, 2), (-1, -2, 0), (math.nan, 0, 1), (1, 0, math.inf), (1, math.nan, 2)]
    )
    def test_what_is_no_interval_is_refused(self, bounds: tuple[float, float, float]) -> None:
        with pytest.raises(ValueError, match="no interval"):
            Interval(*bounds)

    def test_a_factor_below_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match="below 1"):
            Interval.within_factor(3, 0.5)

    def test_an_unknown_estimate_is_none_and_one_without_bounds_a_point(self) -> None:
        assert Interval.of(Estimate()) is None
        assert Interval.of(Estimate(value=-1, low=-2, high=0)) is None
        assert Interval.of(Estimate(value=2.0)) == Interval.exactly(2.0)
        assert Interval.of(Estimate(value=2.0, low=1.0, high=3.0)) == Interval(2, 1, 3)

    def test_it_goes_over_the_wire_with_its_method(self) -> None:
        assert Interval(2, 1, 3).estimate("m", "s") == Estimate(value=2, low=1, high=3, method="m", source="s")


class TestEnergy:
    def test_a_kilowatt_hour_is_three_point_six_megajoules(self) -> None:
        assert kwh(Interval.exactly(3.6e6)) == Interval.exactly(1.0)
        assert kwh(Interval(36.0, 3.6, 360.0)).value == pytest.approx(1e-5)

    def test_worked_example(self) -> None:
        """10 W idle, 50 W rated, half busy for 2 s: 30 W and 60 J."""
        power = PowerModel(50.0, Interval.exactly(10.0))
        assert power.power_w(Interval.exactly(0.5)) == Interval(30.0, 15.0, 50.0)
        energy = power.energy_j(Interval.exactly(2.0), at_peak_s=1.0)
        assert energy == Interval(60.0, 30.0, 100.0)

    @given(st.floats(1, 1000), st.floats(0, 1), intervals(1e-6, 10), st.floats(0, 1))
    def test_energy_is_power_times_time(self, rated: float, idle: float, latency: Interval, share: float) -> None:
        power = PowerModel(rated, Interval.exactly(rated * idle))
        at_peak_s = latency.low * share
        energy = power.energy_j(latency, at_peak_s)
        watts = power.power_w(Interval.exactly(at_peak_s / latency.value))
        assert energy.value == pytest.approx(watts.value * latency.value, rel=1e-9)
        assert energy.high <= rated * latency.high * (1 + 1e-9)

    @given(st.floats(1, 1000), intervals(0.0, 2000), intervals(1e-6, 10), numbers, st.floats(1, 10))
    def test_more_work_never_takes_less(
        self, rated: float, idle: Interval, latency: Interval, at_peak_s: float, more: float
    ) -> None:
        power = PowerModel(rated, idle)
        less_energy = power.energy_j(latency, at_peak_s)
        more_energy = power.energy_j(latency * more, at_peak_s * more)
        for bound in ("value", "low", "high"):
            assert getattr(more_energy, bound) >= getattr(less_energy, bound) * (1 - 1e-9)

    def test_idle_power_above_the_rated_power_is_cut_off(self) -> None:
        assert PowerModel(10.0, Interval(20, 10, 30)).power_w(Interval.exactly(0.2)).value == 10.0


class TestQuantityText:
    @pytest.mark.parametrize(
        ("value", "unit", "text"),
        [(0.0123, "s", "12.3 ms"), (8.1e6, "B", "8.1 MB"), (0.0, "J", "0 J"), (math.nan, "W", "unknown")],
    )
    def test_examples(self, value: float, unit: str, text: str) -> None:
        assert quantity(value, unit) == text

    def test_range(self) -> None:
        assert quantity_range(Interval(2, 1, 3000), "J") == "2 J (1 J to 3 kJ)"


class TestRapl:
    def test_packages_are_summed_and_nothing_is_counted_twice(self, tmp_path: Path) -> None:
        rapl = Rapl(rapl_tree(tmp_path, package_uj=(100, 200)))
        before = rapl.read_uj()
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("150")
        (tmp_path / "intel-rapl:1" / "energy_uj").write_text("230")
        (tmp_path / "intel-rapl:0:0" / "energy_uj").write_text("999")
        assert len(rapl.domains) == 2
        assert rapl.joules_between(before, rapl.read_uj()) == pytest.approx(80e-6)

    @given(start=st.integers(0, 999), used=st.integers(0, 999))
    def test_a_counter_that_wraps_around_is_followed(
        self, tmp_path_factory: pytest.TempPathFactory, start: int, used: int
    ) -> None:
        root = rapl_tree(tmp_path_factory.mktemp("rapl"), package_uj=(start,), range_uj=1000)
        rapl = Rapl(root)
        before = rapl.read_uj()
        (root / "intel-rapl:0" / "energy_uj").write_text(str((start + used) % 1000))
        assert rapl.joules_between(before, rapl.read_uj()) == pytest.approx(used * 1e-6)

    def test_an_empty_tree_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(RaplUnavailable, match="no RAPL package"):
            Rapl(tmp_path)
        with pytest.raises(RaplUnavailable, match="no RAPL package"):
            Rapl(tmp_path / "absent")

    def test_a_counter_that_may_not_be_read_names_the_way_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rapl_tree(tmp_path)
        read_text = Path.read_text

        def refuse(self: Path, *args: Any, **kwargs: Any) -> str:
            if self.name == "energy_uj":
                raise PermissionError(13, "Permission denied")
            return read_text(self, *args, **kwargs)

        monkeypatch.setattr(Path, "read_text", refuse)  # the tests may run as root, who may read everything
        with pytest.raises(RaplUnavailable, match="chmod a\\+r"):
            Rapl(tmp_path)

    def test_memory_is_counted_apart(self, tmp_path: Path) -> None:
        rapl_tree(tmp_path, package_uj=(100,))
        rapl_domain(tmp_path / "intel-rapl:0:1", "dram", 990, 1000)
        rapl = Rapl(tmp_path)
        before = rapl.read_uj()
        (tmp_path / "intel-rapl:0:1" / "energy_uj").write_text("40")
        assert rapl.joules_between(before, rapl.read_uj()) == 0.0
        assert rapl.memory_joules_between(before, rapl.read_uj()) == pytest.approx(50e-6)

    @pytest.mark.parametrize("name", ["max_energy_range_uj", "name"])
    def test_a_tree_that_lacks_a_file_names_it(self, tmp_path: Path, name: str) -> None:
        rapl_tree(tmp_path)
        (tmp_path / "intel-rapl:0" / name).unlink()
        with pytest.raises(RaplUnavailable, match=rf"intel-rapl:0/{name} cannot be read"):
            Rapl(tmp_path)

    def test_a_range_of_zero_is_refused(self, tmp_path: Path) -> None:
        rapl_tree(tmp_path, range_uj=0)
        with pytest.raises(RaplUnavailable, match="must be above 0"):
            Rapl(tmp_path)

    def test_a_counter_with_words_in_it_is_refused(self, tmp_path: Path) -> None:
        rapl_tree(tmp_path)
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text("many")
        with pytest.raises(RaplUnavailable, match="'many'"):
            Rapl(tmp_path)


class TestCorePower:
    def test_a_counter_is_asked_first(self, tmp_path: Path) -> None:
        rapl_tree(tmp_path, package_uj=(5,), range_uj=10**9)
        machine = MachineClock(tmp_path / "intel-rapl:0" / "energy_uj")
        power = core_power(4, rapl_root=tmp_path, declared_w_per_core=1.0, clock=machine.clock())
        assert power.method == "rapl_probe"
        # The clock itself takes processor time, so the rest is a little above 10 W: 6 W a core and a quarter of that.
        assert power.watts.value == pytest.approx(6.0 + 10.0 / 4, rel=0.1)
        assert power.watts.high == pytest.approx(1.5 * power.watts.value)

    @pytest.mark.parametrize(
        ("settings", "method", "watts", "factor"),
        [
            ({"declared_w_per_core": 2.0, "rated_w_per_core": 5.0}, "load_scaled_tdp", 5.0, 2.0),
            ({"rated_w_per_core": 5.0, "rated_source": "a document"}, "load_scaled_tdp", 5.0, 2.0),
            ({"declared_w_per_core": 2.0}, "declared", 2.0, 4.0),
            ({}, "default", DEFAULT_W_PER_CORE, 4.0),
        ],
    )
    def test_without_a_counter_the_label_says_what_was_used(
        self, tmp_path: Path, settings: dict[str, Any], method: str, watts: float, factor: float
    ) -> None:
        power = core_power(8, rapl_root=tmp_path, **settings)
        assert (power.method, power.watts) == (method, Interval.within_factor(watts, factor))
        assert "no RAPL package" in power.source
        assert f"interval x/÷ {factor:g}, assumed" in power.source
        passed_over = {"declared_w_per_core", "rated_w_per_core"} <= settings.keys()
        assert ("the declared 2 W a core comes after it" in power.source) == passed_over


class TestNvml:
    def test_units_are_watts_joules_and_bytes(self) -> None:
        library = FakeNvml()
        first, second = read_gpus(library)
        assert (first.name, first.power_w, first.power_limit_w, first.memory_bytes) == ("NVIDIA H200", 75, 600, 150e9)
        assert first.energy_j == pytest.approx(1080)
        assert second.name == "Tesla T4"
        assert math.isnan(second.energy_j)
        assert library.open == 0

    def test_no_driver_is_an_answer(self) -> None:
        with pytest.raises(NvmlUnavailable, match="Driver Not Loaded"):
            read_gpus(FakeNvml(driver=False))


class TestSurvey:
    def test_counters_become_mean_power(self, tmp_path: Path) -> None:
        rapl_tree(tmp_path, package_uj=(0,), range_uj=10**9)
        machine = MachineClock(tmp_path / "intel-rapl:0" / "energy_uj", busy_w=0.0)
        found = survey(tmp_path, FakeNvml(), seconds=2.0, clock=machine.clock())
        assert found["seconds"] == pytest.approx(2.0, rel=0.02)
        assert found["rapl"]["mean_power_w"] == pytest.approx(10.0, rel=0.02)
        first, second = found["nvml"]["gpus"]
        assert first["counted_j"] == pytest.approx(80)
        assert first["mean_power_w"] == pytest.approx(40, rel=0.02)
        assert second["energy_j"] is None
        assert "mean_power_w" not in second

    def test_a_host_without_meters_gives_reasons(self, tmp_path: Path) -> None:
        clock = MachineClock(tmp_path / "none").clock()
        found = survey(tmp_path, FakeNvml(driver=False), clock=clock)
        assert "no RAPL package" in found["rapl"]["reason"]
        assert "Driver Not Loaded" in found["nvml"]["reason"]
        assert found["nvml"]["gpus"] == []
