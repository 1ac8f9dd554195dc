"""Module node `hw_constraints`: which hardware the problem allows, and what this host has."""

from __future__ import annotations

from dataclasses import dataclass, field

from hedgerow_idl import HWConstraints, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run
from hedgerow_nodes.estimators.devices.catalogue import (
    AmbiguousDevice,
    Device,
    UnknownDevice,
    find_device,
    is_of_family,
    load_devices,
)
from hedgerow_nodes.estimators.devices.host import host_facts
from hedgerow_nodes.estimators.devices.host_device import HOST_ID, HOST_NAMES
from hedgerow_nodes.estimators.text.device_mentions import device_class_in, device_in
from hedgerow_nodes.estimators.text.length import first_part
from hedgerow_nodes.estimators.text.requirements import BadLimit, Requirements, explain, gather

FAMILIES = ("Jetson", "Raspberry Pi", "Xeon", "EPYC", "Ryzen", "GeForce", "Radeon", "Instinct")
"""What people call a device that is one of several in the catalogue."""

HOST_PHRASES = ("this host", "this computer", "this machine")


@dataclass(frozen=True)
class Wish:
    """The device, and the class and family of device asked for (empty: any), and how that was found."""

    device: str = ""
    device_class: str = ""
    device_family: str = ""
    why: str = field(default="No device and no class of device was asked for.", kw_only=True)


class HardwareConstraints(ModuleNode):
    """Read memory, power, device class and required device from fields and text, and say what this host has."""

    kind = "hw_constraints"
    inputs = (UserInput,)
    output = HWConstraints

    def process(self, task: Task, user_input: UserInput) -> HWConstraints:
        """Gather the constraints.

        Raises:
            Refusal: BAD_LIMIT, a field holds no usable number; UNKNOWN_DEVICE, the required device is not catalogued.
        """
        try:
            wish = _wish(user_input, load_devices())
            requirements = gather(user_input).about_hardware()
        except BadLimit as bad:
            raise Refusal("BAD_LIMIT", str(bad)) from bad
        except UnknownDevice as unknown:
            raise Refusal("UNKNOWN_DEVICE", str(unknown)) from unknown
        return _answer(wish, requirements)


def _answer(wish: Wish, requirements: Requirements) -> HWConstraints:
    host = host_facts()
    gpus = ", ".join(host.gpus) or "no GPU"
    here = f"This host has {host.logical_cores} cores ({host.cpu}), {host.memory_bytes / 1e9:.1f} GB of memory, {gpus}."
    return HWConstraints(
        max_memory_bytes=requirements.tightest("memory_bytes"),
        max_power_w=requirements.tightest("power_w"),
        device_class=wish.device_class,
        device_family=wish.device_family,
        required_device=wish.device,
        limits=list(requirements.limits),
        host=host,
        explanation=f"{explain(requirements, 'hardware limit')} {wish.why} {here}",
    )


def _wish(user_input: UserInput, devices: tuple[Device, ...]) -> Wish:
    """The field goes before the text, and a device before a class: a device named has the class that it has."""
    text, required = first_part(user_input.text)[0], user_input.required_device.strip()
    if required.casefold() in HOST_NAMES:
        return Wish(HOST_ID, why="The field required_device asks for this host.")
    if required:
        try:
            device = find_device(required, devices)
        except AmbiguousDevice:
            return Wish(device_family=required, why=_of_family(required, "The field required_device", devices))
        return Wish(device.id, device.device_class, why=f"The field required_device asks for {device.name}.")
    names = {device.id: (device.name, *device.aliases) for device in devices}
    named = device_in(text, {**names, HOST_ID: HOST_PHRASES})
    if named is not None and named.name == HOST_ID:
        return Wish(HOST_ID, why=f"The text asks for this host (“{named.excerpt}”).")
    if named is not None:
        device = next(device for device in devices if device.id == named.name)
        return Wish(device.id, device.device_class, why=f"The text asks for {device.name} (“{named.excerpt}”).")
    kind = device_class_in(text)
    device_class = "" if kind is None else kind.name
    family = device_in(text, {name: (name,) for name in FAMILIES})
    if family is not None:
        return Wish("", device_class, family.name, why=_of_family(family.name, "The text", devices))
    if kind is not None:
        return Wish("", kind.name, why=f"The text asks for the class {kind.name} (“{kind.excerpt}”).")
    return Wish()


def _of_family(family: str, who: str, devices: tuple[Device, ...]) -> str:
    count = sum(is_of_family(device, family) for device in devices)
    return f"{who} asks for a device whose name holds “{family}”; the catalogue has {count}."


if __name__ == "__main__":
    run(HardwareConstraints)
