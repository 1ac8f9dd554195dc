"""Count what a configuration of a hub would cost: built without weights in a child process; caller and child in one."""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Any

import msgspec

from hedgerow_nodes.estimators.models.catalogue import Architecture, Generation, TensorSpec
from hedgerow_nodes.estimators.models.child_process import child_ends, run_child
from hedgerow_nodes.estimators.models.text_rows import LENGTHS

COUNT_TIMEOUT_S = 60.0
# A configuration may ask for any number of layers; the child that builds them must not take the host along.
_MOST_MEMORY_BYTES = 6_000_000_000
_NOT_VALUES = frozenset({"architectures", "model_type", "transformers_version", "dtype", "torch_dtype"})


class CountOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be counted: a checked configuration, the hub's task, the precision of the weights."""

    configuration: dict[str, Any]
    task: str
    precision: str


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What was built and what one inference of it costs; `problem` says why there is nothing, if so."""

    problem: str = ""
    architecture: Architecture | None = None
    inputs: dict[str, TensorSpec] = {}
    generation: Generation | None = None
    inference: str = ""
    efficiency: str = ""
    parameters: int = 0
    flops: int = 0
    activation_bytes: int = 0
    moved_bytes: int = 0
    counted_by: str = ""


def count(order: CountOrder, cancelled: Callable[[], bool], timeout_s: float = COUNT_TIMEOUT_S) -> Counted:
    """Count in a child process.

    Raises:
        ChildFailed, ChildTimedOut, ChildCancelled: there is no count.
    """
    return run_child(__name__, order, Counted, threads=1, timeout_s=timeout_s, cancelled=cancelled)


def perform(order: CountOrder) -> Counted:
    """Build on the meta device and count, in this process."""
    try:
        import torch
        import transformers
    except ImportError as error:
        return Counted(problem=f"{error.name} is not installed, so no architecture can be built; install .[advice]")

    from hedgerow_nodes.estimators.models.architectures import ArchitectureError, build, make_inputs
    from hedgerow_nodes.estimators.models.flops import count_model, counted_by
    from hedgerow_nodes.estimators.models.measured_facts import UnusableModel

    try:
        architecture = architecture_of(order.configuration, transformers)
        with torch.inference_mode():
            model = build(architecture, device="meta", dtype=order.precision, attention="eager")
            specs, generation = inputs_of(model, order.task)
            inputs = make_inputs(specs, device="meta", dtype=order.precision)
            found = count_model(model, inputs, generation)
    except (ArchitectureError, UnusableModel) as error:
        return Counted(problem=str(error))
    except MemoryError:
        return Counted(problem=f"building it takes more than {_MOST_MEMORY_BYTES} bytes")
    except Exception as error:  # noqa: BLE001  (any configuration may come, and transformers raises anything)
        said = " ".join(str(error).split())[:300]
        return Counted(problem=f"it could not be built and counted without its data ({type(error).__name__}: {said})")
    return Counted(
        architecture=architecture,
        inputs=specs,
        generation=generation,
        inference=_in_words(specs, generation),
        efficiency=f"{kind_of(model, specs, generation)}, torch",
        parameters=found.parameters,
        flops=found.flops,
        activation_bytes=found.activation_bytes,
        moved_bytes=found.moved_bytes,
        counted_by=counted_by("meta"),
    )


def architecture_of(configuration: dict[str, Any], transformers: Any) -> Architecture:
    """The classes of transformers that a configuration names; none of its own code is looked at.

    Raises:
        UnusableModel: it names none, or transformers has no such.
    """
    from hedgerow_nodes.estimators.models.measured_facts import UnusableModel

    release = f"transformers {transformers.__version__}"
    model_type, named = configuration.get("model_type"), configuration.get("architectures")
    name = named[0] if isinstance(named, list) and named else ""
    if not isinstance(model_type, str) or model_type not in transformers.CONFIG_MAPPING:
        raise UnusableModel(f"its config.json has the model_type {model_type!r}, unknown to {release}")
    found = getattr(transformers, name, None) if isinstance(name, str) and name.isidentifier() else None
    if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
        raise UnusableModel(f"its config.json names the architecture {name!r}, unknown to {release}")
    if configuration.get("quantization_config"):
        raise UnusableModel("its weights are quantised by a library of their own, which is not used here")
    values = {key: value for key, value in configuration.items() if key not in _NOT_VALUES and key[:1] != "_"}
    return Architecture(
        configuration=transformers.CONFIG_MAPPING[model_type].__name__, model=found.__name__, values=values
    )


def inputs_of(model: Any, task: str) -> tuple[dict[str, TensorSpec], Generation | None]:
    """One inference of an ordinary shape; of a model that writes text a generation of the usual lengths.

    Raises:
        UnusableModel: its main input is of no known kind.
    """
    from hedgerow_nodes.estimators.models.torch_runs import plain_inputs

    specs = plain_inputs(model)
    tokens = specs.get("input_ids")
    if tokens is None:
        return specs, None
    length, new = LENGTHS.get(task, (tokens.shape[1], 64))
    writes = bool(model.can_generate()) and task not in ("feature-extraction", "sentence-similarity", "fill-mask")
    # Some count positions from two on, for padding.
    longest = getattr(model.config, "max_position_embeddings", None)
    room = longest - 2 if isinstance(longest, int) and longest > 8 else length + new
    if writes:
        new = min(new, room // 2)
        length = min(length, room if model.config.is_encoder_decoder else room - new)
    else:
        length = min(tokens.shape[1], room)
    specs["input_ids"] = msgspec.structs.replace(tokens, shape=(1, length), high=min(1000, model.config.vocab_size))
    return specs, Generation(prompt_tokens=length, new_tokens=new) if writes else None


def kind_of(model: Any, specs: dict[str, TensorSpec], generation: Generation | None) -> str:
    """The kind of network whose efficiency was measured: by its input, and by where most of its numbers are."""
    if generation is not None:
        return "generation"
    if "input_ids" in specs:
        return "text encoder"
    if "pixel_values" not in specs:
        return "audio encoder"
    import torch

    convolutions = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    inside = sum(module.weight.numel() for module in convolutions)
    if 2 * inside < sum(parameter.numel() for parameter in model.parameters()):
        return "vision transformer"
    return "depthwise cnn" if any(1 < module.groups == module.in_channels for module in convolutions) else "dense cnn"


def _in_words(specs: dict[str, TensorSpec], generation: Generation | None) -> str:
    shapes = ", ".join(f"{name} {'x'.join(map(str, spec.shape))}" for name, spec in specs.items())
    if generation is None:
        return f"one forward pass of {shapes}"
    return f"{shapes}, then {generation.new_tokens} tokens generated greedily with KV cache"


def main() -> None:
    """Be the child: an order on standard input, a count on standard output."""
    resource.setrlimit(resource.RLIMIT_DATA, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
    with child_ends() as (given, result):
        order = msgspec.json.decode(given.read(), type=CountOrder)
        result.write(msgspec.json.encode(perform(order)))


if __name__ == "__main__":
    main()
