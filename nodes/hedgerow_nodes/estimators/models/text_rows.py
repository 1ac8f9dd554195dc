"""Text models as rows of a pool: one generation of a usual length, by the formulas of text_costs."""

from __future__ import annotations

from collections.abc import Mapping

from hedgerow_nodes.estimators.models.catalogue import RUNTIME_BYTES
from hedgerow_nodes.estimators.models.text_costs import TextModel, TextModels, generation_work, memory_bytes

# Tokens of the prompt and tokens written in one inference, by task: those of data/models.json for the same tasks.
LENGTHS: Mapping[str, tuple[int, int]] = {
    "text-generation": (128, 64),
    "summarization": (512, 64),
    "translation": (64, 64),
}

# Against what torch counted over whole generations of 14 models, activations included: bytes moved were 1.01 to 1.17
# times the formula, memory 1.00 to 1.07 times.
_MOVED_HIGH = 1.2
_MEMORY_HIGH = 1.1

# The precision in which such models are published, and its bytes; columns are at four bytes a number.
_OWN_BYTES = 2.0


def text_models_for(task: str, texts: TextModels, known: frozenset[str]) -> list[TextModel]:
    """The text models that do a task of known lengths and are not listed elsewhere."""
    if task not in LENGTHS:
        return []
    return [model for model in texts.models if task in model.tasks and model.id not in known]


def text_columns(model: TextModel, task: str) -> list[float]:
    """FLOPs, parameters, passes, own bytes a number, weights read, then moved and memory with low and high."""
    prompt, new = LENGTHS[task]
    work = generation_work(model, prompt, new, "float32")
    moved, memory = work.bytes_moved, memory_bytes(model, prompt, new, "float32")
    # As in candidate_costs: the run time's own buffers were seen to be up to as much again and that.
    sizes = [memory, memory, 2 * _MEMORY_HIGH * memory + RUNTIME_BYTES]
    intervals = [moved, moved, _MOVED_HIGH * moved, *sizes]
    return [work.flops, model.parameters, new, _OWN_BYTES, work.weights_bytes, *intervals]
