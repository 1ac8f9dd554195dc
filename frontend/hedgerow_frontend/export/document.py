"""A problem with all that was asked, answered and tried, as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hedgerow_frontend.presentation import judged

SCHEMA = "hedgerow/problem-export"
SCHEMA_VERSION = 1
PACKAGE = "hedgerow"


def document(
    problem: Mapping[str, Any],
    attempts: Sequence[Sequence[Mapping[str, Any]]],
    nodes: Sequence[Mapping[str, Any]],
    exported_at: str,
) -> dict[str, Any]:
    """The whole of a problem.

    Args:
        problem: with its iterations, as the store's reader gives it.
        attempts: of each iteration, in the same order.
        nodes: all that are known; those that took part are kept, with their versions.
        exported_at: UTC in ISO 8601.
    """
    took_part = {attempt["node_id"] for tried in attempts for attempt in tried}
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "exported_at": exported_at,
        "versions": {
            "hedgerow": package_version(),
            "nodes": [_node(node) for node in nodes if node["node_id"] in took_part],
        },
        "problem": {key: problem[key] for key in ("problem_id", "title", "created_at")},
        "iterations": [
            {**judged(task), "attempts": list(tried)}
            for task, tried in zip(problem["iterations"], attempts, strict=True)
        ],
    }


def package_version() -> str:
    """The version of Hedgerow; `unknown` where it runs without being installed."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "unknown"


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: node[key] for key in ("node_id", "name", "kind", "incarnation")}
    return {**kept, "version": str(node["info"].get("version") or "")}
