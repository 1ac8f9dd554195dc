"""What a problem says beside its words' likeness to a task: media that go in and come out, and names of tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hedgerow_nodes.estimators.text.tasks import MLTask, Taxonomy
from hedgerow_nodes.estimators.text.text_index import Floats, words

TAKES_AFTER = frozenset({"from", "of", "in", "on", "given", "using", "for", "over", "inside", "with"})
GIVES_AFTER = frozenset({"to", "into", "as"})
MAKING = "generate"
DECIDING = "decide"
# "ripe or unripe?" and "paper, glass or metal" ask for a decision between labels.
ALTERNATIVES = re.compile(r"\w,\s\w{1,20}(?:\s\w{1,20})?,?\sor\s\w|\w\sor\s(?:not?\b|un|in|ab)|\sor\s[^.,?]{1,30}\?")
REACH_WORDS = 4

# Weights in round numbers, chosen by hand on the labelled problems of test_task_matcher; neighbours do as well.
FOREIGN_MEDIUM = -0.05
MISSING_MEDIUM = -0.05
ROLE_SAID = 0.05
ROLE_GIVEN = 0.15
ACT_SAID = 0.1
NAMED = 0.15
NEED_UNMET = -0.1
COMMON = 0.06


@dataclass
class Clues:
    """What a problem says: media in any role, media that go in and come out, what is to be done, tasks it names.

    `named` leads from a task's id to the phrase that named it, `met` holds the tasks of which a need is met.
    """

    media: set[str] = field(default_factory=set)
    takes: set[str] = field(default_factory=set)
    gives: set[str] = field(default_factory=set)
    given_takes: frozenset[str] = frozenset()
    given_gives: frozenset[str] = frozenset()
    acts: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)


def read_clues(taxonomy: Taxonomy, text: str, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> Clues:
    """Read a problem's text and the media that the user gave in fields."""
    clues = Clues(given_takes=taxonomy.media_of(inputs), given_gives=taxonomy.media_of(outputs))
    said = words(text)
    _read_media(taxonomy, said, clues)
    clues.media |= clues.given_takes | clues.given_gives
    line = f" {' '.join(said)} "
    concepts = {taxonomy.concept(word) for word in said}
    for act, phrases in taxonomy.acts.items():
        if any(f" {p} " in line if " " in p else taxonomy.concept(p) in concepts for p in phrases):
            clues.acts.add(act)
    if ALTERNATIVES.search(text):
        clues.acts.add(DECIDING)
    spoken = {(alias, task.id) for task in taxonomy.tasks for alias in task.aliases if f" {alias} " in line}
    for alias, id_ in sorted(spoken):
        # "question answering" inside "visual question answering" names the longer one only.
        if not any(alias != longer and f" {alias} " in f" {longer} " for longer, _ in spoken):
            clues.named[id_] = alias
    clues.met = {task.id for task in taxonomy.tasks if any(f" {need} " in line for need in task.needs)}
    return clues


def clue_scores(taxonomy: Taxonomy, clues: Clues) -> Floats:
    """What the clues add to each task's likeness, shape (tasks,)."""
    return np.array([_score(task, clues) for task in taxonomy.tasks])


def _read_media(taxonomy: Taxonomy, said: list[str], clues: Clues) -> None:
    making = taxonomy.concept(MAKING)
    role: set[str] | None = None
    left = 0
    for word in said:
        concept = taxonomy.concept(word)
        medium = taxonomy.media.get(concept)
        if medium is not None:
            clues.media.add(medium)
        if word in TAKES_AFTER:
            role, left = clues.takes, REACH_WORDS
        elif word in GIVES_AFTER or concept == making:
            role, left = clues.gives, REACH_WORDS
        elif left > 0:
            left -= 1
            if medium is not None and role is not None:
                role.add(medium)


def _score(task: MLTask, clues: Clues) -> float:
    # Text is everywhere and so tells nothing when it is merely mentioned.
    mentioned = clues.media - {"text"}
    own = task.takes | task.gives
    score = FOREIGN_MEDIUM * len(mentioned - own)
    if own & _MEDIA and not mentioned & own:
        score += MISSING_MEDIUM
    for media, side, weight in (
        (clues.takes, task.takes, ROLE_SAID),
        (clues.gives, task.gives, ROLE_SAID),
        (clues.given_takes, task.takes, ROLE_GIVEN),
        (clues.given_gives, task.gives, ROLE_GIVEN),
    ):
        if media:
            score += weight if media & side else -weight
    score += ACT_SAID if clues.acts & task.acts else 0.0
    score += NAMED if task.id in clues.named else 0.0
    score += NEED_UNMET if task.needs and task.id not in clues.met else 0.0
    return score + (COMMON if task.common else 0.0)


_MEDIA = frozenset({"image", "video", "audio", "document", "table", "series", "graph", "3d", "action"})
