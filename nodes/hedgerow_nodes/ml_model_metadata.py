"""Module node `ml_model_metadata`: which task of the public taxonomy a described problem is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from hedgerow_idl import MLModelMetadata, TaskScore, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run
from hedgerow_nodes.estimators.datasets.explanation import explain
from hedgerow_nodes.estimators.datasets.facts import facts_of
from hedgerow_nodes.estimators.datasets.location import FOLDER
from hedgerow_nodes.estimators.datasets.profile import DatasetUnreadable
from hedgerow_nodes.estimators.datasets.reading import Looked, look
from hedgerow_nodes.estimators.text.language_model import ask
from hedgerow_nodes.estimators.text.length import first_part
from hedgerow_nodes.estimators.text.limits import without_limits
from hedgerow_nodes.estimators.text.second_opinion import with_second_opinion
from hedgerow_nodes.estimators.text.task_matcher import TaskMatch, packaged_matcher
from hedgerow_nodes.estimators.text.task_metrics import fitting_metrics
from hedgerow_nodes.estimators.text.tasks import UnknownGoal, UnknownModality, load_taxonomy


@dataclass(frozen=True)
class Configuration:
    """What can be set; without an address no language model is asked.

    Attributes:
        llm_url: base of an OpenAI-compatible address without login, such as `http://127.0.0.1:8080/v1`. The text of a
            problem whose task is doubtful goes there.
        llm_model: the model's name on that server.
        llm_timeout_s: how long its answer is waited for.
    """

    llm_url: str = ""
    llm_model: str = "default"
    llm_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0


class ModelMetadata(ModuleNode):
    """Rank the Hugging Face tasks for a problem; a given goal or modality wins over the guess from words and data.

    An input that names a data set (`dataset:leaves`, or a file such as `cows.csv`) is looked into, if it lies in the
    folder `datasets` of the home.
    """

    kind = "ml_model_metadata"
    inputs = (UserInput,)
    output = MLModelMetadata
    Configuration = Configuration

    def process(self, task: Task, user_input: UserInput) -> MLModelMetadata:
        """Rank the tasks.

        Raises:
            Refusal: NO_TEXT, UNKNOWN_GOAL, UNKNOWN_MODALITY, or BAD_DATASET.
        """
        text, cut = first_part(user_input.text)
        try:
            looked = look(user_input.inputs, self.environment.home / FOLDER, text)
        except DatasetUnreadable as unreadable:
            raise Refusal("BAD_DATASET", str(unreadable)) from unreadable
        if not text.strip() and not user_input.goal.strip() and looked.profile is None:
            raise Refusal("NO_TEXT", "the problem has neither a text nor a goal; describe it or name the goal")
        match = self._reconsidered(_match(text, user_input, looked), text)
        said = [match.explanation, looked.remark, cut]
        if looked.profile is not None:
            said.insert(1, explain(looked.profile))
        return MLModelMetadata(
            tasks=[TaskScore(id=id_, score=score) for id_, score in match.tasks],
            margin=match.margin,
            unsure=match.unsure,
            modality=match.modality,
            metrics=fitting_metrics(match.metrics, imbalanced=looked.profile is not None and looked.profile.imbalanced),
            decided_by=match.decided_by,
            dataset=[] if looked.profile is None else [facts_of(looked.profile)],
            explanation=" ".join(filter(None, said)),
        )

    def _reconsidered(self, match: TaskMatch, text: str) -> TaskMatch:
        settings = self.configuration
        if not settings.llm_url or not text.strip():
            return match
        return with_second_opinion(
            match,
            text,
            load_taxonomy(),
            settings.llm_model,
            lambda messages: ask(settings.llm_url, settings.llm_model, messages, settings.llm_timeout_s),
        )


def _match(text: str, user_input: UserInput, looked: Looked) -> TaskMatch:
    try:
        return packaged_matcher().match(
            without_limits(text),
            goal=user_input.goal,
            modality=user_input.modality,
            inputs=looked.inputs,
            outputs=user_input.outputs,
            dataset_tasks=() if looked.profile is None else looked.profile.tasks,
        )
    except UnknownGoal as unknown:
        raise Refusal("UNKNOWN_GOAL", str(unknown)) from unknown
    except UnknownModality as unknown:
        raise Refusal("UNKNOWN_MODALITY", str(unknown)) from unknown


if __name__ == "__main__":
    run(ModelMetadata)
