"""The taxonomy of machine-learning tasks: the Hugging Face pipeline tags, with own examples and words beside them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from hedgerow_nodes.estimators.text.text_index import stem, words

NEAREST_SHOWN = 3
NEAREST_RATIO = 0.5


class UnknownGoal(ValueError):
    """A goal that the taxonomy does not have; the message names the nearest and all known ones."""


class UnknownModality(ValueError):
    """A modality that the taxonomy does not have; the message names the known ones."""


@dataclass(frozen=True)
class MLTask:
    """One task: what the taxonomy says of it, and what Hedgerow adds.

    `takes` and `gives` are media (`image`, `text`, `table`, …) and other results (`boxes`, `label`), `acts` what is
    done (`locate`, `decide`); `aliases` are phrases that mean the task; a task with `needs` is meant only where one of
    these phrases is said; `cues` are words that speak for it; `common` tasks are asked for often. `metrics` are the
    taxonomy's, or Hedgerow's own (`own_metrics`) where it names none.
    """

    id: str
    name: str
    modality: str
    subtasks: tuple[str, ...]
    summary: str
    about: str
    metrics: tuple[str, ...]
    own_metrics: bool
    examples: tuple[str, ...]
    takes: frozenset[str]
    gives: frozenset[str]
    acts: frozenset[str]
    aliases: tuple[str, ...]
    needs: tuple[str, ...]
    cues: frozenset[str]
    common: bool


@dataclass(frozen=True)
class Taxonomy:
    """All tasks in their published order, and the words that speak of them.

    `synonyms` leads from a stem to the stem that is counted instead, `media` from such a stem to a medium, `modalities`
    from a modality to other names for it, `acts` from what can be done to the words and phrases that ask for it.
    """

    tasks: tuple[MLTask, ...]
    source: str
    synonyms: Mapping[str, str]
    media: Mapping[str, str]
    modalities: Mapping[str, tuple[str, ...]]
    acts: Mapping[str, tuple[str, ...]]

    def concept(self, word: str) -> str:
        """The stem under which a word is counted."""
        plain = stem(word)
        return self.synonyms.get(plain, plain)

    def media_of(self, names: Iterable[str]) -> frozenset[str]:
        """The media that some names speak of: `["Photos", "csv file"]` → `{"image", "table"}`."""
        concepts = {self.concept(word) for name in names for word in words(name)}
        return frozenset(self.media[concept] for concept in concepts if concept in self.media)

    def task_of_goal(self, goal: str) -> MLTask:
        """The task with this id or name; case, spaces, underscores and hyphens do not matter.

        Raises:
            UnknownGoal: no task is called that.
        """
        by_name = {_key(name): task for task in self.tasks for name in (task.id, task.name)}
        task = by_name.get(_key(goal))
        if task is None:
            raise UnknownGoal(_unknown("goal", goal, [task.id for task in self.tasks]))
        return task

    def modality_of(self, name: str) -> str:
        """The modality with this name: `cv`, or another word for it such as `computer vision`.

        Raises:
            UnknownModality: no modality is called that.
        """
        for modality, others in self.modalities.items():
            if _key(name) in {_key(modality), *map(_key, others)}:
                return modality
        raise UnknownModality(_unknown("modality", name, list(self.modalities)))


@cache
def load_taxonomy() -> Taxonomy:
    """Read the packaged taxonomy; the same object every time, and nothing in it changes."""
    published, own, added = (_read(name) for name in ("tasks.json", "task_vocabulary.json", "task_examples.json"))
    synonyms = {stem(word): stem(concept) for concept, others in own["synonyms"].items() for word in others}
    media = {synonyms.get(stem(w), stem(w)): medium for medium, names in own["media"].items() for w in names}
    return Taxonomy(
        tasks=tuple(_task(entry, own, added["examples"], synonyms) for entry in published["tasks"]),
        source=published["source"],
        synonyms=synonyms,
        media=media,
        modalities={modality: tuple(names) for modality, names in own["modalities"].items()},
        acts={act: tuple(" ".join(words(phrase)) for phrase in phrases) for act, phrases in own["acts"].items()},
    )


def _task(
    entry: dict[str, Any], own: dict[str, Any], examples: dict[str, list[str]], synonyms: Mapping[str, str]
) -> MLTask:
    id_ = entry["id"]
    takes, gives, acts = own["signatures"][id_]
    published = tuple(metric["id"] for metric in entry["metrics"])
    return MLTask(
        id=id_,
        name=entry["name"],
        modality=entry["modality"],
        subtasks=tuple(entry["subtasks"]),
        summary=entry["summary"],
        about=entry["about"],
        metrics=published or tuple(own["metrics"].get(id_, ())),
        own_metrics=not published,
        examples=tuple(examples[id_]),
        takes=frozenset(takes.split()),
        gives=frozenset(gives.split()),
        acts=frozenset(acts.split()),
        aliases=tuple(" ".join(words(alias)) for alias in (id_, *own["aliases"].get(id_, ()))),
        needs=tuple(" ".join(words(phrase)) for phrase in own["needs"].get(id_, ())),
        cues=frozenset(synonyms.get(stem(w), stem(w)) for cue in own["cues"][id_] for w in words(cue)),
        common=id_ in own["common"],
    )


def _read(name: str) -> dict[str, Any]:
    text = (resources.files("hedgerow_nodes.estimators") / "data" / name).read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


def _key(name: str) -> str:
    return " ".join(words(name))


def _unknown(what: str, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches("-".join(words(name)), known, NEAREST_SHOWN, cutoff=NEAREST_RATIO)
    nearest = f"; nearest: {', '.join(near)}" if near else ""
    return f"{what} {name!r} unknown{nearest}; known: {', '.join(known)}"
