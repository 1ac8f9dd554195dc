"""The stored speed of a host: measured once, kept whole, found again."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.models import calibration
from hedgerow_nodes.estimators.models.calibration import Rates, Record, calibrate

RATES = Rates(compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10, software="numpy 2")


class Meter:
    """Counts how often it was asked."""

    def __init__(self, rates: Rates = RATES) -> None:
        self.asked: list[int] = []
        self.rates = rates

    def __call__(self, threads: int) -> Rates:
        self.asked.append(threads)
        return self.rates


def test_it_is_measured_once_and_found_again(tmp_path: Path) -> None:
    meter = Meter()
    first = calibrate(tmp_path, 1, meter, host="hedge", now=lambda: 12.5)
    again = calibrate(tmp_path, 1, meter, host="hedge", now=lambda: 99.0)
    assert meter.asked == [1]
    assert first == again
    assert first.id == again.id
    assert (tmp_path / "calibration/hedge-1t.json").exists()


def test_other_threads_are_another_calibration(tmp_path: Path) -> None:
    meter = Meter()
    one, two = (calibrate(tmp_path, threads, meter, host="hedge") for threads in (1, 2))
    assert meter.asked == [1, 2]
    assert one.id != two.id


@pytest.mark.parametrize("content", [b"", b"{", b'{"host": 1}', b"[]"])
def test_a_file_that_cannot_be_read_is_measured_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "calibration/hedge-1t.json"
    path.parent.mkdir()
    path.write_bytes(content)
    record = calibrate(tmp_path, 1, Meter(), host="hedge")
    assert msgspec.json.decode(path.read_bytes(), type=Record) == record


def test_the_file_of_another_host_is_not_taken(tmp_path: Path) -> None:
    calibrate(tmp_path, 1, Meter(), host="hedge/row")
    meter = Meter()
    assert calibrate(tmp_path, 1, meter, host="hedge_row").host == "hedge_row"
    assert meter.asked == [1]


def test_a_failed_measurement_leaves_no_file(tmp_path: Path) -> None:
    def fail(threads: int) -> Rates:
        raise OSError(threads)

    with pytest.raises(OSError):
        calibrate(tmp_path, 1, fail, host="hedge")
    assert not (tmp_path / "calibration").exists()


def test_the_id_is_of_the_content() -> None:
    record = Record(host="hedge", calibrated_at_s=1.0, threads=1, rates=RATES)
    slower = msgspec.structs.replace(RATES, compute_flops_per_s=9e10)
    assert record.id == msgspec.structs.replace(record).id
    assert record.id != msgspec.structs.replace(record, rates=slower).id
    assert len(record.id) == 12


def test_the_wire_form_has_every_figure() -> None:
    wire = Record(host="hedge", calibrated_at_s=1.0, threads=3, rates=RATES).wire()
    assert (wire.host, wire.threads, wire.calibrated_at_s) == ("hedge", 3, 1.0)
    assert (wire.compute_flops_per_s, wire.bandwidth_bytes_per_s, wire.software) == (1e11, 2e10, "numpy 2")


@given(host=st.text(min_size=1, max_size=40))
def test_no_host_name_leaves_the_folder(host: str) -> None:
    name = calibration._file_name(host)
    assert name
    assert "/" not in name
    assert name not in (".", "..")
    assert json.loads(json.dumps(name)) == name


def test_this_host_has_a_speed() -> None:
    rates = calibration.measure_here(1, budget_s=0.001)
    assert 1e8 < rates.compute_flops_per_s < 1e14
    assert 1e7 < rates.bandwidth_bytes_per_s < 1e13
    assert rates.software.startswith("numpy ")
