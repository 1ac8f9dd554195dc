"""Build `estimators/data/devices.json` from npm @huggingface/tasks (SKUS) and the figures entered by hand.

The latter are in `device_figures.toml` beside this file. Run it from the repository root with npm and node at hand:
`python tools/build_device_catalogue.py`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = "@huggingface/tasks@0.21.54"
SKU_SOURCE = f"npm {PACKAGE} SKUS (MIT; approximate by its own note)"
FIGURES = Path(__file__).with_name("device_figures.toml")
TARGET = Path(__file__).parents[1] / "nodes" / "hedgerow_nodes" / "estimators" / "data" / "devices.json"
GIB = 1024**3

Record = dict[str, Any]


def main() -> None:
    """Write the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, help="the npm package as a .tgz; fetched with `npm pack` when left out")
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    hand = tomllib.loads(FIGURES.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        skus = read_skus(arguments.package or fetch_package(Path(folder)), Path(folder))
    devices = sorted((device_record(entry, hand["fma"], skus) for entry in hand["device"]), key=lambda d: str(d["id"]))
    check_names(devices)
    document = {"generated_by": "tools/build_device_catalogue.py", "package": PACKAGE, "devices": devices}
    arguments.target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    ranked = sum(1 for d in devices if d["peak_flops_per_s"] and "bandwidth_bytes_per_s" in d and "power_w" in d)
    print(f"{len(devices)} devices, {ranked} with peak, bandwidth and power, written to {arguments.target}")


def fetch_package(folder: Path) -> Path:
    """Download the package with npm and return the archive's path."""
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def read_skus(archive: Path, folder: Path) -> dict[str, Record]:
    """Read the SKUS table as {"group.vendor.name": entry}; entries whose figure is marked float32 get `precision`."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    module = folder / "package" / "dist" / "esm" / "hardware.js"
    script = f"import {{SKUS}} from {json.dumps(module.as_uri())}; console.log(JSON.stringify(SKUS))"
    node = ["node", "--input-type=module", "-e", script]
    table = json.loads(subprocess.run(node, check=True, capture_output=True, text=True).stdout)
    text = "".join(path.read_text(encoding="utf-8") for path in module.parent.glob("hardware*.js"))
    float32 = set(re.findall(r'^\s*"?([^":\n]+?)"?: \{\n\s*tflops: [\d.]+, // float32', text, re.MULTILINE))
    entries: dict[str, Record] = {}
    for group, vendors in table.items():
        for vendor, names in vendors.items():
            for name, entry in names.items():
                entries[f"{group}.{vendor}.{name}"] = entry | {"precision": "fp32" if name in float32 else "fp16"}
    return entries


def device_record(entry: Record, fma: dict[str, str], skus: dict[str, Record]) -> Record:
    """Join one hand-written entry with its SKU; every figure gets a line in `sources`.

    Raises:
        SystemExit: the SKU or the FMA note is unknown.
    """
    record: Record = {key: entry[key] for key in ("id", "name", "aliases", "device_class", "classes", "power_scope")}
    record["peak_flops_per_s"] = {}
    if "cores" in entry:
        record["cores"] = entry["cores"] + sum(group[0] for group in entry.get("groups", []))
    sources: dict[str, str] = {}
    for field, value, source in figures(entry, fma, skus):
        if field.startswith("peak."):
            record["peak_flops_per_s"].setdefault(field[5:], value)
        else:
            record.setdefault(field, value)
        sources.setdefault(field, entry.get("sources", {}).get(field, source))
    return record | {"sources": sources}


def figures(entry: Record, fma: dict[str, str], skus: dict[str, Record]) -> Iterator[tuple[str, float, str]]:
    """Yield (field, value, source), what was entered by hand first: the first of a field wins."""
    source = entry["source"]
    if "fp32_tflops" in entry:
        yield "peak.fp32", entry["fp32_tflops"] * 1e12, source
    if "fp16_tensor_tflops" in entry:
        yield "peak.fp16_tensor", entry["fp16_tensor_tflops"] * 1e12, source
    if "int8_tops" in entry:
        yield "peak.int8", entry["int8_tops"] * 1e12, source
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
        sku = known(skus, entry["sku"], "SKU")
        # For Apple the table does not say which precision its figure has, so it is not used.
        if entry["sku"].startswith("GPU."):
            yield f"peak.{sku['precision']}", sku["tflops"] * 1e12, SKU_SOURCE
        if sku.get("memory"):
            yield "memory_bytes", max(sku["memory"]) * GIB, f"{SKU_SOURCE}, largest option"
        yield "power_w", sku["power"], SKU_SOURCE


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
