"""What is known about a data set after a look into it: its columns, its classes, and how much of it was read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

IMBALANCED_SHARE = 0.8


class DatasetUnreadable(ValueError):
    """A data set that cannot be used; the message names the file, what is wrong with it and the way out."""


class Format(StrEnum):
    """How a data set is stored."""

    CSV = "CSV"
    JSON = "JSON"
    JSON_LINES = "JSON lines"
    COCO = "COCO annotations"
    PARQUET = "Parquet"
    IMAGES = "image folder"


class Kind(StrEnum):
    """What the values of a column are."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TIME = "time"
    CATEGORY = "category"
    TEXT = "text"
    IDENTIFIER = "identifier"
    IMAGE = "image file"
    AUDIO = "audio file"
    NESTED = "nested"
    EMPTY = "empty"


@dataclass(frozen=True)
class Column:
    """One column, as far as it was read.

    `missing` counts rows without a value, `odd` values that are not of the column's kind. `classes` holds (value, rows)
    of a column with few values, most frequent first. `ordered` says that the values never fall from row to row.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int
    odd: int = 0
    classes: tuple[tuple[str, int], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    ordered: bool = False
    mean_words: float = 0.0


@dataclass(frozen=True)
class Target:
    """The column that is likely to be predicted, and why it is thought so."""

    name: str
    why: str


@dataclass(frozen=True)
class DatasetProfile:
    """What a data set holds.

    Attributes:
        name: the file or folder, without its way.
        format: how it is stored.
        modality: one of the taxonomy's: cv, nlp, audio, tabular, other.
        rows: rows (images in a folder) in the whole set, None where it was not read to its end.
        rows_read: rows that the rest speaks of.
        rows_about: the whole, estimated from the bytes read; None where it is known or cannot be estimated.
        columns: none for images.
        target: None where nothing speaks for any column.
        balance: (class, rows) of the target, most frequent first; empty where it has no classes.
        tasks: ids of the tasks that it speaks for, the likeliest first.
        remarks: what a person should know, in sentences.
    """

    name: str
    format: Format
    modality: str
    rows: int | None
    rows_read: int
    rows_about: int | None
    columns: tuple[Column, ...]
    target: Target | None
    balance: tuple[tuple[str, int], ...]
    tasks: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """Cells without a value among those read."""
        return sum(column.missing for column in self.columns)

    @property
    def largest_share(self) -> float | None:
        """How much of the rows with a class the most frequent class has, 0 to 1; None without classes."""
        total = sum(count for _, count in self.balance)
        return self.balance[0][1] / total if total else None

    @property
    def imbalanced(self) -> bool:
        """One class has so many of the rows that accuracy says little."""
        share = self.largest_share
        return share is not None and share >= IMBALANCED_SHARE
