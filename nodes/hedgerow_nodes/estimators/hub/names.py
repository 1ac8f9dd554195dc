"""Names of models on a hub, as a user writes them: `hf:OWNER/NAME`, with `@REVISION` where it is not the newest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hedgerow_nodes.estimators.hub.interface import ModelUnknown

PREFIX = "hf:"
NEWEST = "main"
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"
_ID = re.compile(rf"(?:{_PART}/)?{_PART}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}")


@dataclass(frozen=True)
class HubName:
    """A model and one state of it: a branch, a tag or a commit."""

    model_id: str
    revision: str = NEWEST


def is_hub_name(text: str) -> bool:
    """Whether a required model is meant to be on the hub."""
    return text.strip().startswith(PREFIX)


def parse(text: str) -> HubName:
    """Read `hf:OWNER/NAME[@REVISION]`; the prefix may be left out.

    Raises:
        ModelUnknown: the hub has no such names.
    """
    model_id, _, revision = text.strip().removeprefix(PREFIX).partition("@")
    return HubName(checked_id(model_id), checked_revision(revision or NEWEST))


def checked_id(model_id: str) -> str:
    """The id, if it is one: it becomes part of an address and of a path.

    Raises:
        ModelUnknown: it is none.
    """
    if not _ID.fullmatch(model_id) or ".." in model_id or "--" in model_id:
        raise ModelUnknown(f"{model_id[:100]!r} is no hub name; write hf:OWNER/NAME or hf:OWNER/NAME@REVISION")
    return model_id


def checked_revision(revision: str) -> str:
    """The revision, if it is one.

    Raises:
        ModelUnknown: it is none.
    """
    if not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision:
        raise ModelUnknown(f"{revision[:100]!r} is no revision; name a branch, a tag or a commit")
    return revision


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit, which never changes."""
    return bool(_COMMIT.fullmatch(revision))
