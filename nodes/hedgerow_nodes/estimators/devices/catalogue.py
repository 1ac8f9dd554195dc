"""The catalogue of devices: what each one can do, from which document, and how a name finds it."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.resources import files

import msgspec

# How the catalogue names a precision, by the names that models use.
PRECISIONS: Mapping[str, str] = {
    "float32": "fp32",
    "float16": "fp16",
    "bfloat16": "fp16",
    "int8": "int8",
    "fp32": "fp32",
    "fp16": "fp16",
}


class UnknownDevice(Exception):
    """A name that no device answers to; the message holds the nearest names."""


class AmbiguousDevice(UnknownDevice):
    """The catalogue has several devices that answer to this name."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One device. What no document states is NaN, or missing from `peak_flops_per_s`.

    `classes` are those that a class limit accepts, `device_class` the first of them. `power_scope` says what `power_w`
    covers: card, processor, module, board or machine. `cores` is 0 for a GPU. The peak `fp16_tensor` is that of matrix
    units, dense. `price_usd` is the maker's at release. `sources` names each figure's document.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    device_class: str = ""
    classes: tuple[str, ...] = ()
    power_scope: str = ""
    cores: int = 0
    peak_flops_per_s: dict[str, float] = {}
    memory_bytes: float = math.nan
    bandwidth_bytes_per_s: float = math.nan
    power_w: float = math.nan
    idle_power_w: float = math.nan
    embodied_kgco2e: float = math.nan
    price_usd: float = math.nan
    sources: dict[str, str] = {}

    def peak_for(self, precision: str, *, exact: bool = False) -> tuple[str, float] | None:
        """The peak at which a model of this precision runs, as (precision, FLOP/s); None where there is none.

        Half precision runs on matrix units where there are some. A model of fewer bits runs at least as fast as fp32
        where the device has no figure of its own for it, which is what counts unless `exact` says otherwise.
        """
        wanted = PRECISIONS.get(precision, "fp32")
        for name in (f"{wanted}_tensor", wanted, *(() if exact else ("fp32",))):
            if name in self.peak_flops_per_s:
                return name, self.peak_flops_per_s[name]
        return None

    def missing_figures(self, precision: str, *, exact: bool = False) -> list[str]:
        """What the roofline needs and the catalogue does not have."""
        missing = []
        if self.peak_for(precision, exact=exact) is None:
            only = ", ".join(sorted(self.peak_flops_per_s)) or "none"
            missing.append(f"peak for {PRECISIONS.get(precision, 'fp32')} (known: {only})")
        if math.isnan(self.bandwidth_bytes_per_s):
            missing.append("memory bandwidth")
        if math.isnan(self.power_w):
            missing.append("power")
        return missing


class _Catalogue(msgspec.Struct, frozen=True):
    devices: tuple[Device, ...]


@functools.cache
def load_devices() -> tuple[Device, ...]:
    """The packaged catalogue, in the order of the ids."""
    data = files("hedgerow_nodes.estimators").joinpath("data", "devices.json").read_bytes()
    return msgspec.json.decode(data, type=_Catalogue).devices


def find_device(name: str, devices: Iterable[Device]) -> Device:
    """The device that answers to a name, written in any case and with any punctuation.

    A part of a full name is enough where it fits one device only ("Orin NX 16GB").

    Raises:
        UnknownDevice: none does.
        AmbiguousDevice: several do.
    """
    wanted = _words(name)
    known = {device.id: [_words(text) for text in (device.id, device.name, *device.aliases)] for device in devices}
    by_id = {device.id: device for device in devices}
    for matches in (
        [id_ for id_, names in known.items() if wanted in names],
        [id_ for id_, names in known.items() if wanted and any(set(wanted) <= set(words) for words in names)],
    ):
        if len(matches) == 1:
            return by_id[matches[0]]
        if matches:
            choices = ", ".join(by_id[id_].name for id_ in matches[:5])
            raise AmbiguousDevice(f"device {name!r} is ambiguous; it fits: {choices}")
    raise UnknownDevice(f"device {name!r} unknown; nearest: {', '.join(nearest_devices(name, by_id.values()))}")


def is_of_family(device: Device, family: str) -> bool:
    """One of the device's names holds all words of the family's."""
    wanted = set(_words(family))
    return any(wanted <= set(_words(text)) for text in (device.id, device.name, *device.aliases))


def device_within(text: str, devices: Iterable[Device]) -> Device | None:
    """The device whose name is wholly part of a longer one, such as "AMD EPYC 9654 96-Core Processor"."""
    there = set(_words(text))
    found = [
        (len(words), device)
        for device in devices
        for words in (set(_words(name)) for name in (device.name, *device.aliases))
        if words <= there
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def nearest_devices(name: str, devices: Iterable[Device], count: int = 3) -> list[str]:
    """The names most like one that is unknown, best first, each device once."""
    spelled = {
        " ".join(_words(text)): device.name for device in devices for text in (device.name, *device.aliases, device.id)
    }
    close = get_close_matches(" ".join(_words(name)), spelled, n=4 * count, cutoff=0.0)
    return list(dict.fromkeys(spelled[text] for text in close))[:count]


@functools.lru_cache(maxsize=8192)
def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z]+|\d+|\+", text.casefold()))
