"""What can go wrong with the store, sorted by what the caller can do about it."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do what was asked, and trying again does not help."""


class StoreUnavailable(StoreError):
    """The store is locked, full, read-only or not reachable; nothing was written, the same call may succeed later."""


class StoreMissing(StoreError):
    """There is no store yet at the place named; the orchestrator makes it when it starts."""


class CommitUncertain(StoreError):
    """The connection broke during COMMIT: whether the changes were written is unknown; start again from the store."""


class BlobCorrupt(StoreError):
    """A payload outside the tables is gone or is not the one that was written."""


class BadCursor(StoreError):
    """A page cursor that no page of this list gave out."""
