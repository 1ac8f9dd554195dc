"""How like a problem's words are to each task: to its example phrases, to the taxonomy's text, to its cue words."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from hedgerow_nodes.estimators.text.tasks import MLTask, Taxonomy
from hedgerow_nodes.estimators.text.text_index import Floats, Terms, TextIndex

WORDS_SHOWN = 5
NEAREST_EXAMPLE = 0.6
SECOND_EXAMPLE = 0.3
TAXONOMY_TEXT = 0.5
CUE_WORD = 0.1


class Likeness:
    """TF-IDF over the examples and over the taxonomy's texts; building it takes some 100 ms, a look-up about 1 ms."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        tasks = taxonomy.tasks
        self.examples = tuple(text for task in tasks for text in task.examples)
        self.owner = np.array([number for number, task in enumerate(tasks) for _ in task.examples])
        self._example_index = TextIndex(self.examples, taxonomy.synonyms)
        self._task_index = TextIndex([_own_text(task) for task in tasks], taxonomy.synonyms)
        self._cue_weight = {
            cue: CUE_WORD / math.sqrt(n) for cue, n in Counter(cue for task in tasks for cue in task.cues).items()
        }

    def terms(self, text: str) -> Terms:
        """A problem's text as the index counts it."""
        return self._example_index.terms(text)

    def of(self, terms: Terms) -> Floats:
        """Weighted cosines with the nearest two examples and the taxonomy's text, and cue words, shape (tasks,)."""
        found = self._example_index.similarities(terms)
        likeness = TAXONOMY_TEXT * self._task_index.similarities(terms)
        nearest, second = nearest_two(found, self.owner, len(self._taxonomy.tasks))
        likeness += NEAREST_EXAMPLE * nearest + SECOND_EXAMPLE * second
        for number, task in enumerate(self._taxonomy.tasks):
            likeness[number] += sum(self._cue_weight[term] for term in terms.weights if term in task.cues)
        return likeness

    def telling_words(self, task: int, terms: Terms) -> list[str]:
        """The words of a problem that speak most for a task."""
        weight: dict[str, float] = {}
        mine: NDArray[np.bool_] = self.owner == task
        for term, by_text in self._example_index.contributions(terms).items():
            weight[term] = NEAREST_EXAMPLE * float(by_text[mine].max())
        for term, by_text in self._task_index.contributions(terms).items():
            weight[term] = weight.get(term, 0.0) + TAXONOMY_TEXT * float(by_text[task])
        for term in self._taxonomy.tasks[task].cues.intersection(terms.weights):
            weight[term] = weight.get(term, 0.0) + self._cue_weight[term]
        ranked = sorted((term for term in weight if term in terms.surface), key=lambda term: (-weight[term], term))
        return [terms.surface[term] for term in ranked if weight[term] > 0][:WORDS_SHOWN]

    def nearest_example(self, task: int, terms: Terms) -> str:
        """The example of a task that is nearest to a problem; empty where none shares a word with it."""
        found = np.where(self.owner == task, self._example_index.similarities(terms), 0.0)
        nearest = int(np.argmax(found))
        return self.examples[nearest] if found[nearest] > 0 else ""


def nearest_two(found: Floats, owner: NDArray[np.int_], tasks: int) -> tuple[Floats, Floats]:
    """Of the similarities with all examples, the largest and the second largest for each task, shape (tasks,) each."""
    best = np.zeros((2, tasks))
    for number in range(tasks):
        own = np.sort(found[owner == number])[::-1]
        best[: min(2, own.size), number] = own[:2]
    return best[0], best[1]


def _own_text(task: MLTask) -> str:
    return " ".join([task.name, task.name, *task.subtasks, task.summary, task.about])
