"""Processors are kept from deep sleep between a task's messages, where the kernel lets this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from hedgerow_orchestrator.stay_awake import StayAwake


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "cpu_dma_latency"
    path.touch()
    return path


@pytest.mark.parametrize(("driver", "wake_us"), [("haltpoll\n", 0), ("intel_idle\n", 10), (None, 10)])
def test_a_guest_does_not_halt_and_a_host_sleeps_lightly(
    tmp_path: Path, device: Path, driver: str | None, wake_us: int
) -> None:
    path = tmp_path / "current_driver"
    if driver is not None:
        path.write_text(driver)
    awake = StayAwake(device, path, {})
    assert not awake.held
    awake.hold()
    awake.hold()
    assert awake.held
    assert device.read_bytes() == wake_us.to_bytes(4, "little")
    assert "kept from deep sleep" in awake.detail
    awake.release()
    awake.release()
    assert not awake.held


def test_where_the_kernel_refuses_the_reason_is_told(tmp_path: Path) -> None:
    awake = StayAwake(tmp_path / "missing", tmp_path / "none", {})
    awake.hold()
    assert not awake.held
    assert "missing" in awake.detail
    assert "No such file" in awake.detail


def test_a_refused_value_leaves_nothing_open(tmp_path: Path) -> None:
    awake = StayAwake(Path("/dev/full"), tmp_path / "none", {})
    awake.hold()
    assert not awake.held
    assert "/dev/full" in awake.detail


def test_a_setting_switches_it_off(device: Path, tmp_path: Path) -> None:
    awake = StayAwake(device, tmp_path / "none", {"HEDGEROW_STAY_AWAKE": "0"})
    awake.hold()
    assert not awake.held
    assert "HEDGEROW_STAY_AWAKE is 0" in awake.detail
