"""A part of a model, ready to run: one ONNX Runtime session, and what only passes through is passed on untouched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow_nodes.partition.extract import NOTE
from hedgerow_nodes.partition.problems import ModelError
from hedgerow_nodes.partition.runtime import CPU, Optimisation, open_session, run_session
from hedgerow_nodes.partition.tensors import Tensor, made_up

_ORT_TYPES = {"float": "float32", "double": "float64"}


class Part:
    """Layers [first, last) of a model in one session.

    Attributes:
        digest, first, last: of which model which layers.
        inputs, outputs: all tensors that cross its two boundaries.
        fed: what its session takes.
    """

    def __init__(
        self,
        path: Path | str,
        providers: Sequence[str] = (CPU,),
        threads: int = 1,
        optimisation: Optimisation = "full",
    ) -> None:
        """Open the file that `extract` wrote.

        Raises:
            ModelError: no such file, no part, a provider or an operator that is not there.
        """
        path = Path(path)
        if not path.is_file():
            raise ModelError(f"there is no part {str(path)!r}; extract it first")
        self._name = path.name
        self._session = open_session(path, path.name, providers, threads, optimisation)
        note = self._session.get_modelmeta().custom_metadata_map.get(NOTE)
        if note is None:
            raise ModelError(
                f"{path.name} is no part of a model; extract(model, 0, -1, folder) makes one of all layers"
            )
        stated: dict[str, Any] = json.loads(note)
        self.digest: str = stated["digest"]
        self.first: int = stated["first"]
        self.last: int = stated["last"]
        self.inputs: tuple[str, ...] = tuple(stated["inputs"])
        self.outputs: tuple[str, ...] = tuple(stated["outputs"])
        self.providers: tuple[str, ...] = tuple(self._session.get_providers())
        self.fed: tuple[Tensor, ...] = tuple(_tensor(one) for one in self._session.get_inputs())
        self._made = tuple(name for name in self.outputs if name not in self.inputs)

    def warm(self, runs: int = 2) -> None:
        """Run on made-up tensors, so that memory is taken and kernels are ready before the first item.

        Raises:
            ModelError: it cannot be run.
        """
        feed = made_up(self.fed)
        for _ in range(runs):
            run_session(self._session, self._made, feed, self._name)

    def run(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """All outputs by name; tensors beyond the inputs are left out.

        Raises:
            ModelError: a tensor is missing, of another type or of another shape, or an operator failed.
        """
        missing = [name for name in self.inputs if name not in tensors]
        if missing:
            raise ModelError(
                f"layers [{self.first}, {self.last}) lack {', '.join(missing)}; given: {', '.join(tensors)}"
            )
        feed = {one.name: self._fitting(one, tensors[one.name]) for one in self.fed}
        made = dict(zip(self._made, run_session(self._session, self._made, feed, self._name), strict=True))
        return {name: made[name] if name in made else tensors[name] for name in self.outputs}

    def _fitting(self, wanted: Tensor, value: Any) -> Any:
        array = np.asarray(value)
        if array.dtype.name != wanted.dtype or array.shape != wanted.shape:
            raise ModelError(
                f"tensor {wanted.name!r} is {array.dtype.name} {list(array.shape)}; "
                f"layers [{self.first}, {self.last}) take {wanted.dtype} {list(wanted.shape)}"
            )
        return array


def _tensor(stated: Any) -> Tensor:
    inner = stated.type.removeprefix("tensor(").removesuffix(")")
    return Tensor(stated.name, _ORT_TYPES.get(inner, inner), tuple(stated.shape))
