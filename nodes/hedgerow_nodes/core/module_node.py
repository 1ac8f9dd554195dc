"""What the author of a module node subclasses."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Literal, cast

from cyclonedds.idl import IdlStruct

from hedgerow_idl import Header
from hedgerow_nodes.core.announcement import Described
from hedgerow_nodes.core.configuration import NoConfiguration
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.task import Task

INLINE = "inline"
"""Execution in the loop itself, and the capability by which a node says so: it may have many tasks in hand."""


class ModuleNode:
    """One stage of a pipeline: typed inputs, one typed output, one method. Subclass it and hand the class to `run`.

    Class attributes:
        kind: the name of the stage that it serves.
        inputs: wire types; `process` gets one sample of each, in this order.
        output: the wire type that `process` returns; its first field is `header`, which the framework fills.
        execution: `worker` runs `process` in a thread beside the loop; `inline` runs it in the loop itself, which is
            faster and right only for work of a few milliseconds.
        Configuration: a dataclass; msgspec checks its types and `Annotated[…, msgspec.Meta(ge=1)]` ranges.
    """

    kind: ClassVar[str] = ""
    inputs: ClassVar[tuple[type[IdlStruct], ...]] = ()
    output: ClassVar[type[IdlStruct]]
    execution: ClassVar[Literal["worker", "inline"]] = "worker"
    Configuration: ClassVar[type] = NoConfiguration

    def __init__(self, environment: Environment, configuration: Any = None) -> None:
        self.environment = environment
        self.configuration = self.Configuration() if configuration is None else configuration

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "process" in vars(cls):
            _check_declaration(cls)

    def on_start(self) -> None:
        """Make what the work needs; undone by `on_stop`. Runs in the worker; the node is IDLE afterwards."""

    def on_stop(self) -> None:
        """Give back what `on_start` made."""

    def process(self, task: Task, *inputs: Any) -> Any:
        """Answer: one `output` from one sample of each input.

        Raises:
            Refusal: there is no answer, and another attempt would not find one.
        """
        raise TypeError(f"{type(self).__name__} has no process method")


def described(node: ModuleNode) -> Described:
    """What a module node tells of itself."""
    return Described(
        kind=node.kind,
        sentence=first_sentence(node),
        configuration=node.configuration,
        output=node.output,
        inputs=node.inputs,
        capabilities=(INLINE,) if node.execution == INLINE else (),
    )


def first_sentence(documented: object) -> str:
    """The first line of what a class or a module says of itself."""
    return (documented.__doc__ or "").strip().partition("\n")[0]


def _check_declaration(cls: type[ModuleNode]) -> None:
    name = cls.__name__
    if not cls.kind.isidentifier():
        raise TypeError(f"{name}: kind {cls.kind!r} is no name; set it to the stage that the node serves")
    if not cls.inputs:
        raise TypeError(f"{name}: inputs is empty; name at least one wire type, such as (UserInput,)")
    if not hasattr(cls, "output"):
        raise TypeError(f"{name}: output is not set; name the wire type that process returns")
    for wire in (*cls.inputs, cls.output):
        if not (isinstance(wire, type) and issubclass(wire, IdlStruct)):
            raise TypeError(f"{name}: {wire!r} is no wire type; derive it from IdlStruct and decorate it @wire_type")
        if dataclasses.fields(cast("Any", wire))[0].type not in (Header, "Header"):
            raise TypeError(f"{name}: the first field of {wire.__name__} must be `header: Header`")
    if cls.execution not in ("worker", "inline"):
        raise TypeError(f"{name}: execution {cls.execution!r} unknown; known: worker, inline")
