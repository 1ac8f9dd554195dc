"""What a request may carry: the body, path, query and header models of the REST interface."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, RootModel, StringConstraints
from pydantic_core import PydanticCustomError

from hedgerow_orchestrator.states import TaskState

UINT32_MAX = 2**32 - 1
EVENT_ID_MAX = 2**53 - 1  # the largest that every JSON reader keeps exact
NEW_LINES = frozenset("\n\r\t")


def _printable(allowed: frozenset[str] = frozenset()) -> AfterValidator:
    def check(text: str) -> str:
        for position, character in enumerate(text):
            if unicodedata.category(character) in ("Cc", "Cs") and character not in allowed:
                raise PydanticCustomError(
                    "control_character",
                    "character {code} at position {position} is not allowed; leave control characters out",
                    {"code": f"U+{ord(character):04X}", "position": position},
                )
        return text

    return AfterValidator(check)


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "is blank; describe the problem in a sentence")
    return text


Text = Annotated[
    str, StringConstraints(min_length=1, max_length=20_000), AfterValidator(_not_blank), _printable(NEW_LINES)
]
Word = Annotated[str, StringConstraints(max_length=200), _printable()]
Entry = Annotated[str, StringConstraints(min_length=1, max_length=200), _printable()]
Entries = Annotated[list[Entry], Field(max_length=64)]
Place = Annotated[str, StringConstraints(max_length=100, pattern=r"^([^\W\d_][^_<>\"]*)?$"), _printable()]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Amount = Annotated[float, Field(gt=0, le=1e18)]
Objective = Literal["", "carbon", "cost", "energy", "latency"]
FunctionalUnit = Literal["", "inference", "request", "image", "token", "thousand_inferences"]
LoopMode = Literal["", "auto", "manual", "candidates"]
LoopTarget = Literal["", "gco2e", "latency_ms", "energy_j", "memory_mb"]
Precision = Literal["", "fp32", "fp16", "int8"]
Identifier = Annotated[int, Field(ge=1, le=UINT32_MAX)]


class Body(BaseModel):
    """A JSON body: fields that nobody knows are refused, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LoopFields(Body):
    """How a problem is answered again and again by itself; whatever is left out or null is left open."""

    mode: LoopMode | None = Field(
        None,
        description="auto goes on by itself, manual waits for consent each time, candidates gives different models.",
    )
    target: LoopTarget | None = Field(None, description="What to make small; what the objective says when null.")
    target_value: Positive | None = Field(None, description="How small, in the target's unit; null is: as can be.")
    max_iterations: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="Most iterations, or how many candidates; 8 when null."
    )
    allow_regions: Entries | None = Field(
        None, description="Countries that the work may move to, or any; to none when null."
    )


class ProblemFields(Body):
    """What a user may say about a problem beside its text; whatever is left out or null is left open."""

    goal: Word | None = Field(None, description="Task id of the Hugging Face taxonomy, such as object-detection.")
    modality: Word | None = Field(None, description="Kind of the data, such as image, text, audio, tabular.")
    inputs: Entries | None = Field(None, description="What goes in.")
    outputs: Entries | None = Field(None, description="What shall come out.")
    max_latency_s: Positive | None = Field(None, description="Longest time for one inference, in seconds.")
    max_memory_bytes: Positive | None = Field(None, description="Most memory, in bytes.")
    max_carbon_gco2e: Positive | None = Field(None, description="Most greenhouse gas for one inference, in g CO2e.")
    location: Place | None = Field(None, description="Country or region, by ISO 3166 code or English name.")
    objective: Objective | None = Field(None, description="What to keep small; carbon where nothing is said.")
    required_model: Word | None = Field(
        None,
        description="The model that has to be used: an id of the catalogue, or `hf:OWNER/NAME[@REVISION]` of the hub.",
    )
    required_device: Word | None = Field(None, description="The device that has to be used.")
    excluded_models: Entries | None = Field(
        None, description="Models that must not be used, by id or family; or a kind, cnn or transformer."
    )
    functional_unit: FunctionalUnit | None = Field(None, description="What the carbon intensity is counted for.")
    inferences_per_year: Amount | None = Field(None, description="How often the model will be asked, in a year.")
    intensity_g_per_kwh: Positive | None = Field(None, description="Of the user's electricity, in g CO2e/kWh.")
    training_samples: Amount | None = Field(None, description="Samples to train with, for the cost of a training.")
    epochs: Amount | None = Field(None, description="How often the training goes through the samples.")
    optimization: LoopFields | None = Field(None, description="The loop; answered once when null.")
    precision: Precision | None = Field(None, description="How exactly the model shall reckon; as it comes if open.")

    def said(self) -> dict[str, Any]:
        """The fields that say something, as plain JSON."""
        return self.model_dump(exclude_none=True)


class ProblemRequest(ProblemFields):
    """A problem to be answered."""

    text: Text = Field(description="The problem in the user's own words.")


class IterationRequest(ProblemFields):
    """What the next iteration shall do differently; what is left out stays, null takes back what was said."""

    from_iteration: Identifier | None = Field(None, description="Iteration to begin from; the newest one when null.")
    accept: bool = Field(False, description="Take what the loop of that iteration proposes, and change nothing else.")
    text: Text | None = Field(None, description="The problem in other words.")

    def changes(self) -> dict[str, Any]:
        """The fields to change, as plain JSON of a user input."""
        changes = self.model_dump(exclude_unset=True, exclude={"from_iteration", "accept"})
        if changes.get("text", "") is None:
            del changes["text"]
        changes = {name: _empty(name) if value is None else value for name, value in changes.items()}
        if loop := changes.get("optimization"):
            changes["optimization"] = {name: _empty(name) if value is None else value for name, value in loop.items()}
        return changes


_NULL_WHEN_EMPTY = frozenset(
    {"inferences_per_year", "intensity_g_per_kwh", "training_samples", "epochs", "target_value", "optimization"}
)


def _empty(name: str) -> object:
    if name == "max_iterations":
        return 0
    if name.startswith("max_") or name in _NULL_WHEN_EMPTY:
        return None
    return [] if name in ("inputs", "outputs", "excluded_models", "allow_regions") else ""


class CommandRequest(Body):
    """An order to one node."""

    command: Literal["START", "STOP", "RESET", "TERMINATE"]


class ConfigurationRequest(RootModel[dict[str, JsonValue]]):
    """The configuration fields to change; the rest stays."""


class ProblemPath(BaseModel):
    """A problem."""

    problem_id: int


class IterationPath(ProblemPath):
    """One iteration of a problem."""

    iteration_id: int


class NodePath(BaseModel):
    """A node, by its name or its id."""

    node: str


class GoalPath(BaseModel):
    """A task of machine learning, by its id or its name."""

    goal: str


class PageQuery(BaseModel):
    """A page of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=500, description="The `next` of the page before.")


class TaskQuery(PageQuery):
    """A page of the tasks in one state, or in any."""

    state: TaskState | None = None


class EventQuery(BaseModel):
    """Which events."""

    model_config = ConfigDict(extra="forbid")

    after: int | None = Field(None, ge=0, le=EVENT_ID_MAX, description="Only events with a greater id.")
    limit: int = Field(200, ge=1, le=200, description="Most events of a JSON page.")
    problem_id: Identifier | None = None
    iteration_id: Identifier | None = Field(None, description="Needs `problem_id`.")


class WishHeader(BaseModel):
    """Headers of a submission."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="The same key with the same body gets the first answer again, and starts nothing.",
    )


class StreamHeader(BaseModel):
    """Headers of an event stream."""

    last_event_id: str | None = Field(None, alias="Last-Event-ID", pattern=r"^[0-9]{0,15}$")
