"""Search a hub by words: for which task is guessed from them, and models whose names fit come first."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from hedgerow_nodes.estimators.hub.interface import Hub, HubModel
from hedgerow_nodes.estimators.text.task_matcher import TaskMatch, packaged_matcher
from hedgerow_nodes.estimators.text.tasks import load_taxonomy

MOST_FOUND = 50
MOST_WORDS = 1000
# What is looked through for fitting words where no name holds all of them.
_CANDIDATES = 100
_FRESH_S = 300.0
_MOST_REMEMBERED = 128


@dataclass(frozen=True)
class Found:
    """One model, and the share of the words that stand in its name, its task or its tags, 0 to 1."""

    model: HubModel
    fit: float


@dataclass(frozen=True)
class Answer:
    """What a search gave.

    Attributes:
        task: that was looked for; empty is any.
        tasks: what the words speak of by the matcher, with scores, best first; empty where the task was given.
        explanation: how the task and the order came about.
    """

    query: str
    task: str
    tasks: tuple[tuple[str, float], ...]
    models: tuple[Found, ...]
    explanation: str


def search(
    hub: Hub, words: str, task: str = "", limit: int = 10, match: Callable[[str], TaskMatch] | None = None
) -> Answer:
    """The models that fit the words best: the share of words in name and tags, then downloads, then the id.

    Args:
        task: a task of the taxonomy; where it is empty, the one that the words speak of, if the matcher is sure.

    Raises:
        UnknownGoal: the taxonomy has no such task.
        HubError: the hub did not answer.
    """
    query = " ".join(words.split())[:MOST_WORDS]
    if task.strip():
        taken, said = load_taxonomy().task_of_goal(task).id, "The task was given."
        scores: tuple[tuple[str, float], ...] = ()
    else:
        taken, scores, said = _guessed(query, match or packaged_matcher().match)
    found = list(hub.search(query, taken, min(limit, MOST_FOUND)))
    if len(found) < limit and " " in query and taken:
        # The hub looks for the words in names as they stand, so a sentence finds nothing there.
        known = {model.id for model in found}
        found += [model for model in hub.search("", taken, _CANDIDATES) if model.id not in known]
        said += f" Beside names that hold the words, the {_CANDIDATES} most downloaded of the task were looked through."
    rated = sorted(
        (Found(model, fit(query, model)) for model in found),
        key=lambda one: (-one.fit, -(one.model.downloads or 0), one.model.id),
    )
    return Answer(query, taken, scores, tuple(rated[:limit]), said)


def fit(query: str, model: HubModel) -> float:
    """The share of the words that stand in the name, the task or the tags of a model, 0 to 1."""
    wanted = _words(query)
    there = _words(" ".join((model.id, model.task, *model.tags)))
    return round(len(wanted & there) / len(wanted), 4) if wanted else 0.0


class Remembered:
    """Searches of the last minutes, for many clients that ask the same; safe in threads."""

    def __init__(self, hub: Hub, fresh_s: float = _FRESH_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._hub = hub
        self._fresh_s = fresh_s
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, str, int], tuple[float, Answer]] = OrderedDict()

    def search(self, words: str, task: str = "", limit: int = 10) -> Answer:
        """As `search`, and the same answer for some minutes; what failed is not remembered."""
        key = (words, task, limit)
        with self._lock:
            at_s, known = self._answers.get(key, (0.0, None))
        if known is not None and self._clock() - at_s < self._fresh_s:
            return known
        answer = search(self._hub, words, task, limit)
        with self._lock:
            self._answers[key] = (self._clock(), answer)
            self._answers.move_to_end(key)
            while len(self._answers) > _MOST_REMEMBERED:
                self._answers.popitem(last=False)
        return answer


def _guessed(query: str, match: Callable[[str], TaskMatch]) -> tuple[str, tuple[tuple[str, float], ...], str]:
    found = match(query)
    best, score = found.tasks[0]
    if found.unsure:
        return (
            "",
            found.tasks,
            f"The words do not say for sure which task is meant ({best} {score:.2f}): any was taken.",
        )
    return best, found.tasks, f"The words speak of {best} ({score:.2f}), so models for that task were looked for."


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[^a-z0-9]+", text.lower()) if len(word) > 1)
