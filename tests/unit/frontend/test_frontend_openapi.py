"""The OpenAPI document: the committed one is the served one, and it knows every address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hedgerow_frontend

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"


@pytest.fixture
def served(web: Any) -> dict[str, Any]:
    document: dict[str, Any] = web.get("/api/v1/openapi.json").json
    return document


def test_the_committed_document_is_the_served_one(served: dict[str, Any]) -> None:
    hint = "run `python -m hedgerow_frontend --openapi > docs/openapi.json` and look at what changed"
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == served, hint


def test_it_needs_no_running_front_end(served: dict[str, Any]) -> None:
    assert hedgerow_frontend.openapi_document() == served


def test_every_address_of_the_interface_is_in_it(make_app: Any, served: dict[str, Any]) -> None:
    rules = make_app().url_map.iter_rules()
    served_here = {
        (str(rule).replace("<int:", "{").replace("<", "{").replace(">", "}"), method.lower())
        for rule in rules
        if str(rule).startswith("/api/v1/") and rule.endpoint != "openapi"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, item in served["paths"].items() for method in item}
    assert served_here <= documented


def test_references_lead_somewhere(served: dict[str, Any]) -> None:
    assert served["openapi"].startswith("3.1")
    schemas = served["components"]["schemas"]

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for inner in value.values() for found in references(inner)]
        return [found for inner in value for found in references(inner)] if isinstance(value, list) else []

    found = references(served)
    assert found
    assert {reference.removeprefix("#/components/schemas/") for reference in found} <= schemas.keys()


def test_errors_are_documented_as_problem_details(served: dict[str, Any]) -> None:
    operation = served["paths"]["/api/v1/problems"]["post"]
    for status in ("409", "415", "422", "503"):
        assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
    assert "Location" in operation["responses"]["202"]["headers"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
