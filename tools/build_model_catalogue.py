"""Build estimators/data/models.json: what is published about each model, and what torch counts on the meta device."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import onnx_costs
import torch
import transformers

from hedgerow_nodes.estimators.models import bundled_weights, flops
from hedgerow_nodes.estimators.models.catalogue import (
    Accuracy,
    Architecture,
    Catalogue,
    CatalogueModel,
    Generation,
    TensorSpec,
    Weights,
    load,
)

HERE = Path(__file__).resolve().parent
PUBLISHED = HERE / "published_models.toml"
ESTIMATORS = HERE.parent / "nodes/hedgerow_nodes/estimators"
CATALOGUE = ESTIMATORS / "data/models.json"

INTEGER_INPUTS = frozenset({"input_ids", "attention_mask", "pixel_mask", "token_type_ids", "bbox", "timesteps"})

# What a model class raises when it does not work on the meta device or with the published values.
UNCOUNTABLE = (AssertionError, AttributeError, ImportError, LookupError, RuntimeError, TypeError, ValueError)

CONVENTIONS = {
    "flops": "2 x multiply-accumulate of matrix products and convolutions of one inference at batch size 1, "
    "counted by torch.utils.flop_counter.FlopCounterMode on the meta device; all other operators count as 0",
    "generation": "prompt (or encoder input) once, then greedy tokens one by one with KV cache, no beam search; "
    "prompt and number of tokens stand in each entry",
    "parameters": "unique parameters, tied ones once; buffers not counted",
    "weights_bytes": "parameters x bytes per parameter of the precision; scales of a quantisation not counted",
    "activation_bytes": "peak bytes of the storages that operators made and that were alive at the same time in an "
    "eager forward pass with eager attention, parameters and inputs not among them, KV cache among them",
    "moved_bytes": "bytes that all operators read and wrote, parameters included, views free, embeddings by row",
    "bundled": "entries with bundled weights are counted on their ONNX graph after shape inference, 2 x MAC of Conv, "
    "Gemm and MatMul (equal to FlopCounterMode for EfficientNet-Lite0); batch norms are folded into convolutions, so "
    "parameters are a little fewer than published; activation_bytes by liveness in the order of the graph",
    "accuracy": "as the named source states it; absent where none is certain",
}


def main(arguments: list[str] | None = None) -> int:
    """Count every model and write the catalogue; say what cannot be counted and return 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundled", action="store_true", help="count the weights that ship, keep all other entries")
    parser.add_argument("--only", default="", help="count only ids that hold this text, write nothing")
    options = parser.parse_args(arguments)
    published = tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))
    models, failed = [bundled(facts) for facts in published["bundled"]], []
    if options.bundled:
        kept = [model for model in load().models if model.weights.kind != "bundled"]
        write(sorted([*kept, *models], key=lambda model: model.id), load().software)
        return 0
    for facts in published["model"]:
        if options.only not in facts["id"]:
            continue
        try:
            models.append(counted(facts))
        except UNCOUNTABLE as error:
            failed.append(facts["id"])
            print(f"{facts['id']}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        made = models[-1]
        print(f"{made.id}: {made.parameters} parameters, {made.flops} FLOP, {made.activation_bytes} B live")
    if failed or options.only:
        return int(bool(failed))
    versions = {"torch": torch.__version__.partition("+")[0], "transformers": transformers.__version__}
    write(sorted(models, key=lambda model: model.id), versions)
    return 0


def counted(facts: dict[str, Any]) -> CatalogueModel:
    """One entry of the catalogue from one entry of the published facts."""
    architecture = Architecture(
        configuration=facts["configuration"], model=facts["model"], values=facts["values"], published=facts["published"]
    )
    inputs = {name: tensor(name, shape, facts) for name, shape in facts["inputs"].items()}
    generation = Generation(**facts["generate"]) if "generate" in facts else None
    precision = facts.get("precision", "float32")
    device = facts.get("device", "meta")
    count = flops.count_architecture(architecture, inputs, generation, dtype=precision, device=device)
    return CatalogueModel(
        id=facts["id"],
        family=facts["family"],
        efficiency=facts["efficiency"],
        tasks=tuple(facts["tasks"]),
        inference=describe(inputs, generation),
        parameters=count.parameters,
        flops=count.flops,
        activation_bytes=count.activation_bytes,
        moved_bytes=count.moved_bytes,
        counted_by=flops.counted_by(device),
        inputs=inputs,
        precision=precision,
        architecture=architecture,
        generation=generation,
        accuracy=Accuracy(**facts["accuracy"]) if "accuracy" in facts else None,
        weights=Weights(licence=facts.get("licence", "")),
    )


def tensor(name: str, shape: list[int], facts: dict[str, Any]) -> TensorSpec:
    """The input of that name: integers by name, noise otherwise."""
    dtype: Any = "int64" if name in INTEGER_INPUTS else "float32"
    fill: Any = next((fill for fill in ("ones", "zeros") if name in facts.get(fill, [])), None)
    fill = fill or ("tokens" if dtype == "int64" else "normal")
    return TensorSpec(shape=tuple(shape), dtype=dtype, fill=fill, high=facts.get("high", 1000))


def describe(inputs: dict[str, TensorSpec], generation: Generation | None) -> str:
    """One inference in words."""
    shapes = ", ".join(f"{name} {'x'.join(str(size) for size in spec.shape)}" for name, spec in inputs.items())
    if generation is None:
        return f"one forward pass of {shapes}"
    return f"{shapes}, then {generation.new_tokens} tokens generated greedily with KV cache"


def bundled(facts: dict[str, Any]) -> CatalogueModel:
    """One entry for weights that ship: counted on the graph, at the shapes that it states.

    A model with a companion costs what this costs once, and what it costs itself for each of the `lines` of its sample.
    """
    stored = bundled_weights.entry(facts["file"])
    first = onnx_costs.loaded(bundled_weights.checked_path(facts["file"]))
    count, inference = onnx_costs.count(first), ""
    if stored.companion:
        first = onnx_costs.loaded(bundled_weights.checked_path(stored.companion))
        count = onnx_costs.count(first).and_then(count, facts["lines"])
        inference = f"one page of {facts['lines']} lines, found once and read one by one"
    inputs = {
        value.name: TensorSpec(
            shape=tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim),
            dtype="int64" if value.name in INTEGER_INPUTS else "float32",
            fill="tokens" if value.name == "input_ids" else "ones" if value.name in INTEGER_INPUTS else "normal",
        )
        for value in first.graph.input
    }
    accuracy: Any = facts.get("accuracy") or stored.measured_accuracy
    return CatalogueModel(
        id=facts["id"],
        family=facts["family"],
        efficiency=facts["efficiency"],
        tasks=tuple(facts["tasks"]),
        inference=inference or describe(inputs, None),
        parameters=count.parameters,
        flops=count.flops,
        activation_bytes=count.activation_bytes,
        moved_bytes=count.moved_bytes,
        counted_by=onnx_costs.COUNTED_BY,
        special=facts.get("special", ""),
        inputs=inputs,
        accuracy=msgspec.convert(accuracy, Accuracy) if accuracy else None,
        weights=Weights(kind="bundled", file=facts["file"], licence=stored.upstream.licence, data=stored.upstream.data),
    )


def write(models: list[CatalogueModel], software: dict[str, str]) -> None:
    """Write the catalogue as indented JSON with a fixed order."""
    catalogue = Catalogue(format=1, conventions=CONVENTIONS, software=software, models=tuple(models))
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    CATALOGUE.write_bytes(msgspec.json.format(msgspec.json.encode(catalogue), indent=1) + b"\n")
    print(f"{len(models)} models, {len(catalogue.tasks())} tasks, {CATALOGUE.stat().st_size} bytes: {CATALOGUE.name}")


if __name__ == "__main__":
    raise SystemExit(main())
