"""What Hedgerow asks of a hub of models, what it gets, and everything that can go wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class HubError(Exception):
    """The hub did not give what was asked; the message says why and the way out, and never holds a token."""

    code = "HUB_FAILED"


class HubUnreachable(HubError):
    """Nothing that can be used came from the hub."""

    code = "HUB_UNREACHABLE"


class HubTimedOut(HubUnreachable):
    """The hub did not answer in time."""


class HubBusy(HubError):
    """The hub takes no more requests for now; `retry_after_s` is its own word, None where it gave none."""

    code = "HUB_BUSY"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelUnknown(HubError):
    """No model, revision or file of that name is there, or it is hidden from whoever asks."""

    code = "MODEL_UNKNOWN"


class AccessDenied(HubError):
    """The model is given only to those who show a token and have been let in."""

    code = "MODEL_GATED"


class FileRefused(HubError):
    """A file that is not taken: of a kind that may hold code, too large, broken, or other than the hub said."""

    code = "MODEL_REFUSED"


class DownloadCancelled(HubError):
    """The file is no longer wanted; what has come stays for the next time."""


@dataclass(frozen=True)
class HubModel:
    """A model as a search shows it. None is unknown; times are as the hub writes them (ISO 8601)."""

    id: str
    task: str
    downloads: int | None
    likes: int | None
    licence: str
    last_modified: str
    gated: bool
    tags: tuple[str, ...]


@dataclass(frozen=True)
class CardResult:
    """A quality that the authors of a card state; `task` is the hub's tag, `source` an address."""

    task: str
    metric: str
    dataset: str
    value: float
    source: str


@dataclass(frozen=True)
class HubFile:
    """A file of a model: bytes, and the digest by which a copy is checked; empty and None are unknown.

    `sha256` is of the content, `git_sha1` of the content behind git's header for a blob.
    """

    name: str
    size_bytes: int | None
    sha256: str = ""
    git_sha1: str = ""


@dataclass(frozen=True)
class Card:
    """What a hub says of a model: facts, the results its authors state, and its text, shortened.

    `commit` is the state of the model that all this is of; `note` says where it comes from, if not from the hub now.
    """

    model: HubModel
    commit: str
    library: str
    base_models: tuple[str, ...]
    datasets: tuple[str, ...]
    languages: tuple[str, ...]
    results: tuple[CardResult, ...]
    text: str
    url: str
    note: str = ""


class Hub(Protocol):
    """A place that models come from. Every method may raise any HubError."""

    def search(self, query: str, task: str = "", limit: int = 20) -> tuple[HubModel, ...]:
        """Models whose name holds the words, most downloaded first."""

    def card(self, model_id: str, revision: str = "main") -> Card:
        """What is said of a model."""

    def files(self, model_id: str, revision: str = "main") -> tuple[HubFile, ...]:
        """All its files."""

    def first_bytes(self, model_id: str, revision: str, file: str, count: int) -> bytes:
        """The beginning of a file, without the rest of it."""

    def download(
        self,
        model_id: str,
        revision: str,
        file: str,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda came, size: None,
    ) -> Path:
        """A checked copy of a file on this host."""
