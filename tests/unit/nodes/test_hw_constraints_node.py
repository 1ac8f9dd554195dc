"""The node `hw_constraints` from input to output, and the devices that texts name."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import Outcome, UserInput
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.estimators.devices.catalogue import load_devices
from hedgerow_nodes.estimators.text.device_mentions import device_class_in, device_in
from hedgerow_nodes.hw_constraints import HardwareConstraints

NAMES = {
    "nano": ("Jetson Nano",),
    "orin-nano": ("Jetson Orin Nano", "Orin Nano"),
    "a10": ("A10",),
    "pi-4": ("Raspberry Pi 4",),
}

CLASSES = [
    ("on a small edge computer in Spain", "edge"),
    ("a Raspberry Pi is there already", "edge"),
    ("no internet on the edge device", "edge"),
    ("it flies on a drone", "edge"),
    ("runs on my phone", "mobile"),
    ("an Android app", "mobile"),
    ("an ESP32 with a coin cell", "microcontroller"),
    ("on a laptop without GPU", "laptop"),
    ("on our workstation", "desktop"),
    ("in the cloud", "server"),
    ("on a server with a GPU", "gpu"),
    ("CPU only", "cpu"),
    ("without a GPU", "cpu"),
]


@pytest.fixture
def node() -> Iterator[NodeHarness]:
    harness = NodeHarness(HardwareConstraints)
    yield harness
    harness.close()


@pytest.mark.parametrize(("text", "expected"), CLASSES, ids=[row[0] for row in CLASSES])
def test_reads_the_class_of_device(text: str, expected: str) -> None:
    found = device_class_in(f"Find cracks, {text}")
    assert found is not None
    assert found.name == expected


@pytest.mark.parametrize(
    "text",
    [
        "classify phone calls",
        "count laptops in photos",
        "scratches on phone screens",
        "not on a server",
        "no cloud",
        "drone photos",
    ],
)
def test_a_device_in_the_data_is_no_class(text: str) -> None:
    assert device_class_in(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on a Jetson Nano", "nano"),
        ("runs on my jetson orin-nano", "orin-nano"),
        ("deploy to a small Raspberry Pi 4", "pi-4"),
        ("on an A10", "a10"),
    ],
)
def test_reads_the_device_itself_and_the_longest_name_wins(text: str, expected: str) -> None:
    found = device_in(text, NAMES)
    assert found is not None
    assert found.name == expected
    assert found.excerpt in text


@pytest.mark.parametrize(
    "text", ["reviews of the Jetson Nano", "not on a Jetson Nano", "on a10 motorways", "on a Jetson Nanos"]
)
def test_a_device_that_is_only_mentioned_is_not_required(text: str) -> None:
    assert device_in(text, NAMES) is None


@given(st.text(max_size=200))
def test_no_text_upsets_the_search(text: str) -> None:
    for found in (device_class_in(text), device_in(text, NAMES)):
        assert found is None or found.excerpt in text


def test_gathers_constraints_and_facts_of_the_host(node: NodeHarness) -> None:
    text = "Count bicycles within 100 ms on a small edge computer, 4 GB of RAM, 5 W"
    output = node.process(UserInput(text=text))
    assert output.header.outcome is Outcome.SUCCEEDED
    assert (output.max_memory_bytes, output.max_power_w) == (4e9, 5.0)
    assert (output.device_class, output.required_device) == ("edge", "")
    assert {one.name for one in output.limits} == {"memory_bytes", "power_w"}
    assert output.host.logical_cores >= 1
    assert output.host.memory_bytes > 0
    assert "edge computer" in output.explanation


def test_leaves_open_what_was_not_said(node: NodeHarness) -> None:
    output = node.process(UserInput(text="Count bicycles"))
    assert math.isnan(output.max_memory_bytes)
    assert math.isnan(output.max_power_w)
    assert (output.device_class, output.required_device, output.limits) == ("", "", [])


def test_every_device_of_the_catalogue_is_found_by_its_name(node: NodeHarness) -> None:
    devices = load_devices()
    for device in devices:
        output = node.process(UserInput(required_device=device.name))
        assert (output.required_device, output.device_class) == (device.id, device.device_class)
    assert len(devices) >= 300
    assert {"nvidia-h100-sxm", "nvidia-jetson-nano", "upmem-dimm", "amd-zcu102", "axelera-metis"} <= {
        device.id for device in devices
    }


@pytest.mark.parametrize("name", ["raspberry pi 4", "Raspberry Pi 4 Model B", "raspberry-pi-4b-8gb"])
def test_the_field_names_a_device_of_the_catalogue(node: NodeHarness, name: str) -> None:
    output = node.process(UserInput(text="on a laptop", required_device=name, max_memory_bytes=1e9))
    assert (output.required_device, output.device_class) == ("raspberry-pi-4b-8gb", "edge")
    assert output.max_memory_bytes == 1e9


def test_the_text_names_a_device_of_the_catalogue(node: NodeHarness) -> None:
    output = node.process(UserInput(text="Count cows on a Jetson Nano"))
    assert output.required_device == "nvidia-jetson-nano"


@pytest.mark.parametrize(
    "problem", [UserInput(required_device="This Computer"), UserInput(text="run it on this computer")]
)
def test_this_host_can_be_asked_for(node: NodeHarness, problem: UserInput) -> None:
    output = node.process(problem)
    assert (output.required_device, output.device_class) == ("this-host", "")


@pytest.mark.parametrize(
    ("problem", "code", "reason"),
    [
        (UserInput(required_device="Abacus 3000"), "UNKNOWN_DEVICE", "device 'Abacus 3000' unknown; nearest: "),
        (UserInput(max_memory_bytes=-1.0), "BAD_LIMIT", "max_memory_bytes is -1"),
    ],
)
def test_refuses_what_it_cannot_use(node: NodeHarness, problem: UserInput, code: str, reason: str) -> None:
    output = node.process(problem)
    assert output.header.outcome is Outcome.FAILED
    assert output.header.error_code == code
    assert reason in output.header.reason


@pytest.mark.parametrize(
    ("fields", "family", "device_class"),
    [
        ({"text": "Classify leaves on a Jetson in under 50 ms"}, "Jetson", "edge"),
        ({"text": "It runs on the Raspberry Pi in my shed"}, "Raspberry Pi", "edge"),
        ({"text": "Classify leaves, not on a Jetson"}, "", ""),
        ({"text": "Classify leaves", "required_device": "xavier"}, "xavier", ""),
    ],
)
def test_a_name_of_several_devices_asks_for_one_of_them(
    node: NodeHarness, fields: dict[str, str], family: str, device_class: str
) -> None:
    answer = node.process(UserInput(**fields))
    assert (answer.device_family, answer.device_class, answer.required_device) == (family, device_class, "")
    assert (f"whose name holds “{family}”" in answer.explanation) == bool(family)
