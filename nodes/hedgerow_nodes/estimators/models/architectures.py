"""Build a catalogue architecture and its inputs with torch: on the meta device to count, on the CPU to time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers

from hedgerow_nodes.estimators.models.catalogue import Architecture, CatalogueModel, TensorSpec

SEED = 20260101


class ArchitectureError(Exception):
    """An architecture that transformers does not know."""


def build(architecture: Architecture, *, device: str, dtype: str = "float32", attention: str = "") -> Any:
    """Make the model in evaluation mode; on `cpu` its weights are random from a fixed seed.

    Args:
        attention: an attention implementation of transformers; by default it takes the best that the model supports.

    Raises:
        ArchitectureError: configuration or model class unknown to the installed transformers.
    """
    configuration_class = _class(architecture.configuration, transformers.PreTrainedConfig)
    model_class = _class(architecture.model, transformers.PreTrainedModel)
    configuration = configuration_class(**architecture.values)
    if attention:
        configuration._attn_implementation = attention  # noqa: SLF001  # the documented keyword is lost by nested ones
    torch.manual_seed(SEED)
    with torch.device(device):
        model = model_class(configuration)
    return model.to(getattr(torch, dtype)).eval().requires_grad_(False)


def make_inputs(specs: Mapping[str, TensorSpec], *, device: str, dtype: str = "float32") -> dict[str, torch.Tensor]:
    """The input tensors of one inference, the same ones every time; floating ones take the model's `dtype`."""
    generator = torch.Generator().manual_seed(SEED)
    made = {name: _fill(spec, generator, device) for name, spec in specs.items()}
    return {
        name: value.to(getattr(torch, dtype)) if value.is_floating_point() else value for name, value in made.items()
    }


def inference(model: Any, entry: CatalogueModel, inputs: Mapping[str, torch.Tensor]) -> Any:
    """Run one inference as the catalogue defines it: one forward pass, or a greedy generation of a fixed length."""
    with torch.inference_mode():
        if entry.generation is None:
            return model(**inputs)
        tokens = entry.generation.new_tokens
        return model.generate(**inputs, min_new_tokens=tokens, max_new_tokens=tokens, do_sample=False, num_beams=1)


def _class(name: str, base: type) -> Any:
    found = getattr(transformers, name, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ArchitectureError(f"{name!r} is no {base.__name__} of transformers {transformers.__version__}")
    return found


def _fill(spec: TensorSpec, generator: torch.Generator, device: str) -> torch.Tensor:
    dtype = getattr(torch, spec.dtype)
    if device == "meta":
        return torch.empty(spec.shape, dtype=dtype, device=device)
    if spec.fill == "tokens":
        # Token 0 to 9 are padding, end of text and the like in most vocabularies; they change the work done.
        return torch.randint(10, spec.high, spec.shape, generator=generator, dtype=dtype)
    if spec.fill == "normal":
        return torch.randn(spec.shape, generator=generator)
    return torch.full(spec.shape, spec.fill == "ones", dtype=dtype)
