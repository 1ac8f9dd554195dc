"""The Hugging Face hub, by its public HTTP API; what was fetched once is used again without it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from hedgerow_nodes.estimators.hub import replies
from hedgerow_nodes.estimators.hub.access import Access
from hedgerow_nodes.estimators.hub.allowed_files import check_file
from hedgerow_nodes.estimators.hub.downloads import fetch
from hedgerow_nodes.estimators.hub.interface import (
    Card,
    FileRefused,
    HubFile,
    HubModel,
    HubUnreachable,
    ModelUnknown,
)
from hedgerow_nodes.estimators.hub.names import checked_id, checked_revision, is_commit
from hedgerow_nodes.estimators.hub.records import Record, Records
from hedgerow_nodes.estimators.hub.transport import Transport

MOST_SEARCHED = 100
MOST_FILE_BYTES = 50_000_000_000
_MOST_ANSWER_BYTES = 16_000_000
_MOST_README_BYTES = 1_000_000
_FRESH_S = 60.0


class HuggingFace:
    """A hub with the HTTP API of huggingface.co.

    Args:
        access: where it is and who asks.
        cache: folder for what was fetched; one model's files lie in a folder of their commit.
        timeout_s: for each answer, and for each silence within a download.
        most_bytes: the largest file that is fetched.
    """

    def __init__(self, access: Access, cache: Path, timeout_s: float = 10.0, most_bytes: int = MOST_FILE_BYTES) -> None:
        self._access = access
        self._transport = Transport(access, timeout_s)
        self._records = Records(cache)
        self._most_bytes = most_bytes
        self._fresh: dict[tuple[str, str], tuple[float, Record]] = {}

    def search(self, query: str, task: str = "", limit: int = 20) -> tuple[HubModel, ...]:
        """Models whose name holds the words, most downloaded first; an empty query finds all of a task."""
        asked = {"search": query, "pipeline_tag": task, "limit": str(max(1, min(limit, MOST_SEARCHED)))}
        given = {name: value for name, value in asked.items() if value} | {"sort": "downloads"}
        found = replies.models(self._json(f"/api/models?{urlencode({**given, 'full': 'true'})}"))
        return found[:limit]

    def card(self, model_id: str, revision: str = "main") -> Card:
        """What is said of a model; the last that was heard, and a note that says so, where the hub is away."""
        record = self.record(model_id, revision)
        url = f"{self._access.endpoint}/{model_id}"
        return replies.card(record.about, self._readme(record), url, record.note)

    def files(self, model_id: str, revision: str = "main") -> tuple[HubFile, ...]:
        """All files of that state of the model."""
        return replies.files(self.record(model_id, revision).about)

    def first_bytes(self, model_id: str, revision: str, file: str, count: int) -> bytes:
        """The beginning of a file that may be fetched, by a range request; without the hub if it is here already."""
        record = self.record(model_id, revision)
        whole = self._records.folder(model_id, record.commit) / check_file(file)
        kept = whole.parent / "beginnings" / file
        for copy in (whole, kept):
            if copy.is_file() and (copy is whole or copy.stat().st_size >= count):
                with copy.open("rb") as content:
                    return content.read(count)
        asked = {"Range": f"bytes=0-{count - 1}"}
        came = self._transport.read(_address(model_id, record.commit, file), count, asked)[:count]
        if len(came) == count:
            self._records.write(kept, came)
        return came

    def download(
        self,
        model_id: str,
        revision: str,
        file: str,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda came, size: None,
    ) -> Path:
        """A checked copy in the folder of the model's commit; without the hub if it is there already."""
        record = self.record(model_id, revision)
        stated = next((one for one in replies.files(record.about) if one.name == check_file(file)), None)
        if stated is None:
            raise ModelUnknown(f"{model_id} has no file {file} at {record.commit}")
        return fetch(
            self._transport,
            _address(model_id, record.commit, file),
            stated,
            self._records.folder(model_id, record.commit) / file,
            self._most_bytes,
            cancelled,
            progress,
        )

    def record(self, model_id: str, revision: str = "main") -> Record:
        """What the hub says of a state of a model: asked anew after a minute, for a commit never."""
        key = (checked_id(model_id), checked_revision(revision))
        at_s, known = self._fresh.get(key, (0.0, None))
        if known is not None and time.monotonic() - at_s < _FRESH_S:
            return known
        kept = self._records.find(*key)
        if kept is not None and kept.commit == revision:
            return kept
        path = f"/api/models/{_quoted(model_id)}/revision/{quote(revision, safe='')}?blobs=true"
        try:
            about = self._json(path)
        except HubUnreachable as error:
            if kept is None:
                raise
            return kept.with_note(str(error))
        if not isinstance(about, dict) or not replies.commit(about):
            raise HubUnreachable(f"the hub's answer about {model_id} names no commit, so it cannot be used")
        if is_commit(revision) and replies.commit(about) != revision:
            raise HubUnreachable(f"the hub answered about another commit of {model_id} than {revision}")
        record = self._records.keep(*key, replies.commit(about), about)
        self._fresh[key] = (time.monotonic(), record)
        return record

    def _readme(self, record: Record) -> str:
        if not any(file.name == "README.md" for file in replies.files(record.about)):
            return ""
        kept = self._records.folder(record.model_id, record.commit) / "README.md"
        if kept.is_file():
            return kept.read_text(encoding="utf-8", errors="replace")
        try:
            read = self._transport.read(_address(record.model_id, record.commit, "README.md"), _MOST_README_BYTES)
        except HubUnreachable:
            # The facts are known without it.
            return ""
        text = read[:_MOST_README_BYTES].decode("utf-8", "replace")
        self._records.write(kept, text.encode("utf-8"))
        return text

    def _json(self, path: str) -> Any:
        answer = self._transport.read(path, _MOST_ANSWER_BYTES)
        if len(answer) > _MOST_ANSWER_BYTES:
            raise FileRefused(f"the hub's answer is longer than {_MOST_ANSWER_BYTES} bytes")
        try:
            return json.loads(answer)
        except (ValueError, RecursionError) as error:
            raise HubUnreachable("the hub's answer is no JSON; is its address right?") from error


def _address(model_id: str, revision: str, file: str) -> str:
    return f"/{_quoted(model_id)}/resolve/{quote(revision, safe='')}/{quote(file)}"


def _quoted(model_id: str) -> str:
    return quote(model_id, safe="/")
