"""A model in ONNX Runtime, ready to be timed; lives in the child process of an execution."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow_nodes.estimators.models.bundled_runs import BundledRun, bundled_run, model_path
from hedgerow_nodes.estimators.models.bundled_weights import entry, variant_for
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, VariantReport
from hedgerow_nodes.estimators.models.measured_facts import MeasuredFacts, UnusableModel
from hedgerow_nodes.estimators.models.sample_results import in_words
from hedgerow_nodes.estimators.models.variant_runs import compared
from hedgerow_nodes.estimators.onnx_runtime import runtime, session

_TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(uint8)": np.uint8}
_FREE_TOKENS, _FREE_PIXELS = 128, 224


class OnnxRuns:
    """One session on the CPU with the given number of threads, fed its sample, or noise of the shapes it states."""

    def __init__(self, order: ExecutionOrder) -> None:
        self.runtime = f"onnxruntime {runtime().__version__}"
        self._threads = order.threads
        self._bundled: BundledRun | None = None
        if order.bundled:
            item = entry(order.bundled)
            self._variant = variant_for(item, order.precision)
            self._bundled = bundled_run(item, self._variant, order.threads)
            self._path = model_path(item, self._variant)
            return
        self._path = Path(order.path)
        self._session = session(self._path, order.threads)
        self._feed = {value.name: _noise(value) for value in self._session.get_inputs()}

    def run(self) -> list[Any]:
        """One inference, from the prepared arrays to the raw outputs."""
        return self._bundled.run() if self._bundled else list(self._session.run(None, self._feed))

    def facts(self) -> MeasuredFacts:
        """The file's size; ONNX Runtime tells neither parameters nor FLOPs."""
        return MeasuredFacts(weights_bytes=float(self._path.stat().st_size))

    def sample_result(self) -> tuple[str, str]:
        """What the model found in its sample, as JSON and in words; both empty without a sample."""
        if self._bundled is None:
            return "", ""
        found = self._bundled.found(self.run())
        return json.dumps(found), in_words(found)

    def variants(self) -> tuple[VariantReport, ...]:
        """The model at each of its precisions, against it as it ships; none for a model that does not ship."""
        return compared(self._bundled, self._variant, self._threads) if self._bundled else ()


def _noise(value: Any) -> Any:
    """Noise of an input's shape; a batch that is left open is 1, lengths are 128 tokens or 224 pixels.

    Raises:
        UnusableModel: of a type or shape that cannot be made up.
    """
    if value.type not in _TYPES:
        raise UnusableModel(f"input {value.name!r} is {value.type}; known: {', '.join(_TYPES)}")
    dtype = _TYPES[value.type]
    free = _FREE_PIXELS if len(value.shape) == 4 else _FREE_TOKENS
    fixed = [size if isinstance(size, int) and size > 0 else 0 for size in value.shape]
    if len(fixed) == 4 and not fixed[1] and not fixed[3]:
        raise UnusableModel(f"input {value.name!r} has shape {value.shape}; export it with its number of channels")
    shape = [size or (1 if axis == 0 else free) for axis, size in enumerate(fixed)]
    if math.prod(shape) > 2**28:
        raise UnusableModel(f"input {value.name!r} of shape {shape} is too large")
    generator = np.random.default_rng(0)
    if dtype is np.float32:
        return generator.standard_normal(shape, dtype=np.float32)
    return np.ones(shape, dtype=dtype)
