"""What the hub said of models, kept in the cache's folders so that it can be used again while the hub is away."""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hedgerow_nodes.estimators.hub.names import is_commit

_KEPT_FIELDS = (
    "id modelId sha pipeline_tag downloads likes lastModified gated tags library_name cardData model-index siblings"
).split()
_ABOUT = "about.json"


@dataclass(frozen=True)
class Record:
    """One state of a model as the hub described it; `note` says when, where the hub could not be asked now."""

    model_id: str
    commit: str
    about: dict[str, Any]
    heard_at_s: float
    note: str = ""

    def with_note(self, why: str) -> Record:
        """The record as something that was heard before."""
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(self.heard_at_s))
        return replace(self, note=f"as the hub said on {when}; {why}")


class Records:
    """The cache: `OWNER--NAME/COMMIT/` holds `about.json` and the files, `OWNER--NAME/refs/` the commit of a name."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def folder(self, model_id: str, commit: str) -> Path:
        """Where the files of that commit lie."""
        return self._model(model_id) / commit

    def find(self, model_id: str, revision: str) -> Record | None:
        """What was heard last about a revision; None if nothing, or nothing that can be read."""
        commit = revision if is_commit(revision) else self._commit(model_id, revision)
        path = self.folder(model_id, commit) / _ABOUT
        try:
            about = json.loads(path.read_bytes()) if commit else None
            heard_at_s = path.stat().st_mtime if commit else 0.0
        except (OSError, ValueError):
            return None
        return Record(model_id, commit, about, heard_at_s) if isinstance(about, dict) else None

    def keep(self, model_id: str, revision: str, commit: str, about: dict[str, Any]) -> Record:
        """Write down what was heard."""
        kept = {name: about[name] for name in _KEPT_FIELDS if name in about}
        self.write(self.folder(model_id, commit) / _ABOUT, json.dumps(kept).encode("utf-8"))
        self.write(self._reference(model_id, revision), commit.encode("ascii"))
        return Record(model_id, commit, kept, time.time())

    def write(self, path: Path, content: bytes) -> None:
        """Put a small file there, whole or not at all; a disk that takes nothing costs only the memory of it."""
        name = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        except OSError:
            if name:
                Path(name).unlink(missing_ok=True)

    def _commit(self, model_id: str, revision: str) -> str:
        try:
            found = self._reference(model_id, revision).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return ""
        return found if is_commit(found) else ""

    def _reference(self, model_id: str, revision: str) -> Path:
        return self._model(model_id) / "refs" / revision.replace("/", "--")

    def _model(self, model_id: str) -> Path:
        return self._cache / model_id.replace("/", "--")
