"""Refusals and reasons as the pages of serving tell them."""

from __future__ import annotations

from hedgerow_frontend.problem_details import ApiError


def messages_of(error: ApiError) -> dict[str, str]:
    """What was wrong, by field and without its name before; what concerns no field stands under the empty name."""
    return {each.field: each.message.removeprefix(f"{each.field}: ") for each in error.errors} or {"": error.detail}


def sentence(reason: str) -> str:
    """The reason for a decision without the bare yes or no before it."""
    return reason.removeprefix("no: ").removeprefix("yes: ")


def clauses(reason: str) -> list[str]:
    """The parts of a long reason, the most important first."""
    return [part.strip() for part in reason.split("; ") if part.strip()]
