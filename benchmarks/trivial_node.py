"""A module node whose work takes microseconds: `python -m benchmarks.trivial_node KIND`, of any of the six kinds."""

from __future__ import annotations

import logging
import sys
from typing import Any

from hedgerow_idl import (
    AppRequirements,
    Baselines,
    CarbonFootprint,
    Estimate,
    HWConstraints,
    HWResources,
    MLModel,
    MLModelMetadata,
    TaskScore,
    UserInput,
)
from hedgerow_nodes.core import ModuleNode, Task, run

GRAPH: dict[str, tuple[tuple[Any, ...], Any]] = {
    "app_requirements": ((UserInput,), AppRequirements),
    "ml_model_metadata": ((UserInput,), MLModelMetadata),
    "hw_constraints": ((UserInput,), HWConstraints),
    "ml_model_provider": ((UserInput, MLModelMetadata, AppRequirements, HWConstraints, Baselines), MLModel),
    "hw_resources": ((UserInput, MLModel, AppRequirements, HWConstraints), HWResources),
    "carbon_footprint": ((UserInput, MLModel, HWResources), CarbonFootprint),
}
"""The advice pipeline: what each kind reads and writes."""


def answer(kind: str, inputs: tuple[Any, ...]) -> Any:
    """An output that depends on the inputs only."""
    if kind == "app_requirements":
        return AppRequirements(explanation=inputs[0].text)
    if kind == "ml_model_metadata":
        return MLModelMetadata(tasks=[TaskScore(id="object-detection", score=0.5)])
    if kind == "hw_constraints":
        return HWConstraints(max_memory_bytes=float(len(inputs[0].text)))
    if kind == "ml_model_provider":
        return MLModel(chosen=f"{inputs[1].tasks[0].id} {inputs[2].explanation} {inputs[3].max_memory_bytes:g}")
    if kind == "hw_resources":
        return HWResources(chosen=f"device for {inputs[1].chosen}")
    return CarbonFootprint(carbon_gco2e=Estimate(value=float(len(inputs[2].chosen)), method="trivial"))


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
    logging.getLogger("hedgerow.node").setLevel(logging.WARNING)
    run(node_class(sys.argv[1]), sys.argv[2:])
