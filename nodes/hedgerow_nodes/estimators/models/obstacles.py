"""Why a model that is at hand is not run here all the same: its size, or the memory that is free."""

from __future__ import annotations

import math
from pathlib import Path

import psutil

from hedgerow_nodes.estimators.models.choice import Choice
from hedgerow_nodes.estimators.models.sources import Located
from hedgerow_nodes.estimators.quantity_text import quantity

# Loading takes about as much again as the model itself, besides the run time.
MEMORY_HEADROOM = 2.0


def obstacle(choice: Choice, located: Located, max_executed_bytes: int) -> str:
    """Why the model is not to be executed; empty if it is."""
    if choice.chosen is not None:
        weights, needed = choice.chosen.model.weights_bytes, choice.chosen.model.memory_bytes
    else:
        weights = needed = _size_bytes(Path(located.path))
    if weights > max_executed_bytes:
        allowed = quantity(max_executed_bytes, "B")
        return f"its weights take {quantity(weights, 'B')}, up to {allowed} are executed (max_executed_bytes)"
    free = psutil.virtual_memory().available
    if MEMORY_HEADROOM * needed > free:
        loading = quantity(MEMORY_HEADROOM * needed, "B")
        return f"it needs up to {loading} while it loads, {quantity(free, 'B')} are free"
    return ""


def size_of_unknown(choice: Choice, located: Located) -> float:
    """How large the files of a model are that no catalogue knows; NaN of one that it knows."""
    return math.nan if choice.chosen is not None else float(_size_bytes(Path(located.path)))


def _size_bytes(path: Path) -> int:
    files = path.glob("*.safetensors") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files)
