"""Hourly carbon intensity of a grid from a CSV file: the mean of its period, of one hour, and the cleanest hours."""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hedgerow_nodes.estimators.interval import Interval

COLUMNS = ("time_utc", "intensity_g_per_kwh")
MAX_ROWS = 200_000  # more than twenty years
HIGHEST_G_PER_KWH = 5000.0  # no fuel emits so much
CLEANEST_SHOWN = 3
TAIL = 0.05
WAY_OUT = f"give a CSV file that begins with the line {','.join(COLUMNS)} and has one line an hour"


class HourlyFileInvalid(Exception):
    """A file that is no table of hours; the message names the file, the line and the way out."""


@dataclass(frozen=True)
class HourlyIntensity:
    """Hours in their order, each with its intensity in g/kWh; at least one."""

    file: str
    hours: tuple[tuple[datetime, float], ...]

    @property
    def period(self) -> str:
        """From when to when, in words."""
        first, last = self.hours[0][0], self.hours[-1][0]
        return f"{first:%Y-%m-%d %H:00} to {last:%Y-%m-%d %H:00} UTC, {len(self.hours)} hours"

    def mean(self) -> Interval:
        """The mean of all hours; the bounds hold nine tenths of them."""
        return _spread(grams for _, grams in self.hours)

    def of_hour(self, hour_utc: int) -> Interval | None:
        """The same of one hour of the day, over all days; None where the file has no such hour."""
        grams = [value for at, value in self.hours if at.hour == hour_utc]
        return _spread(grams) if grams else None

    def cleanest(self) -> list[tuple[int, float]]:
        """The hours of the day (UTC) with the lowest means, lowest first."""
        means = [(hour, found.value) for hour in range(24) if (found := self.of_hour(hour)) is not None]
        return sorted(means, key=lambda pair: (pair[1], pair[0]))[:CLEANEST_SHOWN]


def read_hourly(path: Path) -> HourlyIntensity:
    """Read a file, once for each of its contents.

    Raises:
        HourlyFileInvalid: it cannot be read, or is no such table.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise HourlyFileInvalid(f"{path} cannot be read ({error.strerror}); {WAY_OUT}") from error
    return _read(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int, size_bytes: int) -> HourlyIntensity:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return HourlyIntensity(path.name, tuple(sorted(_rows(path, file))))
    except UnicodeDecodeError as error:
        raise HourlyFileInvalid(f"{path} is no text in UTF-8 (byte {error.start}); {WAY_OUT}") from error
    except csv.Error as error:
        raise HourlyFileInvalid(f"{path} is no CSV ({error}); {WAY_OUT}") from error
    except OSError as error:
        raise HourlyFileInvalid(f"{path} cannot be read ({error.strerror}); {WAY_OUT}") from error


def _rows(path: Path, lines: Iterable[str]) -> Iterator[tuple[datetime, float]]:
    reader = csv.reader(lines)
    header = next(reader, [])
    if tuple(cell.strip() for cell in header) != COLUMNS:
        raise HourlyFileInvalid(f"{path}, line 1: {','.join(header)!r} is no header; {WAY_OUT}")
    seen: dict[datetime, int] = {}
    for cells in reader:
        line = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(seen) >= MAX_ROWS:
            raise HourlyFileInvalid(f"{path}, line {line}: more than {MAX_ROWS} hours; give fewer years")
        if len(cells) != len(COLUMNS):
            raise HourlyFileInvalid(f"{path}, line {line}: {len(cells)} columns in place of 2; {WAY_OUT}")
        at = _hour(path, line, cells[0].strip())
        if at in seen:
            raise HourlyFileInvalid(f"{path}, line {line}: {cells[0]!r} was on line {seen[at]} before; leave one out")
        seen[at] = line
        yield at, _grams(path, line, cells[1].strip())
    if not seen:
        raise HourlyFileInvalid(f"{path} has no hour; {WAY_OUT}")


def _hour(path: Path, line: int, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or (at.minute, at.second, at.microsecond) != (0, 0, 0):
        raise HourlyFileInvalid(f"{path}, line {line}: {text!r} is no full hour; write it as 2025-06-01T13:00Z")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _grams(path: Path, line: int, text: str) -> float:
    try:
        grams = float(text)
    except ValueError:
        grams = math.nan
    if not 0 <= grams <= HIGHEST_G_PER_KWH:
        limit = f"give g/kWh as a number from 0 to {HIGHEST_G_PER_KWH:g}"
        raise HourlyFileInvalid(f"{path}, line {line}: intensity {text!r} cannot be; {limit}")
    return grams


def _spread(values: Iterable[float]) -> Interval:
    """Mean, 5th and 95th percentile (nearest rank); where a few hours pull the mean beyond these, the mean itself."""
    ordered = sorted(values)
    mean = math.fsum(ordered) / len(ordered)
    last = len(ordered) - 1
    low, high = ordered[round(TAIL * last)], ordered[round((1 - TAIL) * last)]
    return Interval(mean, min(low, mean), max(high, mean))
