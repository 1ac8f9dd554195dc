"""Which special form of a task the user's words ask for: models that find faces only are for problems about faces."""

from __future__ import annotations

import re

FACES = "faces"
# The task in which the form is told from words; in other tasks a face is just what a picture shows.
_TASKS = {FACES: "object-detection"}

# `faces` and `facial` as things that are looked for; not `face masks`, which are other things, and not the verb.
_WORD = re.compile(r"\b(?P<word>faces?|facial)\b(?P<after>[\s-]+\w+)?", re.IGNORECASE)
_VERB_BEFORE = re.compile(
    r"\b(?:to|we|they|you|who|which|that|must|may|might|can|will|would|should|often|also|customers|users|people)\s+$",
    re.IGNORECASE,
)
_OTHER_THINGS = frozenset({"mask", "masks", "shield", "shields", "cream", "value", "down", "up", "to"})
_OBJECT_OF_VERB = frozenset(
    {"a", "an", "the", "many", "this", "that", "such", "problems", "challenges", "difficulties"}
)


def special_form(task: str, *texts: str) -> str:
    """The form of the task that the texts ask for; empty is the plain one.

    The rule: the task is object detection, and one of the texts has `face`, `faces` or `facial` as a thing: not as a
    verb (`we face`, `faces many problems`), and not as the first half of another thing (`face masks`).
    """
    if task != _TASKS[FACES]:
        return ""
    return FACES if any(_about_faces(text) for text in texts) else ""


def _about_faces(text: str) -> bool:
    for found in _WORD.finditer(text):
        after = (found["after"] or "").strip(" -\t\n").lower()
        if found["word"].lower() != "facial" and _VERB_BEFORE.search(text[: found.start()]):
            continue
        if after not in _OTHER_THINGS | _OBJECT_OF_VERB:
            return True
    return False
