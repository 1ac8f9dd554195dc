"""Why a submission is not accepted."""

from __future__ import annotations


class SubmissionRefused(Exception):
    """A problem that is not accepted; `field` names what is wrong."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
