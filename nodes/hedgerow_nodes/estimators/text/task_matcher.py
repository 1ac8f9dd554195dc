"""Rank the tasks of the taxonomy by how well they fit a described problem, and say why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.estimators.text.likeness import Likeness
from hedgerow_nodes.estimators.text.meaning import Meaning, packaged_meaning
from hedgerow_nodes.estimators.text.task_clues import Clues, clue_scores, read_clues
from hedgerow_nodes.estimators.text.tasks import MLTask, Taxonomy, load_taxonomy
from hedgerow_nodes.estimators.text.text_index import Floats, Terms

SHOWN = 5
ALTERNATIVES_SHOWN = 2
# Turns differences of likeness into shares; chosen so that of the scores given to the first place, about as many are
# right as the scores promise.
TEMPERATURE = 0.08
# The least of the steps 0.15, 0.2, 0.25, … from which on 96 % of the sure answers were right in both tuning files.
SURE_MARGIN = 0.25
SURE_LIKENESS = 0.08
# A data set says more than any one clue in the text, and less than all that speaks for a task that the text names.
DATASET_FIRST = 0.5
DATASET_OTHER = 0.35


@dataclass(frozen=True)
class TaskMatch:
    """The answer: (id, score 0 to 1) best first, the lead of the first, whether to trust it, and why."""

    tasks: tuple[tuple[str, float], ...]
    margin: float
    unsure: bool
    modality: str
    metrics: tuple[str, ...]
    decided_by: str
    explanation: str


class TaskMatcher:
    """Match free text with the tasks of a taxonomy; building it takes some 100 ms, a match about 1 ms.

    Args:
        taxonomy: its tasks.
        meaning: what a sentence embedder adds to the words, which are always compared; some 10 ms a match.
    """

    def __init__(self, taxonomy: Taxonomy, meaning: Meaning | None = None) -> None:
        self._taxonomy = taxonomy
        self._words = Likeness(taxonomy)
        self._meaning = meaning
        self.compared_by = "words" if meaning is None else f"words and by meaning ({meaning.name})"

    def match(
        self,
        text: str,
        *,
        goal: str = "",
        modality: str = "",
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        dataset_tasks: Sequence[str] = (),
    ) -> TaskMatch:
        """Rank the tasks for a problem.

        Score: `likeness` of the words, plus `meaning`, plus the clues of `task_clues`, plus what a data set adds to the
        tasks it speaks for; a softmax makes shares of it. A given modality leaves only its tasks, a given goal is the
        answer.

        Raises:
            UnknownGoal: the taxonomy has no such task.
            UnknownModality: nor such a modality.
        """
        asked = self._taxonomy.task_of_goal(goal) if goal.strip() else None
        kind = self._taxonomy.modality_of(modality) if modality.strip() else ""
        terms = self._words.terms(text)
        clues = read_clues(self._taxonomy, text, inputs, outputs)
        likeness = self._words.of(terms)
        allowed = np.array([not kind or task.modality == kind for task in self._taxonomy.tasks])
        by_text = likeness + clue_scores(self._taxonomy, clues)
        if self._meaning is not None and text.strip():
            by_text += self._meaning.of(text)
        shares = _shares(by_text + self._dataset_scores(dataset_tasks), allowed)
        order = [int(number) for number in np.argsort(-shares, kind="stable") if allowed[number]]
        best = order[0]
        task = self._taxonomy.tasks[best]
        if asked is not None:
            return self._answer_for_goal(asked, kind, task if terms.weights or dataset_tasks else None)
        margin = round(float(shares[best] - shares[order[1]]) if len(order) > 1 else float(shares[best]), 4)
        heard = likeness[best] >= SURE_LIKENESS or bool(clues.named) or task.id in dataset_tasks
        unsure = margin < SURE_MARGIN or not heard
        why = self._why(order, shares, terms, clues, kind)
        if dataset_tasks:
            why += self._dataset_said(dataset_tasks, task, by_text, allowed, bool(terms.weights))
        if unsure:
            why += self._doubt(order, shares, margin, heard)
        given = [
            name for name, used in (("modality", kind), ("data set", dataset_tasks), ("text", terms.weights)) if used
        ]
        return TaskMatch(
            tasks=self._scored(order, shares),
            margin=margin,
            unsure=unsure,
            modality=task.modality,
            metrics=task.metrics,
            decided_by=" and ".join(given) or "text",
            explanation=f"{why} {metrics_said(task)}",
        )

    def _dataset_scores(self, tasks: Sequence[str]) -> Floats:
        """What a data set adds to each task, shape (tasks,)."""
        added = dict.fromkeys(tasks, DATASET_OTHER) | dict.fromkeys(tasks[:1], DATASET_FIRST)
        return np.array([added.get(task.id, 0.0) for task in self._taxonomy.tasks])

    def _dataset_said(
        self, dataset_tasks: Sequence[str], task: MLTask, by_text: Floats, allowed: NDArray[np.bool_], spoken: bool
    ) -> str:
        said = "" if task.id in dataset_tasks else f" The data set speaks for {' or '.join(dataset_tasks)} instead."
        alone = self._taxonomy.tasks[int(np.argmax(np.where(allowed, by_text, -np.inf)))]
        return said + (f" The text alone would give {alone.id}." if spoken and alone is not task else "")

    def _scored(self, order: list[int], shares: Floats) -> tuple[tuple[str, float], ...]:
        return tuple((self._taxonomy.tasks[number].id, round(float(shares[number]), 4)) for number in order[:SHOWN])

    def _answer_for_goal(self, asked: MLTask, kind: str, guess: MLTask | None) -> TaskMatch:
        why = f"The goal {asked.id} was given and is taken as it is."
        if kind and kind != asked.modality:
            why += f" It belongs to the modality {asked.modality}, not to {kind}; the goal counts."
        if guess is not None:
            why += " The text alone says the same." if guess is asked else f" The text alone would give {guess.id}."
        return TaskMatch(
            tasks=((asked.id, 1.0),),
            margin=1.0,
            unsure=False,
            modality=asked.modality,
            metrics=asked.metrics,
            decided_by="goal",
            explanation=f"{why} {metrics_said(asked)}",
        )

    def _why(self, order: list[int], shares: Floats, terms: Terms, clues: Clues, kind: str) -> str:
        best = order[0]
        task = self._taxonomy.tasks[best]
        said = f"{task.id} fits best ({shares[best]:.2f}"
        said += f"; next {self._taxonomy.tasks[order[1]].id}, {shares[order[1]]:.2f})." if len(order) > 1 else ")."
        if kind:
            said += f" Only tasks of the given modality {kind} were looked at."
        telling = self._words.telling_words(best, terms)
        said += f" Words that decided: {', '.join(telling)}." if telling else " No word of the text is known."
        if task.id in clues.named:
            said += f" The text names it: “{clues.named[task.id]}”."
        if clues.media:
            said += f" Media: {', '.join(sorted(clues.media))}."
        nearest = self._words.nearest_example(best, terms)
        said += f" Nearest example: “{nearest}”." if nearest else ""
        return f"{said} Compared by {self.compared_by}."

    def _doubt(self, order: list[int], shares: Floats, margin: float, heard: bool) -> str:
        others = [f"{self._taxonomy.tasks[n].id} ({shares[n]:.2f})" for n in order[1 : 1 + ALTERNATIVES_SHOWN]]
        instead = f" It may as well be {' or '.join(others)}." if others else ""
        if not heard:
            why = "The text holds too few words that speak of a task; name the goal or describe the problem in English."
        else:
            why = f"The lead is {margin:.2f}, less than {SURE_MARGIN}: name the goal if this is not what is meant."
        return f" Unsure: {why}{instead}"


@cache
def packaged_matcher() -> TaskMatcher:
    """The matcher over the packaged taxonomy, built at first use."""
    return TaskMatcher(load_taxonomy(), packaged_meaning(load_taxonomy()))


def metrics_said(task: MLTask) -> str:
    """The usual metrics of a task, in a sentence."""
    if not task.metrics:
        return "No metric is usual for it."
    named = ", ".join(task.metrics)
    return (
        f"Usual metrics, which the taxonomy leaves open: {named}." if task.own_metrics else f"Usual metrics: {named}."
    )


def _shares(scores: Floats, allowed: NDArray[np.bool_]) -> Floats:
    """Softmax over the tasks allowed, 0 for the others."""
    top = float(scores[allowed].max())
    raised = [math.exp((score - top) / TEMPERATURE) if ok else 0.0 for score, ok in zip(scores, allowed, strict=True)]
    shares: Floats = np.array(raised) / sum(raised)
    return shares
