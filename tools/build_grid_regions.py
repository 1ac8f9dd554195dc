"""Build `estimators/data/grid_regions.json`: yearly carbon intensity of electricity by state, province and zone.

All of it comes from the wheel of codecarbon (MIT), which names the origin of each file: the states of the USA from
the EPA's eGRID, the provinces of China from its Ministry of Ecology and Environment, the zones of Sweden and Norway
from the generation that ENTSO-E publishes, and the mix of the provinces of Canada. Run from the repository root:
`python tools/build_grid_regions.py`. The wheel is downloaded into a temporary folder and nothing of it is run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

PACKAGE = "codecarbon==3.3.2"
FOLDER = "codecarbon/data/private_infra"
TARGET = Path(__file__).parents[1] / "nodes" / "hedgerow_nodes" / "estimators" / "data" / "grid_regions.json"

GRAMS_PER_POUND = 453.59237
KWH_PER_MWH = 1000.0
# A figure that leaves out more than a twentieth of the generation is too low by as much as nobody knows.
PART_COVERED_BELOW_PERCENT = 95.0
YEARLY_MEAN_FACTOR = 1.5
PART_COVERED_FACTOR = 3.0
# Names of the shares in the file of provinces, and of the same source in the table of factors.
SOURCES = {"coal": "coal", "petroleum": "petroleum", "naturalGas": "natural_gas", "biomass": "biomass",
           "nuclear": "nuclear", "solar": "solar", "wind": "wind", "hydro": "hydroelectricity"}  # fmt: skip
CANADA = {
    "alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB",
    "newfoundland and labrador": "NL", "nova scotia": "NS", "ontario": "ON", "prince edward island": "PE",
    "quebec": "QC", "saskatchewan": "SK", "northwest territories": "NT", "nunavut": "NU", "yukon": "YT",
}  # fmt: skip
ALIASES = {"CA-QC": ["Québec"], "US-DC": ["Washington DC"]}
SMALL_WORDS = {"and", "of"}


def main() -> None:
    """Write the table.

    Raises:
        SystemExit: fewer than 90 regions were found.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the wheel of codecarbon; downloaded by pip when left out")
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(arguments.wheel or download(Path(folder))) as wheel:
        files = {
            name: json.loads(wheel.read(f"{FOLDER}/{name}"))
            for name in (
                "2023/usa_emissions.json",
                "2023/canada_energy_mix.json",
                "2023/china_provincial_emissions.json",
                "nordic_emissions.json",
                "carbon_intensity_per_source.json",
            )
        }
    regions = [*usa(files), *canada(files), *china(files), *nordic(files)]
    if len(regions) < 90:
        raise SystemExit(f"only {len(regions)} regions in {PACKAGE}; at least 90 are expected")
    document = {
        "generated_by": "tools/build_grid_regions.py",
        "package": PACKAGE,
        "licence": "MIT (the table); each figure names its origin",
        "regions": sorted(regions, key=lambda region: str(region["code"])),
    }
    arguments.target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(regions)} regions written to {arguments.target}")


def download(folder: Path) -> Path:
    """Fetch the wheel without its dependencies."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*pip, "--dest", str(folder), PACKAGE], check=True)
    return next(folder.glob("codecarbon-*.whl"))


def usa(files: dict[str, Any]) -> list[dict[str, Any]]:
    """States, from pounds a megawatt hour."""
    found = files["2023/usa_emissions.json"]
    about = found["_source"]
    return [
        region(
            f"US-{row['regionCode']}",
            name,
            row["emissions"] * GRAMS_PER_POUND / KWH_PER_MWH,
            about["year"],
            f"{about['name']} ({about['field']}), by way of {PACKAGE}",
        )
        for name, row in found.items()
        if not name.startswith("_") and name != "usa"
    ]


def canada(files: dict[str, Any]) -> list[dict[str, Any]]:
    """Provinces: the mix of sources times the factor of each source."""
    factors = files["carbon_intensity_per_source.json"]
    rows = []
    for name, mix in files["2023/canada_energy_mix.json"].items():
        known = {share: mix[share] for share in SOURCES if share in mix and SOURCES[share] in factors}
        total = sum(value for share, value in mix.items() if share != "total")
        grams = sum(percent * factors[SOURCES[share]] for share, percent in known.items()) / total
        covered = 100 * sum(known.values()) / total
        source = (
            f"generation mix x factor of each source ({covered:.4g} % of the mix has one), both from {PACKAGE}, "
            "which does not name the mix's publisher"
        )
        rows.append(region(f"CA-{CANADA[name]}", name, grams, 2023, source, covered))
    return rows


def china(files: dict[str, Any]) -> list[dict[str, Any]]:
    """Provinces, as published."""
    found = files["2023/china_provincial_emissions.json"]
    about = found["metadata"]
    origin = f"Ministry of Ecology and Environment of China, Announcement {about['announcement']}, provincial averages"
    source = f"{origin}, by way of {PACKAGE}; CO2 only"
    return [
        region(code, row["description"], row["emission_factor"], row["year"], source)
        for code, row in found["data"].items()
    ]


def nordic(files: dict[str, Any]) -> list[dict[str, Any]]:
    """Bidding zones of Sweden and Norway."""
    rows = []
    for zone, row in files["nordic_emissions.json"]["data"].items():
        if "coverage" not in row:
            continue
        covered = float(row["coverage"].partition("%")[0])
        source = (
            f"ENTSO-E generation by type x factor of each ({covered:g} % of the generation has one), "
            f"by way of {PACKAGE}"
        )
        rows.append(region(f"{zone[:2]}-{zone}", zone, row["emission_factor"], row["year"], source, covered))
    return rows


def region(
    code: str, name: str, intensity_g_per_kwh: float, year: int, source: str, covered_percent: float = 100.0
) -> dict[str, Any]:
    """One row; a name in small letters gets its capitals."""
    spelled = " ".join(word if word in SMALL_WORDS else word.capitalize() for word in name.split())
    part = covered_percent < PART_COVERED_BELOW_PERCENT
    return {
        "code": code,
        "name": spelled if name.islower() else name,
        "aliases": ALIASES.get(code, []),
        "intensity_g_per_kwh": round(intensity_g_per_kwh, 1),
        "year": year,
        "factor": PART_COVERED_FACTOR if part else YEARLY_MEAN_FACTOR,
        "source": source,
    }


if __name__ == "__main__":
    main()
