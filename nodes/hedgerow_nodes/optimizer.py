"""Module node `optimizer`: compare an iteration with the one before, and decide whether and how the loop goes on."""

from __future__ import annotations

from hedgerow_idl import Baselines, CarbonFootprint, HWConstraints, HWResources, MLModel, Optimization, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run
from hedgerow_nodes.estimators.optimization.answer import optimization
from hedgerow_nodes.estimators.optimization.answers import TARGETS, Answers


class Optimizer(ModuleNode):
    """Propose the change that is expected to bring the target nearest, until it is met or nothing better is left."""

    kind = "optimizer"
    inputs = (UserInput, MLModel, HWConstraints, HWResources, CarbonFootprint, Baselines)
    output = Optimization
    # It takes less time than handing it to a worker would.
    execution = "inline"

    def process(
        self,
        task: Task,
        user_input: UserInput,
        model: MLModel,
        constraints: HWConstraints,
        hardware: HWResources,
        carbon: CarbonFootprint,
        baselines: Baselines,
    ) -> Optimization:
        """Decide.

        Raises:
            Refusal: UNKNOWN_TARGET.
        """
        wish = user_input.optimization
        if wish.mode in ("auto", "manual") and wish.target not in TARGETS:
            raise Refusal("UNKNOWN_TARGET", f"target {wish.target!r} unknown; known: {', '.join(TARGETS)}")
        return optimization(Answers(user_input, model, hardware, carbon, constraints, baselines))


if __name__ == "__main__":
    run(Optimizer)
