"""What a person writes of a service: handlers, links, networks and wishes; read from a dictionary, JSON or TOML."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Literal

import msgspec

from hedgerow_idl.plan import LinkMode, Restart, Strategy

MOST_INSTANCES = 256
"""Of one handler: more is a slip of the pen."""


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a blueprint: where, and what to do about it."""

    field: str
    message: str


class BlueprintError(Exception):
    """A blueprint that cannot be deployed; `problems` names every field that is wrong, at least one."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{each.field}: {each.message}" for each in problems))
        self.problems = problems


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A weighted objective; each weight is 0 or more, one at least above 0."""

    throughput: float = 0.0
    latency: float = 0.0
    energy: float = 0.0


class Wishes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the service is to be placed. `minimum_gain` is a part of 1, `minimum_dwell_s` seconds between two moves."""

    objective: Literal["throughput", "latency", "energy"] | Weights = "throughput"
    strategy: Strategy = "optimal"
    max_partitions: int | None = None
    max_cuts: int | None = None
    may_revisit: bool = False
    replace: Literal["auto", "never"] = "auto"
    minimum_gain: float = 0.1
    minimum_dwell_s: float = 30.0


class Requirements(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a worker must have to host a handler; all that is given must hold."""

    nodes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    run_time: str = ""
    memory_bytes: float = 0.0
    gpu: bool = False
    tee: Literal["", "required"] = ""
    tpm: Literal["", "required"] = ""
    pin: str = ""
    with_: str = msgspec.field(name="with", default="")
    apart_from: str = ""


NOTHING = Requirements()


class HandlerWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A handler, or a source or sink by its `type`, its `class` or its `provider`; `instances` are its replicas."""

    name: str
    type: str = ""
    class_: str = msgspec.field(name="class", default="")
    provider: str = ""
    parameters: dict[str, Any] = {}
    instances: int = 1
    max_instances: int | None = None
    restart: Restart = "on_failure"
    requires: Requirements = NOTHING


class LinkWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an output feeds; both ends are `handler.port`."""

    from_: str = msgspec.field(name="from")
    to: str
    mode: LinkMode = "lossless"
    weight: float = 1.0
    capacity: int = 8
    delay_s: float = 0.0


class NetworkWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ONNX network that is cut over workers.

    `partitions` are the layers at which a new part begins, how many parts there shall be, or `auto`; of each part
    `placement` is the worker.
    `placement` is the worker.
    """

    name: str
    model: str
    sha256: str = ""
    profile_iterations: int = 10
    partitions: Literal["auto"] | int | tuple[int, ...] = "auto"
    placement: tuple[str, ...] = ()
    requires: Requirements = NOTHING


class Blueprint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service as a person wants it."""

    name: str
    handlers: tuple[HandlerWish, ...] = ()
    links: tuple[LinkWish, ...] = ()
    networks: tuple[NetworkWish, ...] = ()
    placement: Wishes = Wishes()
    trace: bool = True
    description: str = ""

    def handler(self, name: str) -> HandlerWish | None:
        """The handler of this name."""
        return next((each for each in self.handlers if each.name == name), None)

    def network(self, name: str) -> NetworkWish | None:
        """The network of this name."""
        return next((each for each in self.networks if each.name == name), None)


def port_of(end: str) -> tuple[str, str]:
    """The handler and the port of one end of a link; the handler is empty where there is no dot."""
    handler, _, port = end.rpartition(".")
    return handler, port


def parse(given: Any) -> Blueprint:
    """Read a blueprint from a dictionary, or from the text of one as JSON or TOML.

    Raises:
        BlueprintError: a text that is neither, an unknown field, or a value of a wrong type, named.
    """
    given = as_object(given)
    if not isinstance(given, dict):
        raise BlueprintError([Problem("blueprint", f"{given!r} is no object; give name, handlers and links")])
    try:
        return msgspec.convert(given, Blueprint)
    except msgspec.ValidationError as error:
        raise BlueprintError([_problem_of(str(error))]) from error


def as_object(given: Any) -> Any:
    """What a text of JSON or TOML holds; anything else as it is.

    Raises:
        BlueprintError: a text that is neither.
    """
    if not isinstance(given, str | bytes):
        return given
    text = given.decode() if isinstance(given, bytes) else given
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as no_json:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as no_toml:
            message = f"neither JSON ({no_json}) nor TOML ({no_toml})"
            raise BlueprintError([Problem("blueprint", message)]) from no_toml


def _problem_of(text: str) -> Problem:
    """The field and the message of a validation error: `Expected … - at `$.handlers[0].name``."""
    message, _, path = text.partition(" - at `$")
    place = path.rstrip("`").lstrip(".")
    named = re.search(r"(?:unknown|required) field `([^`]+)`", message)
    if named:
        place = f"{place}.{named[1]}".lstrip(".")
    return Problem(place or "blueprint", message)
