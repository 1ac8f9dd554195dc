"""How an author writes a handler: a decorated class or function with typed ports and typed, ranged parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, dataclass_transform, get_type_hints

import msgspec

from hedgerow_idl.plan import HandlerDescription, PortDescription
from hedgerow_nodes.serve.context import CallFailed, Context
from hedgerow_nodes.serve.values import Value

__all__ = [
    "BadHandler",
    "CallFailed",
    "Context",
    "HandlerType",
    "declared",
    "handler",
    "parameters",
    "schema",
    "sink",
    "source",
]

Role = Literal["source", "handler", "sink"]
Ports = Mapping[str, type[Value]]
Made = TypeVar("Made", bound=Callable[..., Any])
Kind = TypeVar("Kind", bound=type)

MARK = "__hedgerow_handler__"
"""The attribute under which a decorated class or function keeps its `HandlerType`."""


class BadHandler(Exception):
    """A handler that is declared wrongly, is not known, or got parameters that it does not take."""


@dataclass(frozen=True, slots=True)
class HandlerType:
    """A handler as it was declared.

    `make(parameters, context)` gives what runs: an object with `process`, or `items` of a source.
    """

    name: str
    role: Role
    made: Any
    inputs: dict[str, type[Value]] = field(default_factory=dict)
    outputs: dict[str, type[Value]] = field(default_factory=dict)
    parameters: type | None = None
    class_type: str = ""
    description: str = ""

    def read_parameters(self, given: Mapping[str, Any]) -> Any:
        """Parameters with defaults filled in and ranges checked; `None` of a handler that has none.

        Raises:
            BadHandler: one is unknown, of a wrong type or outside its range; the text names it.
        """
        if self.parameters is None:
            if given:
                raise BadHandler(f"handler {self.name} has no parameters, and was given {', '.join(sorted(given))}")
            return None
        try:
            return msgspec.convert(dict(given), self.parameters)
        except msgspec.ValidationError as error:
            raise BadHandler(f"parameters of handler {self.name}: {error}") from None

    def make(self, given: Mapping[str, Any], context: Context) -> Any:
        """The handler, ready to work: its models are loaded."""
        parameters = self.read_parameters(given)
        if inspect.isclass(self.made):
            taken = len(inspect.signature(self.made).parameters)
            return self.made(*(parameters, context)[:taken])
        return _FunctionHandler(self.made, context)

    def describe(self) -> HandlerDescription:
        """The entry in a worker's catalogue."""
        return HandlerDescription(
            name=self.name,
            role=self.role,
            description=self.description,
            inputs=tuple(PortDescription(name=name, type=kind.type_name) for name, kind in self.inputs.items()),
            outputs=tuple(PortDescription(name=name, type=kind.type_name) for name, kind in self.outputs.items()),
            parameters={} if self.parameters is None else schema(self.parameters),
            class_type=self.class_type,
        )


class _FunctionHandler:
    """A function as a handler."""

    def __init__(self, function: Callable[..., Any], context: Context) -> None:
        takes_context = "context" in inspect.signature(function).parameters
        self._more = {"context": context} if takes_context else {}
        self._function = function

    def process(self, *inputs: Value) -> Any:
        return self._function(*inputs, **self._more)

    def items(self) -> Any:
        return self._function(**self._more)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def parameters(kind: Kind) -> Kind:
    """Make a class of annotated fields the parameters of a handler: frozen, checked, unknown names refused."""
    hints = get_type_hints(kind, include_extras=True)
    own = {name: value for name, value in vars(kind).items() if name not in ("__dict__", "__weakref__", *hints)}
    fields = [
        (name, hint, getattr(kind, name)) if hasattr(kind, name) else (name, hint)
        for name, hint in hints.items()
        if name in kind.__annotations__
    ]
    own.pop("__annotations__", None)
    return msgspec.defstruct(  # type: ignore[return-value]
        kind.__name__,
        fields,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        module=kind.__module__,
        namespace=own,
    )


def handler(
    name: str, *, inputs: Ports, outputs: Ports, parameters: type | None = None, class_type: str = ""
) -> Callable[[Made], Made]:
    """Declare a handler: a class with `process`, or a function."""
    return _declare(name, "handler", dict(inputs), dict(outputs), parameters, class_type)


def source(
    name: str, *, outputs: Ports, parameters: type | None = None, class_type: str = ""
) -> Callable[[Made], Made]:
    """Declare a source: a class whose `items` is an iterator, or a generator function."""
    return _declare(name, "source", {}, dict(outputs), parameters, class_type or name)


def sink(name: str, *, inputs: Ports, parameters: type | None = None, class_type: str = "") -> Callable[[Made], Made]:
    """Declare a sink: a class with `process`, or a function."""
    return _declare(name, "sink", dict(inputs), {}, parameters, class_type or name)


def schema(kind: type) -> dict[str, Any]:
    """The JSON schema of parameters, with defaults and ranges, for people and for pages."""
    (shown,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    if "$ref" in shown:
        shown = parts.pop(shown["$ref"].removeprefix("#/$defs/"))
    return {**shown, "$defs": parts} if parts else dict(shown)


def declared(made: Any) -> HandlerType | None:
    """The declaration of a decorated class or function; `None` of anything else."""
    found = vars(made).get(MARK) if hasattr(made, "__dict__") else None
    return found if isinstance(found, HandlerType) else None


def _declare(
    name: str,
    role: Role,
    inputs: dict[str, type[Value]],
    outputs: dict[str, type[Value]],
    parameters: type | None,
    class_type: str,
) -> Callable[[Made], Made]:
    for port, kind in {**inputs, **outputs}.items():
        if not (inspect.isclass(kind) and issubclass(kind, Value)):
            raise BadHandler(f"port {port} of handler {name} has the type {kind!r}; give a value type, as Image")

    def mark(made: Made) -> Made:
        work = "items" if role == "source" else "process"
        if inspect.isclass(made) and not callable(getattr(made, work, None)):
            raise BadHandler(f"handler {name} is a class without a method `{work}`")
        description = inspect.cleandoc(made.__doc__ or "").partition("\n\n")[0]
        setattr(made, MARK, HandlerType(name, role, made, inputs, outputs, parameters, class_type, description))
        return made

    return mark
