"""The options with which a problem is described: one table, for `problem submit` and `problem iterate` alike."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from hedgerow_launch.failures import USAGE, CommandFailure
from hedgerow_launch.loop_options import folded

BYTES_PER_MB = 1_000_000
S_PER_MS = 1e-3


@dataclass(frozen=True)
class ProblemOption:
    """An option, the REST field it fills, and what one of the option's unit is in the field's."""

    option: str
    field: str
    help: str
    type: type = str
    factor: float = 1.0
    repeatable: bool = False

    @property
    def parameter(self) -> str:
        """The name of the Python parameter."""
        return self.option.removeprefix("--").replace("-", "_")

    def annotation(self) -> Any:
        """What Typer reads."""
        kind = list[self.type] if self.repeatable else self.type  # type: ignore[name-defined]
        return Annotated[kind | None, typer.Option(self.option, help=self.help, show_default=False)]


OPTIONS = (
    ProblemOption("--goal", "goal", "Hugging Face task id, such as object-detection."),
    ProblemOption("--modality", "modality", "Kind of the data: image, text, audio, tabular, …"),
    ProblemOption("--input", "inputs", "What goes in; may be repeated.", repeatable=True),
    ProblemOption("--output", "outputs", "What shall come out; may be repeated.", repeatable=True),
    ProblemOption("--max-latency-ms", "max_latency_s", "Longest time of one inference, in ms.", float, S_PER_MS),
    ProblemOption("--max-memory-mb", "max_memory_bytes", "Most memory, in MB (10^6 bytes).", float, BYTES_PER_MB),
    ProblemOption("--max-gco2e", "max_carbon_gco2e", "Most greenhouse gas of one inference, in g CO2e.", float),
    ProblemOption("--location", "location", "Country or region: ISO 3166 code or English name."),
    ProblemOption("--objective", "objective", "What to keep small: carbon (the default), energy, latency or cost."),
    ProblemOption("--model", "required_model", "The model that has to be used, as hf:OWNER/NAME one of the hub."),
    ProblemOption("--device", "required_device", "The device that has to be used."),
    ProblemOption(
        "--exclude-model",
        "excluded_models",
        "A model, family or kind (cnn, transformer) not to be used; may be repeated.",
        repeatable=True,
    ),
    ProblemOption(
        "--functional-unit",
        "functional_unit",
        "What carbon is counted per: inference (the default), request, image, token, thousand_inferences.",
    ),
    ProblemOption("--inferences-per-year", "inferences_per_year", "How often the model is asked in a year.", float),
    ProblemOption("--intensity", "intensity_g_per_kwh", "Carbon intensity of your electricity, g CO2e/kWh.", float),
    ProblemOption("--training-samples", "training_samples", "Samples of a training, for its cost.", float),
    ProblemOption("--epochs", "epochs", "How often that training goes through the samples.", float),
    ProblemOption("--optimize", "optimize", "Iterate towards the target: auto by itself, manual with your consent."),
    ProblemOption("--target", "target", "What to reach: gco2e, latency_ms, energy_j or memory_mb, as in gco2e=0.002."),
    ProblemOption("--max-iterations", "max_iterations", "Most iterations of the loop; 8 if left out.", int),
    ProblemOption("--candidates", "candidates", "So many different models, one an iteration.", int),
    ProblemOption(
        "--allow-region",
        "allow_regions",
        "A country that the work may move to, or any; may be repeated.",
        repeatable=True,
    ),
    ProblemOption("--precision", "precision", "How exactly the model reckons: fp32, fp16 or int8."),
)


def rest_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The REST body's fields of the options given, in the body's units; options left out stay out.

    Raises:
        CommandFailure: a limit that is no finite number above 0, or a loop that cannot be.
    """
    fields: dict[str, Any] = {}
    for option in OPTIONS:
        value = given.get(option.parameter)
        if value is None or value == []:
            continue
        if option.type is float:
            if not (math.isfinite(value) and value > 0):
                raise CommandFailure(f"{option.option} {value:g}: give a number above 0", USAGE)
            value = value * option.factor
        fields[option.field] = value
    return folded(fields)


def takes_problem_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every problem option; it gets what was said as its keyword `fields`."""

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        chosen = {option.parameter: given.pop(option.parameter) for option in OPTIONS}
        command(fields=rest_fields(chosen), **given)

    own = inspect.signature(command, eval_str=True).parameters.values()
    annotations = {option.parameter: option.annotation() for option in OPTIONS}
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in annotations.items()
    ]
    kept = [parameter for parameter in own if parameter.name != "fields"]
    signature = inspect.Signature([*kept, *added])
    with_options.__signature__ = signature  # type: ignore[attr-defined]
    with_options.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    # `functools.wraps` left a way back to the undecorated function, by which Typer would find its annotations.
    del with_options.__wrapped__
    return with_options
