"""Build estimators/data/published_models.jsonl.gz from a folder of downloaded wheels, and print what is in it.

    pip download --no-deps --dest WHEELS mmpretrain mmdet mmsegmentation mmpose mmaction2 mmocr mmdet3d mmagic \
        mmrotate mmtrack mmflow mmrazor torchvision==0.28.0
    python tools/build_published.py WHEELS

A folder that also holds counts-PACKAGE.jsonl, made by tools/count_openmmlab.py, fills in what is not published.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import counted_figures
import openmmlab_metadata
import openmmlab_wheels
import torchvision_metadata

from hedgerow_nodes.estimators.models import published
from hedgerow_nodes.estimators.models.published import Header, Origin, PublishedModel

TARGET = Path(__file__).resolve().parent.parent / "nodes/hedgerow_nodes/estimators" / published.FILE

CONVENTIONS = {
    "flops": "2 x multiply-accumulate of one inference at batch size 1; the sources count it as one, so their "
    "figures are doubled, which the field says",
    "parameters": "as the source states them, or counted from the configuration, which the field says",
    "scores": "as published; a fraction of one for the metrics that tools/published_tables.py scales, else as stated",
    "better": "whether more or less of a metric is better; empty where that is unknown, so that nobody ranks by it",
    "special": "a form of the task that the taxonomy of tasks has no id for; the table is in tools/published_tables.py",
    "kind": "sort of network by words in name and family, tools/published_tables.py",
    "licence": "of the weights, only where the metadata states it; the licence of the metadata is that of its origin",
    "unknown": "what a source does not state is absent",
}


def main(arguments: list[str] | None = None) -> int:
    """Read the folder, write the file and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=Path, help="folder of the downloaded wheels")
    parser.add_argument("--dry-run", action="store_true", help="print the summary, write nothing")
    options = parser.parse_args(arguments)
    header, models = read(options.wheels)
    data = published.encode(header, models)
    summarise(header, models)
    if not options.dry_run:
        TARGET.write_bytes(data)
        print(f"{len(models)} entries, {len(data)} bytes: {TARGET.name}")
    return 0


def read(folder: Path) -> tuple[Header, tuple[PublishedModel, ...]]:
    """Everything that the wheels of a folder tell, sorted by id, task and form.

    Raises:
        SystemExit: the folder holds no wheel that is known here.
    """
    origins: list[Origin] = []
    models: list[PublishedModel] = []
    readers = [(openmmlab_metadata.read, wheel) for wheel in openmmlab_wheels.packages(folder).values()]
    readers += [(torchvision_metadata.read, wheel) for wheel in sorted(folder.glob("torchvision-*.whl"))]
    for reader, wheel in readers:
        counts = counted_figures.of_package(folder, wheel.name.split("-")[0])
        origin, found = reader(wheel, len(origins))
        origins.append(origin)
        models += counted_figures.completed(found, counts)
    if not models:
        raise SystemExit(f"{folder} holds no wheel with known metadata; download them as --help says")
    models.sort(key=lambda model: (model.id, model.task, model.special))
    return Header(format=published.FORMAT, conventions=CONVENTIONS, origins=tuple(origins)), tuple(models)


def summarise(header: Header, models: tuple[PublishedModel, ...]) -> None:
    """Print the number of models by task and by source, with how many have each figure."""
    for title, names in (
        ("task", [model.task for model in models]),
        ("source", [f"{header.origins[m.origin].package} {header.origins[m.origin].version}" for m in models]),
    ):
        print(f"{title:32} entries  parameters  FLOPs  quality")
        counts = Counter(names)
        for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
            those = [model for model, label in zip(models, names, strict=True) if label == name]
            has = [sum(bool(getattr(m, field)) for m in those) for field in ("parameters", "flops", "scores")]
            print(f"{name:32} {count:7}  {has[0]:10}  {has[1]:5}  {has[2]:7}")
    print(f"models {len({model.id for model in models})}, tasks {len({model.task for model in models})}")


if __name__ == "__main__":
    raise SystemExit(main())
