"""Every error is a problem details object, or a page where a browser asks for one."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow_frontend.answers import ProblemDetails
from hedgerow_orchestrator.store.errors import BlobCorrupt


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/problems/one", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("DELETE", "/api/v1/problems", 405, "method_not_allowed"),
        ("PUT", "/api/v1/nodes/x/configuration", 405, "method_not_allowed"),
    ],
)
def test_errors_are_problem_details(web: Any, method: str, path: str, status: int, code: str) -> None:
    reply = web.open(path, method=method)
    details = ProblemDetails.model_validate(reply.json)
    assert reply.mimetype == "application/problem+json"
    assert (reply.status_code, details.status, details.code, details.instance) == (status, status, code, path)


def test_a_method_that_is_not_possible_names_those_that_are(web: Any) -> None:
    reply = web.delete("/api/v1/problems")
    assert "possible: GET, HEAD, OPTIONS, POST" in reply.json["detail"]
    assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_browser_gets_a_page_and_the_api_stays_json(web: Any) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = web.get("/problems/77", headers=browser)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "problem 77 unknown; known: 1 to 2" in page.text
    assert web.get("/api/v1/problems/77", headers=browser).mimetype == "application/problem+json"


def test_a_form_that_is_too_large_is_a_413(web: Any) -> None:
    reply = web.post("/problems", data={"text": "x" * 300_000})
    assert (reply.status_code, reply.json["status"]) == (413, 413)
    assert (reply.json["title"], reply.json["code"]) == ("Content Too Large", "content_too_large")


class BrokenReader:
    """A reader with a bug."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def problems(self, **_: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), BlobCorrupt("secret")])
def test_a_bug_is_a_500_that_gives_nothing_away(make_app: Any, error: Exception) -> None:
    reply = make_app(reader=BrokenReader(error)).test_client().get("/api/v1/problems")
    assert (reply.status_code, reply.json["code"]) == (500, "internal_server_error")
    assert "secret" not in reply.text
