"""Parameters and FLOPs counted here beside published ones.

`python -m hedgerow_nodes.estimators.validation.counts` compares the catalogue with what other packages publish of the
same architectures, and the formulas for text models with torch's own count. Where torchvision is installed, it builds
each of its models as well; `--timm FOLDER` does so with timm, FOLDER holding its published results; `--openmmlab FILE`
takes the counts that `tools/count_openmmlab.py mmpretrain FILE` wrote. Nothing is downloaded and no weights are made.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models import catalogue, published, text_costs, text_rows
from hedgerow_nodes.estimators.models.published import PublishedModel
from hedgerow_nodes.estimators.validation.comparison import Pair, farthest, row, table

# Models of data/models.json and the same architecture, at the same size of picture, as another package publishes it.
SAME: Mapping[str, str] = {
    "microsoft/resnet-18": "torchvision/resnet18.imagenet1k_v1",
    "microsoft/resnet-50": "torchvision/resnet50.imagenet1k_v1",
    "microsoft/resnet-101": "torchvision/resnet101.imagenet1k_v1",
    "facebook/convnext-tiny-224": "torchvision/convnext_tiny.imagenet1k_v1",
    "facebook/convnext-base-224": "torchvision/convnext_base.imagenet1k_v1",
    "google/vit-base-patch16-224": "torchvision/vit_b_16.imagenet1k_v1",
    "microsoft/swin-tiny-patch4-window7-224": "torchvision/swin_t.imagenet1k_v1",
    "google/efficientnet-b0": "torchvision/efficientnet_b0.imagenet1k_v1",
    "google/efficientnet-b1": "torchvision/efficientnet_b1.imagenet1k_v1",
    "google/mobilenet_v2_1.0_224": "torchvision/mobilenet_v2.imagenet1k_v1",
}
Found = tuple[list[Pair], list[Pair]]


def from_catalogue() -> Found:
    """Parameters and FLOPs of the models that both catalogues hold."""
    theirs = published.load()
    rows = []
    for ours, other in SAME.items():
        model, record = catalogue.load().get(ours), theirs.named(other)
        if model is None or not record:
            raise LookupError(f"{ours} or {other} is in no catalogue; correct SAME")
        rows.append((ours, float(model.parameters), float(model.flops), record[0]))
    return _pairs(rows)


def from_counts(file: Path) -> Found:
    """What tools/count_openmmlab.py counted, for the configurations of which mmpretrain publishes figures."""
    counted = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    by_config = {one["config"]: one for one in counted}
    rows = []
    for record in published.load().models:
        found = by_config.get(record.config) if record.id.startswith("mmpretrain/") else None
        if found is not None:
            rows.append((record.id, float(found["parameters"]), float(found["flops"]), record))
    return _pairs(rows)


def from_torchvision() -> Found:
    """Every torchvision model of which the size of its input is published; without one, its parameters alone."""
    from hedgerow_nodes.estimators.validation.built import torchvision_count

    rows = []
    for record in published.load().models:
        if record.id.startswith("torchvision/"):
            count = torchvision_count(record.id.partition("/")[2].partition(".")[0], _crop(record))
            rows.append((record.id, count.parameters, count.flops, record))
    return _pairs(rows)


def from_timm(folder: Path, every: int = 1) -> tuple[list[Pair], list[Pair], int]:
    """Models of timm's published results that this timm has at that size, and how many of them it has not."""
    from hedgerow_nodes.estimators.validation.built import timm_counts

    parameters, flops, left = [], [], 0
    for name, count, stated_parameters, stated_flops in timm_counts(folder, every):
        if count is None or count.flops is None:
            left += 1
            continue
        # The file states parameters to 0.01 M and MACs to 0.01 G, so small models would be compared with a rounding.
        if stated_parameters >= 1e6:
            parameters.append(Pair(name, count.parameters, stated_parameters))
        if stated_flops >= 2e8:
            flops.append(Pair(name, count.flops, stated_flops))
    return parameters, flops, left


def from_formulas() -> tuple[list[Pair], list[Pair], list[Pair]]:
    """FLOPs, bytes moved and memory of generations by formula, beside the operators that torch ran through."""
    shapes = {model.id: model for model in text_costs.load().models}
    flops, moved, memory = [], [], []
    for model in catalogue.load().models:
        shape = shapes.get(model.id)
        if shape is None or model.generation is None or model.precision != "float32":
            continue
        prompt, new = model.generation.prompt_tokens, model.generation.new_tokens
        work = text_costs.generation_work(shape, prompt, new, "float32")
        # The catalogue counts the output layer for every token of a decoder's prompt, a generation needs it once.
        more = 0 if shape.encoder_layers else 2 * shape.output_matrix * (prompt - 1)
        flops.append(Pair(model.id, work.flops + more, float(model.flops)))
        columns = text_rows.text_columns(shape, model.tasks[0])
        moved.append(Pair(model.id, columns[5], float(model.moved_bytes), Interval(*columns[5:8])))
        memory.append(Pair(model.id, columns[8], float(model.memory_bytes), Interval(*columns[8:11])))
    return flops, moved, memory


def _crop(record: PublishedModel) -> tuple[int, ...]:
    """The crop in the words of a record, such as `crop 224` or `crop (112, 112)`; empty where it states none."""
    return tuple(int(number) for number in re.findall(r"\d+", record.inference))


def _pairs(rows: Iterable[tuple[str, float, float | None, PublishedModel]]) -> Found:
    parameters, flops = [], []
    for name, our_parameters, our_flops, record in rows:
        if record.parameters is not None and not record.parameters.counted:
            parameters.append(Pair(name, our_parameters, record.parameters.value))
        if our_flops and record.flops is not None and not record.flops.counted:
            flops.append(Pair(name, our_flops, record.flops.value))
    return parameters, flops


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timm", type=Path, metavar="FOLDER", help="timm's published results; needs timm")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every N-th of timm's models, by name")
    parser.add_argument("--openmmlab", type=Path, metavar="FILE", help="what tools/count_openmmlab.py wrote")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="name the N farthest of each row")
    asked = parser.parse_args(arguments)
    parts: list[tuple[str, str, list[Pair]]] = []

    def add(reference: str, *named: tuple[str, list[Pair]]) -> None:
        parts.extend((what, reference, pairs) for what, pairs in named)

    add("other packages' metadata", *zip(("parameters", "FLOPs"), from_catalogue(), strict=True))
    if importlib.util.find_spec("torchvision"):
        add("torchvision's metadata", *zip(("parameters", "FLOPs"), from_torchvision(), strict=True))
    if asked.openmmlab:
        add("mmpretrain's metadata", *zip(("parameters", "FLOPs"), from_counts(asked.openmmlab), strict=True))
    if asked.timm:
        parameters, flops, left = from_timm(asked.timm, asked.every)
        add("timm's results", ("parameters", parameters), ("FLOPs", flops))
        print(f"{left} of timm's results are of models that cannot be built at that size here", file=sys.stderr)
    names = ("FLOPs by formula", "bytes moved by formula", "memory by formula")
    add("torch's operators", *zip(names, from_formulas(), strict=True))
    print(table(row(*part) for part in parts))
    for what, reference, pairs in parts if asked.worst else ():
        worst = ", ".join(f"{pair.case} {pair.ratio:.3g}" for pair in farthest(pairs, asked.worst))
        print(f"{what}, {reference}: {worst}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
