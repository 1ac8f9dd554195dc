"""A trivial node of any of the seven kinds: its output depends on the input only, so that runs can be compared.

python trivial_node.py KIND [--name NAME] [--configuration JSON]
"""

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hedgerow_idl import (
    AppRequirements,
    Baselines,
    CarbonFootprint,
    Estimate,
    Header,
    HWConstraints,
    HWResources,
    MLModel,
    MLModelMetadata,
    Optimization,
    TaskId,
    TaskScore,
    UserInput,
)
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run

INPUTS: dict[str, tuple[Any, ...]] = {
    "app_requirements": (UserInput,),
    "ml_model_metadata": (UserInput,),
    "hw_constraints": (UserInput,),
    "ml_model_provider": (UserInput, MLModelMetadata, AppRequirements, HWConstraints, Baselines),
    "hw_resources": (MLModel, AppRequirements, HWConstraints),
    "carbon_footprint": (UserInput, MLModel, HWResources),
    "optimizer": (UserInput, MLModel, HWConstraints, HWResources, CarbonFootprint, Baselines),
}
OUTPUTS: dict[str, Any] = {
    "app_requirements": AppRequirements,
    "ml_model_metadata": MLModelMetadata,
    "hw_constraints": HWConstraints,
    "ml_model_provider": MLModel,
    "hw_resources": HWResources,
    "carbon_footprint": CarbonFootprint,
    "optimizer": Optimization,
}


MOUTHFUL_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Behaviour:
    """What the node does besides answering.

    Attributes:
        record: a file that gets a line `problem.iteration attempt` for each call.
        hold_file: while this file exists, the call waits.
        deaf: a held call does not look at `cancelled`.
        work_s: how long each call takes.
    """

    record: str = ""
    hold_file: str = ""
    deaf: bool = False
    work_s: float = 0.0


def answer(kind: str, inputs: tuple[Any, ...]) -> Any:
    """The output for these inputs; words in the user's text make it misbehave."""
    first = inputs[0]
    if kind == "app_requirements":
        if "refuse" in first.text:
            raise Refusal("TOO_VAGUE", f"text {first.text!r} asks to be refused")
        if "raise" in first.text:
            raise ValueError(f"text {first.text!r} asks for an exception")
        if "os._exit" in first.text:
            os._exit(3)
        if "eat memory" in first.text:
            eat_memory()
        return AppRequirements(explanation=f"for {first.text}")
    if kind == "ml_model_metadata":
        return MLModelMetadata(tasks=[TaskScore(id="object-detection", score=0.5)], explanation=first.text[::-1])
    if kind == "hw_constraints":
        return HWConstraints(max_memory_bytes=float(len(first.text)))
    if kind == "ml_model_provider":
        _, metadata, requirements, constraints, baselines = inputs
        seen = f"{metadata.explanation}|{requirements.explanation}|{constraints.max_memory_bytes:g}"
        before = baselines.ml_model_provider[0].chosen if baselines.ml_model_provider else ""
        return MLModel(chosen=f"model for {seen}", explanation=f"before: {before}")
    if kind == "hw_resources":
        return HWResources(chosen=f"device for {first.chosen}")
    if kind == "optimizer":
        return next_iteration(first)
    return CarbonFootprint(carbon_gco2e=Estimate(value=float(len(inputs[2].chosen)), method="trivial"))


def next_iteration(user_input: UserInput) -> Optimization:
    """Of a text that ends with `loop N`, N further iterations; none of any other."""
    before, _, number = user_input.text.rpartition(" ")
    left = int(number) if before.endswith("loop") and number.isdecimal() else 0
    if not left:
        return Optimization(decision="off")
    again = replace(user_input, header=Header(), previous=TaskId(), text=f"{before} {left - 1}")
    return Optimization(decision="continue", next_input=[again])


def eat_memory() -> None:
    """Take memory until there is no more."""
    eaten = []
    while True:
        eaten.append(bytearray(MOUTHFUL_BYTES))


def node_class(of_kind: str) -> type[ModuleNode]:
    """A node class of a kind."""

    class TrivialNode(ModuleNode):
        """Answer at once, and always the same."""

        kind = of_kind
        inputs = INPUTS[of_kind]
        output = OUTPUTS[of_kind]
        Configuration = Behaviour

        def process(self, task: Task, *samples: Any) -> Any:
            behaviour = self.configuration
            if behaviour.record:
                with Path(behaviour.record).open("a") as record:
                    record.write(json.dumps([str(task.id), task.attempt]) + "\n")
            while behaviour.hold_file and Path(behaviour.hold_file).exists():
                if not behaviour.deaf:
                    task.progress(0.5, "held")
                    task.raise_if_cancelled()
                task.wait_cancelled(0.01)
            task.wait_cancelled(behaviour.work_s)
            return answer(of_kind, samples)

    return TrivialNode


if __name__ == "__main__":
    run(node_class(sys.argv[1]), sys.argv[2:])
