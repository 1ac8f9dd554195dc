"""Reads about serving that end in a 404 saying what there is."""

from __future__ import annotations

from typing import Any

from hedgerow_frontend.problem_details import not_found
from hedgerow_frontend.services import services

SHOWN_NAMES = 20


def find_service(name_or_id: str) -> dict[str, Any]:
    """A service with blueprint, plan and instances.

    Raises:
        ApiError: 404, with the names of those there are.
    """
    found = services().reader.service(name_or_id)
    if found is None:
        raise not_found(f"service {name_or_id!r} unknown; known: {_names(services().reader.services())}")
    return found


def find_worker(name_or_id: str) -> dict[str, Any]:
    """A worker as last seen.

    Raises:
        ApiError: 404, with the names of those there are.
    """
    found = services().reader.worker(name_or_id)
    if found is None:
        raise not_found(f"worker {name_or_id!r} unknown; known: {_names(services().reader.workers())}")
    return found


def _names(found: list[dict[str, Any]]) -> str:
    names = sorted({str(one["name"]) for one in found})
    more = f", and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more if names else "none yet"
