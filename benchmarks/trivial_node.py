"""A module node whose work takes microseconds: `python -m benchmarks.trivial_node NAME`, one of the six of the graph.

The orchestrator has never seen their type: like any author's it is read by the description in the announcement.
"""

from __future__ import annotations

import sys
from dataclasses import field
from pathlib import Path
from typing import Any

from cyclonedds.idl import IdlStruct

from hedgerow_idl import Header, UserInput, float64, uint32, wire_type
from hedgerow_nodes.core import ModuleNode, Task, run

PIPELINE = Path(__file__).with_name("pipeline.toml")


def _step(name: str) -> Any:
    """A type of its own for each node, since each writes on a topic of its own: a dozen values, with the header."""

    class Step(IdlStruct, typename=f"bench.{name}"):
        header: Header = field(default_factory=Header)
        count: uint32 = 0
        ratio: float64 = 0.0
        text: str = ""

    return wire_type(Step)


A, B, C, D, E, F = (_step(name) for name in "ABCDEF")

GRAPH: dict[str, tuple[tuple[Any, ...], Any]] = {
    "a": ((UserInput,), A),
    "b": ((UserInput,), B),
    "c": ((UserInput,), C),
    "d": ((UserInput, A, B, C), D),
    "e": ((UserInput, D, A, C), E),
    "f": ((UserInput, D, E), F),
}
"""What each node reads and writes: the shape of the advice pipeline."""


def answer(kind: str, inputs: tuple[Any, ...]) -> Any:
    """An output that depends on the inputs only."""
    output_type = GRAPH[kind][1]
    if len(inputs) == 1:
        return output_type(count=len(inputs[0].text), ratio=0.5, text=inputs[0].text)
    read = inputs[1:]
    return output_type(
        count=sum(each.count for each in read),
        ratio=sum(each.ratio for each in read) / 2,
        text=f"{kind} {read[0].text}",
    )


def node_class(of_kind: str) -> type[ModuleNode]:
    """The node of a kind."""

    class TrivialNode(ModuleNode):
        """Answer at once."""

        kind = of_kind
        inputs = GRAPH[of_kind][0]
        output = GRAPH[of_kind][1]
        execution = "inline"

        def process(self, task: Task, *samples: Any) -> Any:
            return answer(of_kind, samples)

    return TrivialNode


if __name__ == "__main__":
    run(node_class(sys.argv[1]), sys.argv[2:])
