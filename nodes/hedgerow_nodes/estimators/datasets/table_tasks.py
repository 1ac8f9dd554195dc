"""For which tasks the columns of a table speak, and to which modality they belong."""

from __future__ import annotations

from collections.abc import Sequence

from hedgerow_nodes.estimators.datasets.profile import Column, Kind, Target
from hedgerow_nodes.estimators.text.text_index import words

# Names of columns by which data sets of these tasks are commonly written down.
_NAMED: tuple[tuple[str, tuple[frozenset[str], ...]], ...] = (
    ("question-answering", (frozenset({"question"}), frozenset({"context", "passage"}))),
    ("multiple-choice", (frozenset({"question"}), frozenset({"choices", "options"}))),
    ("text-generation", (frozenset({"prompt", "instruction"}), frozenset({"response", "completion", "output"}))),
    (
        "summarization",
        (frozenset({"document", "article", "text", "dialogue"}), frozenset({"summary", "highlights", "abstract"})),
    ),
    ("translation", (frozenset({"source", "src"}), frozenset({"translation", "tgt", "reference"}))),
    ("text-ranking", (frozenset({"query"}), frozenset({"document", "passage"}), frozenset({"relevance", "score"}))),
)
_LANGUAGES = frozenset(
    "en de fr es it nl pl pt ru zh ja ko tr sv da fi cs el hu ro uk ar hi english german french".split()
)
_MODALITIES = {
    "image-classification": "cv",
    "image-to-text": "cv",
    "object-detection": "cv",
    "keypoint-detection": "cv",
}
_TABULAR = frozenset({"tabular-classification", "tabular-regression", "time-series-forecasting"})
_BOX = frozenset({"xmin", "ymin", "bbox", "box", "x1", "y1", "xcenter"})
_CLASSES = frozenset({Kind.BOOLEAN, Kind.CATEGORY})
TRANSCRIPT_WORDS = 3.0


def tasks_of(columns: Sequence[Column], target: Target | None) -> tuple[str, ...]:
    """The ids of the tasks, the likeliest first; empty where nothing can be told."""
    chosen = next((column for column in columns if target is not None and column.name == target.name), None)
    kinds = [column.kind for column in columns]
    names = [frozenset(words(column.name.replace("_", " "))) for column in columns]
    decides = chosen is not None and (chosen.kind in _CLASSES or bool(chosen.classes))
    if Kind.IMAGE in kinds:
        return _image_tasks(kinds, names, decides)
    if Kind.AUDIO in kinds:
        return ("automatic-speech-recognition",) if Kind.TEXT in kinds else ("audio-classification",)
    texts = [column for column in columns if column.kind is Kind.TEXT]
    for task, parts in _NAMED:
        if texts and all(any(part & name for name in names) for part in parts):
            return (task,)
    if len(texts) == 2 and all(frozenset(words(column.name)) & _LANGUAGES for column in texts):
        return ("translation",)
    measured = [column for column in columns if column.kind in (Kind.NUMBER, Kind.INTEGER) and column is not chosen]
    if texts and len(measured) <= len(texts):
        return _text_tasks(len(texts), decides)
    if chosen is None:
        return ()
    if decides:
        return ("tabular-classification",)
    if any(column.kind is Kind.TIME and column.ordered and column.distinct > 2 for column in columns):
        return ("time-series-forecasting", "tabular-regression")
    return ("tabular-regression",)


def modality_of(tasks: Sequence[str], columns: Sequence[Column]) -> str:
    """The taxonomy's modality for the tasks; `tabular` where there are none but columns."""
    if not tasks:
        return "nlp" if any(column.kind is Kind.TEXT for column in columns) else "tabular"
    if tasks[0] in _TABULAR:
        return "tabular"
    if tasks[0].startswith(("audio", "automatic-speech")):
        return "audio"
    return _MODALITIES.get(tasks[0], "nlp")


def _image_tasks(kinds: Sequence[Kind], names: Sequence[frozenset[str]], decides: bool) -> tuple[str, ...]:
    if any(_BOX & name for name in names):
        return ("object-detection",)
    if Kind.TEXT in kinds:
        return ("image-to-text", "visual-question-answering")
    return ("image-classification",) if decides else ("image-classification", "image-feature-extraction")


def _text_tasks(texts: int, decides: bool) -> tuple[str, ...]:
    if texts == 2:
        return ("sentence-similarity", "text-classification")
    return ("text-classification",) if decides else ("text-classification", "feature-extraction", "text-generation")
