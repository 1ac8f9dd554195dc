"""A model in torch, ready to be timed; lives in the child process of an execution."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers

from hedgerow_nodes.estimators.models.architectures import build, inference, make_inputs
from hedgerow_nodes.estimators.models.catalogue import TensorSpec
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, VariantReport
from hedgerow_nodes.estimators.models.flops import count_model
from hedgerow_nodes.estimators.models.measured_facts import MeasuredFacts, UnusableModel

_PLAIN_INPUTS = {
    "input_ids": (1, 128),
    "pixel_values": (1, 3, 224, 224),
    "input_values": (1, 160_000),
    "input_features": (1, 80, 3000),
}


class TorchRuns:
    """A catalogue architecture with random weights of a fixed seed, or a transformers folder with safetensors."""

    def __init__(self, order: ExecutionOrder) -> None:
        torch.set_num_threads(order.threads)
        torch.set_num_interop_threads(1)
        self._entry = order.entry
        if order.kind == "folder":
            self._model = load_folder(Path(order.path), order.entry.precision if order.entry else "float32")
        elif order.entry is not None and order.entry.architecture is not None:
            self._model = build(order.entry.architecture, device="cpu", dtype=order.entry.precision)
        else:
            raise UnusableModel("an architecture is to be run, but the catalogue entry has none")
        specs = order.entry.inputs if order.entry is not None else plain_inputs(self._model)
        precision = order.entry.precision if order.entry is not None else "float32"
        self._inputs = make_inputs(specs, device="cpu", dtype=precision)
        self.runtime = f"torch {torch.__version__.partition('+')[0]}, transformers {transformers.__version__}"

    def run(self) -> Any:
        """One inference as the catalogue defines it, or one forward pass."""
        if self._entry is not None:
            return inference(self._model, self._entry, self._inputs)
        with torch.inference_mode():
            return self._model(**self._inputs)

    def facts(self) -> MeasuredFacts:
        """Parameters and bytes of the loaded model; FLOPs are counted where the catalogue has none."""
        parameters = list(self._model.parameters())
        return MeasuredFacts(
            parameters=sum(p.numel() for p in parameters),
            flops=None if self._entry is not None else float(count_model(self._model, self._inputs).flops),
            weights_bytes=float(sum(p.numel() * p.element_size() for p in parameters)),
        )

    def sample_result(self) -> tuple[str, str]:
        """Nothing: there is no sample for these."""
        return "", ""

    def variants(self) -> tuple[VariantReport, ...]:
        """None: only what ships is at hand at other precisions."""
        return ()


def load_folder(folder: Path, precision: str = "float32") -> Any:
    """Load a transformers folder by the architecture that its config.json names: safetensors only, no code of its own.

    Raises:
        UnusableModel: config.json names no architecture that the installed transformers has.
    """
    named = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or [""]
    found = getattr(transformers, named[0], None)
    if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
        release = transformers.__version__
        raise UnusableModel(f"{folder / 'config.json'} names {named[0]!r}, unknown to transformers {release}")
    model: Any = found
    return (
        model.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=getattr(torch, precision),
        )
        .eval()
        .requires_grad_(False)
    )


def plain_inputs(model: Any) -> dict[str, TensorSpec]:
    """One input of an ordinary shape for the main input that the model names.

    Raises:
        UnusableModel: its main input is of no known kind.
    """
    name = model.main_input_name
    if name not in _PLAIN_INPUTS:
        raise UnusableModel(f"main input {name!r} is of no known kind; known: {', '.join(_PLAIN_INPUTS)}")
    shape = list(_PLAIN_INPUTS[name])
    size = getattr(model.config, "image_size", None)
    if name == "pixel_values" and size:
        shape[2:] = list(size) if isinstance(size, list | tuple) else [size, size]
    if name == "input_ids":
        return {name: TensorSpec(shape=tuple(shape), dtype="int64", fill="tokens", high=model.config.vocab_size)}
    return {name: TensorSpec(shape=tuple(shape))}
