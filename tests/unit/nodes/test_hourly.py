"""Hourly intensities from a file: means, hours of the day, and what is wrong with a file that cannot be used."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.carbon.hourly import HourlyFileInvalid, HourlyIntensity, read_hourly
from hedgerow_nodes.estimators.carbon.intensity import BadIntensity, Stated, choose_intensity
from hedgerow_nodes.estimators.carbon.regions import find_place

HEADER = "time_utc,intensity_g_per_kwh\n"


def days(count: int = 2) -> str:
    """Days of which hour h has 100 + 10 h, on the second day 2 more."""
    rows = [
        f"2025-06-{day + 1:02}T{hour:02}:00Z,{100 + 10 * hour + 2 * day}" for day in range(count) for hour in range(24)
    ]
    return HEADER + "\n".join(rows) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "grid.csv"
    path.write_text(days())
    return path


class TestFigures:
    def test_mean_of_the_period_with_nine_tenths_of_its_hours(self, file: Path) -> None:
        hours = read_hourly(file)
        mean = hours.mean()
        assert mean.value == pytest.approx(100 + 10 * 11.5 + 1)
        assert mean.low == pytest.approx(110, abs=12)
        assert mean.high == pytest.approx(320, abs=12)
        assert hours.period == "2025-06-01 00:00 to 2025-06-02 23:00 UTC, 48 hours"

    def test_an_hour_of_the_day_and_the_cleanest_ones(self, file: Path) -> None:
        hours = read_hourly(file)
        thirteen = hours.of_hour(13)
        assert thirteen is not None
        assert (thirteen.value, thirteen.low, thirteen.high) == (231.0, 230.0, 232.0)
        assert hours.cleanest() == [(0, 101.0), (1, 111.0), (2, 121.0)]

    def test_the_order_of_lines_and_another_time_zone_do_not_matter(self, tmp_path: Path) -> None:
        path = tmp_path / "grid.csv"
        path.write_text(HEADER + "2025-06-01T14:00+02:00,90\n\n2025-06-01 11:00,80\n")
        hours = read_hourly(path)
        assert [(at.hour, grams) for at, grams in hours.hours] == [(11, 80.0), (12, 90.0)]
        assert hours.of_hour(13) is None

    def test_a_changed_file_is_read_again(self, file: Path) -> None:
        assert read_hourly(file).mean().value > 200
        file.write_text(HEADER + "2025-06-01T00:00Z,50\n")
        assert read_hourly(file).mean().value == 50

    @given(st.lists(st.floats(0, 2000), min_size=1, max_size=60))
    def test_the_interval_holds_the_mean(self, grams: list[float]) -> None:
        start = datetime(2025, 1, 1, tzinfo=UTC)
        hours = HourlyIntensity("f", tuple((start + timedelta(hours=i), g) for i, g in enumerate(grams)))
        mean = hours.mean()
        assert mean.low <= mean.value <= mean.high
        assert min(grams) - 1e-9 <= mean.value <= max(grams) + 1e-9
        assert hours.cleanest()[0][1] <= mean.value * (1 + 1e-9)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ("", "line 1: '' is no header"),
            ("hour,g\n", "line 1: 'hour,g' is no header"),
            (HEADER, "has no hour"),
            (HEADER + "2025-06-01T00:00Z\n", "line 2: 1 columns in place of 2"),
            (HEADER + "2025-06-01T00:00Z,1,2\n", "line 2: 3 columns in place of 2"),
            (HEADER + "2025-06-01T00:00Z,1\nyesterday,2\n", "line 3: 'yesterday' is no full hour"),
            (HEADER + "2025-06-01T00:30Z,1\n", "line 2: '2025-06-01T00:30Z' is no full hour"),
            (HEADER + "2025-06-01T00:00Z,clean\n", "line 2: intensity 'clean' cannot be"),
            (HEADER + "2025-06-01T00:00Z,-5\n", "line 2: intensity '-5' cannot be"),
            (HEADER + "2025-06-01T00:00Z,nan\n", "line 2: intensity 'nan' cannot be"),
            (HEADER + "2025-06-01T00:00Z,inf\n", "line 2: intensity 'inf' cannot be"),
            (HEADER + "2025-06-01T00:00Z,1\n2025-06-01T00:00Z,2\n", "line 3: .* was on line 2 before"),
            (HEADER + "2025-06-01T02:00+02:00,1\n2025-06-01T00:00Z,2\n", "was on line 2 before"),
        ],
    )
    def test_the_line_is_named(self, tmp_path: Path, content: str, reason: str) -> None:
        path = tmp_path / "grid.csv"
        path.write_text(content)
        with pytest.raises(HourlyFileInvalid, match=reason):
            read_hourly(path)

    @pytest.mark.parametrize(
        "content", [b"\x89PNG\r\n\xff\xfe", b"time_utc,intensity_g_per_kwh\n\x00\x00,1\n", b"\xff"]
    )
    def test_what_is_no_text_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "grid.csv"
        path.write_bytes(content)
        with pytest.raises(HourlyFileInvalid, match=r"grid\.csv"):
            read_hourly(path)

    def test_a_file_that_is_not_there_or_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(HourlyFileInvalid, match="cannot be read"):
            read_hourly(tmp_path / "absent.csv")
        with pytest.raises(HourlyFileInvalid, match="cannot be read"):
            read_hourly(tmp_path)


class TestPrecedence:
    def test_user_then_operator_then_file_then_region_then_country_then_world(self, file: Path) -> None:
        csv = str(file)
        texas = find_place("US-TX")
        methods = [
            choose_intensity(stated, place)[0].method
            for stated, place in (
                (Stated(50.0, 60.0, csv), texas),
                (Stated(math.nan, 60.0, csv), texas),
                (Stated(math.nan, None, csv), texas),
                (Stated(math.nan, None, csv, 13), texas),
                (Stated(), texas),
                (Stated(), find_place("Spain")),
                (Stated(), None),
            )
        ]
        assert methods == [
            "declared",
            "declared",
            "hourly_mean",
            "hour_of_day",
            "regional_average",
            "yearly_average",
            "world_average",
        ]

    def test_the_cleanest_hours_are_said(self, file: Path) -> None:
        _, remark = choose_intensity(Stated(hourly_csv=str(file)), None)
        assert "cleanest from 00:00 (101 g/kWh), 01:00 (111 g/kWh), 02:00 (121 g/kWh) UTC" in remark

    def test_an_hour_that_the_file_has_not_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "grid.csv"
        path.write_text(HEADER + "2025-06-01T00:00Z,50\n")
        with pytest.raises(HourlyFileInvalid, match="no hour 07:00 UTC"):
            choose_intensity(Stated(hourly_csv=str(path), start_hour_utc=7), None)

    @pytest.mark.parametrize("grams", [-1.0, 0.0, math.inf])
    def test_an_impossible_figure_of_the_user_is_refused(self, grams: float) -> None:
        with pytest.raises(BadIntensity, match="above 0"):
            choose_intensity(Stated(user_g_per_kwh=grams), None)
