"""Module node `ml_model_metadata`: which task of the public taxonomy a described problem is."""

from __future__ import annotations

from hedgerow_idl import MLModelMetadata, TaskScore, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run
from hedgerow_nodes.estimators.text.limits import without_limits
from hedgerow_nodes.estimators.text.task_matcher import packaged_matcher
from hedgerow_nodes.estimators.text.tasks import UnknownGoal, UnknownModality


class ModelMetadata(ModuleNode):
    """Rank the Hugging Face tasks for a problem; a given goal or modality wins over the guess from its words."""

    kind = "ml_model_metadata"
    inputs = (UserInput,)
    output = MLModelMetadata

    def process(self, task: Task, user_input: UserInput) -> MLModelMetadata:
        """Rank the tasks.

        Raises:
            Refusal: NO_TEXT, UNKNOWN_GOAL or UNKNOWN_MODALITY.
        """
        if not user_input.text.strip() and not user_input.goal.strip():
            raise Refusal("NO_TEXT", "the problem has neither a text nor a goal; describe it or name the goal")
        try:
            match = packaged_matcher().match(
                without_limits(user_input.text),
                goal=user_input.goal,
                modality=user_input.modality,
                inputs=user_input.inputs,
                outputs=user_input.outputs,
            )
        except UnknownGoal as unknown:
            raise Refusal("UNKNOWN_GOAL", str(unknown)) from unknown
        except UnknownModality as unknown:
            raise Refusal("UNKNOWN_MODALITY", str(unknown)) from unknown
        return MLModelMetadata(
            tasks=[TaskScore(id=id_, score=score) for id_, score in match.tasks],
            margin=match.margin,
            unsure=match.unsure,
            modality=match.modality,
            metrics=list(match.metrics),
            decided_by=match.decided_by,
            explanation=match.explanation,
        )


if __name__ == "__main__":
    run(ModelMetadata)
