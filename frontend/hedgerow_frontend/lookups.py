"""Reads from the store that end in a 404 saying what there is, or in the 422 of a bad cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hedgerow_frontend.bodies import UINT32_MAX, PageQuery
from hedgerow_frontend.problem_details import ApiError, field_error, not_found
from hedgerow_frontend.services import Page, services
from hedgerow_orchestrator.store.errors import BadCursor


def find_problem(problem_id: int) -> dict[str, Any]:
    """A problem with all its iterations.

    Raises:
        ApiError: 404, with the range of those there are.
    """
    found = services().reader.problem(problem_id) if _possible(problem_id) else None
    if found is None:
        raise _unknown_problem(problem_id)
    return found


def find_task(problem_id: int, iteration_id: int) -> dict[str, Any]:
    """One iteration of a problem.

    Raises:
        ApiError: 404, with the range of those there are.
    """
    possible = _possible(problem_id) and _possible(iteration_id)
    found = services().reader.task(problem_id, iteration_id) if possible else None
    if found is not None:
        return found
    known = [task["task"]["iteration_id"] for task in find_problem(problem_id)["iterations"]]
    raise not_found(f"problem {problem_id} has no iteration {iteration_id}; it has {min(known)} to {max(known)}")


def find_node(name_or_id: str) -> dict[str, Any]:
    """A node as last seen.

    Raises:
        ApiError: 404, with the names of those there are.
    """
    found = services().reader.node(name_or_id)
    if found is None:
        known = ", ".join(sorted(node["name"] for node in services().reader.nodes())) or "none yet"
        raise not_found(f"node {name_or_id!r} unknown; known: {known}")
    return found


def page_of(read: Callable[..., Page], query: PageQuery, **filters: Any) -> dict[str, Any]:
    """One page of a list, as it is answered.

    Raises:
        ApiError: 422 for a cursor that no page gave.
    """
    try:
        page = read(limit=query.limit, cursor=query.cursor, **filters)
    except BadCursor:
        raise field_error("cursor", f"{query.cursor!r} is no cursor; use the `next` of the page before") from None
    return {"items": page.items, "next": page.next}


def _possible(number: int) -> bool:
    return 1 <= number <= UINT32_MAX


def _unknown_problem(problem_id: int) -> ApiError:
    newest = services().reader.problems(limit=1).items
    known = f"1 to {newest[0]['problem_id']}" if newest else "none yet"
    return not_found(f"problem {problem_id} unknown; known: {known}")
