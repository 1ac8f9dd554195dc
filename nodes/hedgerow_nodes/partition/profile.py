"""What each layer of a model costs on this machine, what crosses each cut, and what it takes in memory; as JSON too."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from hedgerow_nodes.partition.extract import extract
from hedgerow_nodes.partition.graph import Model
from hedgerow_nodes.partition.knots import chosen_cuts, crossing_per_byte, run_knots, scaled
from hedgerow_nodes.partition.layers import Layer
from hedgerow_nodes.partition.problems import ModelError
from hedgerow_nodes.partition.runtime import CPU, checked_providers
from hedgerow_nodes.partition.shapes import measured
from hedgerow_nodes.partition.timing import WAIT_S, clock, steady, time_layers


class LayerTime(msgspec.Struct, frozen=True, kw_only=True):
    """What one layer, or a super-layer, costs an item: mean and standard deviation over the iterations.

    Means are of the middle half of the runs: on a shared machine something or other interrupts a run now and then.
    """

    name: str
    op: str
    seconds_mean: float
    seconds_std: float


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A model's costs; the answer to PROFILE.

    Attributes:
        digest: of the model.
        layers: in order. Their means sum to `whole_seconds_mean`. Of a group of layers that run as one, each has the
            share that it would have by itself.
        input_bytes: what the first layer takes.
        cut_bytes: what crosses the cut behind each layer; the last are the outputs.
        memory_bytes: of each layer its weights and what it gives; a part takes at most the sum.
        ends: behind which layer of the model each layer here ends: 1, 2, 3, … unless they were made super-layers.
        clean: of the cut behind each layer, whether it goes through nothing that runs as one; elsewhere both sides take
            longer than is predicted.
        iterations: runs behind each mean.
        provider: the first execution provider.
        crossing_seconds_per_byte: what a byte that crosses a cut costs the parts before and behind it together.
        waking_seconds: how much longer a run takes after a wait of `wait_seconds`; all others here are of runs right
            after another. Processors that have waited begin slower, whatever it is that they run.
        time_kind: `thread CPU`, `process CPU` with more threads, or `wall` on a device.
    """

    digest: str
    layers: tuple[LayerTime, ...]
    input_bytes: int
    cut_bytes: tuple[int, ...]
    memory_bytes: tuple[int, ...]
    ends: tuple[int, ...]
    clean: tuple[bool, ...]
    iterations: int
    provider: str
    threads: int
    time_kind: str
    whole_seconds_mean: float
    whole_seconds_std: float
    crossing_seconds_per_byte: float
    waking_seconds: float = 0.0
    wait_seconds: float = WAIT_S

    def seconds(self, first: int, last: int) -> float:
        """The predicted time of a part, layers [first, last) of the model: its layers, and half of each of its cuts.

        It is that of a part which need not wait for its items; one that does takes up to `waking_seconds` longer.

        Raises:
            ValueError: it does not begin and end where layers here do.
        """
        edges = (0, *self.ends)
        if first not in edges or last not in edges or first >= last:
            raise ValueError(f"[{first}, {last}) does not begin and end between layers of the profile: {list(edges)}")
        begin, end = edges.index(first), edges.index(last)
        crossing = self.cut_bytes[begin - 1] if begin else 0
        crossing += self.cut_bytes[end - 1] if end < len(self.ends) else 0
        layers = math.fsum(one.seconds_mean for one in self.layers[begin:end])
        return layers + crossing * self.crossing_seconds_per_byte / 2

    def to_json(self) -> bytes:
        """As JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, text: bytes | str) -> Profile:
        """Read what `to_json` wrote.

        Raises:
            ModelError: it is something else.
        """
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise ModelError(f"no profile of a model: {error}") from error


def profile(
    model: Model,
    iterations: int = 10,
    providers: Sequence[str] = (CPU,),
    threads: int = 1,
    folder: Path | str | None = None,
) -> Profile:
    """Time a model layer by layer as it is served, with all optimisations.

    Args:
        folder: where parts are cached, so that the whole model is written once; None writes it to a passing folder.

    Raises:
        ModelError: it cannot be run, a provider is not there, or its shapes are other than it states.
    """
    if iterations < 1:
        raise ModelError(f"{iterations} iterations measure nothing; 10 are usual")
    providers = checked_providers(providers)
    _check_shapes(model)
    with tempfile.TemporaryDirectory() as passing:
        parts = Path(folder or passing)
        path = extract(model, 0, -1, parts)
        timed = time_layers(model, path, Path(passing), iterations, providers, threads)
        recorded = timed.layers.mean(axis=0)
        cuts = chosen_cuts(recorded, timed.clean)
        knots = run_knots(model, cuts, Path(passing), iterations, providers, threads, clock(providers, threads))
    whole = np.concatenate([timed.whole, knots.whole])
    factors = scaled(recorded, knots.cuts) * (steady(whole) / recorded.sum())
    means, deviations = recorded * factors, timed.layers.std(axis=0) * factors
    kind = "wall" if providers[0] != CPU else "thread CPU" if threads == 1 else "process CPU"
    return Profile(
        digest=model.digest,
        layers=tuple(
            LayerTime(name=layer.name, op=layer.op, seconds_mean=float(mean), seconds_std=float(deviation))
            for layer, mean, deviation in zip(model.layers, means, deviations, strict=True)
        ),
        input_bytes=model.input_bytes,
        cut_bytes=model.cut_bytes,
        memory_bytes=tuple(_memory(model, layer) for layer in model.layers),
        ends=tuple(range(1, len(model.layers) + 1)),
        clean=timed.clean,
        iterations=iterations,
        provider=providers[0],
        threads=threads,
        time_kind=kind,
        whole_seconds_mean=steady(whole),
        whole_seconds_std=float(np.std(whole)),
        crossing_seconds_per_byte=crossing_per_byte(knots.cuts),
        waking_seconds=max(0.0, steady(np.concatenate([timed.waking, knots.waking]))),
    )


def _check_shapes(model: Model) -> None:
    """Bytes on links are planned from stated shapes, so they have to be true."""
    names = sorted({name for names in model.live for name in names} - {one.name for one in model.inputs})
    for name, found in measured(model.proto, model.inputs, names).items():
        if found != model.tensors[name]:
            stated = model.tensors[name]
            raise ModelError(
                f"tensor {name!r} is stated as {stated.dtype} {list(stated.shape)}, but ONNX Runtime makes "
                f"{found.dtype} {list(found.shape)}; the model's shapes have to be repaired"
            )


def _memory(model: Model, layer: Layer) -> int:
    """Weights as they are stored, and all that the layer gives to others."""
    weights: dict[str, int] = {}
    waiting = list(layer.constants)
    while waiting:
        name = waiting.pop()
        if name in model.constants:
            waiting += [one for one in model.constants[name].inputs if one not in weights]
        else:
            weights[name] = model.stored_bytes.get(name, 0)
    given = sum(model.tensors[name].size_bytes for name in layer.outputs if name in model.tensors)
    return sum(weights.values()) + given
