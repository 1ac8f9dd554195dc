"""Write `estimators/data/tasks.json` from the npm package `@huggingface/tasks`: run it again to take a newer one.

Needs node and npm. The about texts are shortened to their first `ABOUT_CHARACTERS` of prose, whole sentences only,
without code, tables, links and HTML. The package's licence is copied beside the data and has to stay with it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "@huggingface/tasks"
VERSION = "0.21.54"
TARBALL_SHA256 = "ec3461a9eb087379adfc4e8830ae9980d1919d79c5f260dfc8564d67df65c7a2"
ABOUT_CHARACTERS = 1200
LARGEST_BYTES = 150_000
DATA = Path(__file__).resolve().parent.parent / "nodes" / "hedgerow_nodes" / "estimators" / "data"

DUMP = """
const { pathToFileURL } = await import("node:url");
const { PIPELINE_DATA, TASKS_DATA } = await import(pathToFileURL(process.argv[1]).href);
console.log(JSON.stringify({ pipelines: PIPELINE_DATA, tasks: TASKS_DATA }));
"""


def main() -> None:
    """Fetch the package (or take `--tarball`), check its digest, write the data and the licence."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tarball", type=Path, help="a package already fetched by `npm pack`")
    arguments.add_argument("--output", type=Path, default=DATA, help="folder to write to")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = unpack(given.tarball or fetch(Path(folder)), Path(folder))
        text = json.dumps(extract(package), ensure_ascii=False, indent=1) + "\n"
        if len(text.encode()) > LARGEST_BYTES:
            raise SystemExit(f"tasks.json would have {len(text.encode())} bytes; lower ABOUT_CHARACTERS")
        given.output.mkdir(parents=True, exist_ok=True)
        (given.output / "tasks.json").write_text(text, encoding="utf-8")
        shutil.copyfile(package / "LICENSE", given.output / "LICENSE.huggingface-tasks")
    print(f"{given.output / 'tasks.json'}: {len(text.encode())} bytes")


def fetch(folder: Path) -> Path:
    """Download the pinned package into a folder."""
    command = ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def unpack(tarball: Path, folder: Path) -> Path:
    """Check the digest, unpack, and return the package's folder."""
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if digest != TARBALL_SHA256:
        raise SystemExit(f"{tarball.name} has SHA-256 {digest}, not {TARBALL_SHA256}; change both")
    with tarfile.open(tarball) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def extract(package: Path) -> dict[str, Any]:
    """The pipeline tasks in the package's own order, as plain data."""
    entry = package / "dist" / "esm" / "index.js"
    dumped = subprocess.run(
        ["node", "--input-type=module", "-e", DUMP, str(entry)], check=True, capture_output=True, text=True
    )
    source = json.loads(dumped.stdout)
    return {
        "source": f"{PACKAGE} {VERSION}",
        "licence": "MIT, Copyright (c) 2023 Hugging Face; text in LICENSE.huggingface-tasks",
        "changes": f"selected fields; `about` shortened to at most {ABOUT_CHARACTERS} characters of prose",
        "tasks": [
            task(id_, pipeline, source["tasks"].get(id_) or {}, package)
            for id_, pipeline in source["pipelines"].items()
        ],
    }


def task(id_: str, pipeline: dict[str, Any], page: dict[str, Any], package: Path) -> dict[str, Any]:
    """One task's entry; the package has no page, and so no summary and no metrics, for some tasks."""
    about = package / "src" / "tasks" / id_ / "about.md"
    return {
        "id": id_,
        "name": pipeline["name"],
        "modality": pipeline["modality"],
        "subtasks": [subtask["name"] for subtask in pipeline.get("subtasks") or []],
        "summary": plain(page.get("summary") or ""),
        "metrics": [
            {"id": metric["id"], "description": plain(metric["description"])} for metric in page.get("metrics") or []
        ],
        "about": shorten(plain(about.read_text(encoding="utf-8"))) if about.is_file() else "",
    }


def plain(markdown: str) -> str:
    """Markdown without code, HTML, tables, headings and link targets, in one line."""
    text = re.sub(r"```.*?(```|\Z)", " ", markdown, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", text)
    text = re.sub(r"^\s*[#|].*$", " ", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"https?://\S+", " ", text)
    return " ".join(re.sub(r"[*_`]+", "", text).split())


def shorten(text: str) -> str:
    """The text's first whole sentences, as many as fit."""
    if len(text) <= ABOUT_CHARACTERS:
        return text
    head = text[:ABOUT_CHARACTERS]
    ends = [found.end() for found in re.finditer(r"[.!?](?=\s)", head)]
    return head[: ends[-1]] if ends else head.rsplit(" ", 1)[0]


if __name__ == "__main__":
    main()
