"""REST: everything about a problem as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.bodies import ProblemPath
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.drawings import POLICY
from hedgerow_frontend.export.csv_text import csv_text
from hedgerow_frontend.export.document import document
from hedgerow_frontend.export.html_text import html_text
from hedgerow_frontend.export.markdown_text import markdown_text
from hedgerow_frontend.lookups import find_problem
from hedgerow_frontend.report_queries import ExportQuery
from hedgerow_frontend.services import services

_FORMATS: Mapping[str, tuple[str, Callable[[dict[str, Any]], str]]] = MappingProxyType(
    {
        "json": ("application/json", lambda found: json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)),
        "csv": ("text/csv; charset=utf-8; header=present", csv_text),
        "md": ("text/markdown; charset=utf-8", markdown_text),
        "html": ("text/html; charset=utf-8", html_text),
    }
)
_FILE: dict[Any, Any] = {
    200: {
        "description": "The file, as an attachment.",
        "headers": {"Content-Disposition": {"description": "Its name.", "schema": {"type": "string"}}},
        "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind, _ in _FORMATS.values()},
    }
}

blueprint = APIBlueprint(
    "exports",
    __name__,
    url_prefix=f"{API}/problems",
    abp_tags=[Tag(name="problems", description="What was asked, and the answers to it.")],
    abp_responses=errors(503),
)


@blueprint.get("/<int:problem_id>/export", responses={**_FILE, **errors(404, 422)})
def export(path: ProblemPath, query: ExportQuery) -> Response:
    """Give everything about a problem as one file: what was asked, answered and tried, and by which versions."""
    kind, written = _FORMATS[query.format]
    reader = services().reader
    problem = find_problem(path.problem_id)
    attempts = [reader.attempts(**task["task"]) for task in problem["iterations"]]
    exported_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    found = document(problem, attempts, reader.nodes(), exported_at)
    name = f"hedgerow-problem-{path.problem_id}.{query.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Security-Policy": POLICY}
    return Response(written(found).encode("utf-8", "replace"), content_type=kind, headers=headers)
