"""What a node tells about its host."""

from __future__ import annotations

import logging
import math

import pytest

from hedgerow_nodes.estimators.devices import host
from hedgerow_nodes.estimators.devices.host_device import Host
from hedgerow_nodes.estimators.devices.nvml import Gpu, NvmlUnavailable


def _host(cpu: str, *gpus: str) -> Host:
    found = tuple(Gpu(name, 8e9, math.nan, math.nan, math.nan) for name in gpus)
    return Host(name="north", cpu=cpu, cores=4, memory_bytes=16e9, device_class="", gpus=found)


def test_tells_what_the_host_has() -> None:
    facts = host.host_facts(_host("Cortex", "NVIDIA T4", "NVIDIA T4"))
    assert (facts.host, facts.cpu, facts.physical_cores, facts.memory_bytes) == ("north", "Cortex", 4, 16e9)
    assert facts.gpus == ["NVIDIA T4", "NVIDIA T4"]
    assert facts.logical_cores >= 1
    assert facts.available_memory_bytes > 0


def test_a_processor_without_a_name_is_called_by_its_architecture() -> None:
    assert host.host_facts(_host("")).cpu


def test_this_host_is_looked_at() -> None:
    facts = host.host_facts()
    assert facts.host
    assert 0 < facts.available_memory_bytes <= facts.memory_bytes * 4
    assert facts.physical_cores >= 1


def test_missing_nvml_lists_no_gpu_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing() -> list[Gpu]:
        raise NvmlUnavailable("no driver")

    monkeypatch.setattr(host, "read_gpus", missing)
    host.gpu_names.cache_clear()
    with caplog.at_level(logging.INFO):
        assert host.gpu_names() == host.gpu_names() == ()
    host.gpu_names.cache_clear()
    assert [record.getMessage() for record in caplog.records] == ["no GPU is listed: no driver"]
