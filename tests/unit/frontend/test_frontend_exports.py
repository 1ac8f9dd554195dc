"""A problem as a file: whole, safe in a spreadsheet, never markup, and every number with its origin."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hedgerow_frontend.export.csv_text import csv_text
from hedgerow_frontend.export.document import SCHEMA, SCHEMA_VERSION
from hedgerow_frontend.export.markdown_text import escaped, markdown_text
from hedgerow_frontend.task_answers import AttemptAnswer, TaskAnswer

ADDRESS = "/api/v1/problems/{}/export"
VOID = {"meta", "link", "img", "input", "br", "hr"}


def _exported(web: Any, problem_id: int, format: str) -> Any:
    return web.get(ADDRESS.format(problem_id), query_string={"format": format})


def _table(web: Any, problem_id: int) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_exported(web, problem_id, "csv").text, newline="")))


@pytest.mark.parametrize(
    ("format", "kind"),
    [
        ("json", "application/json"),
        ("csv", "text/csv; charset=utf-8; header=present"),
        ("md", "text/markdown; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
    ],
)
def test_each_format_is_an_attachment_with_its_type_and_name(web: Any, format: str, kind: str) -> None:
    reply = _exported(web, 1, format)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, kind)
    assert reply.headers["Content-Disposition"] == f'attachment; filename="hedgerow-problem-1.{format}"'
    assert len(reply.data) > 1000


@pytest.mark.parametrize(
    ("path", "status"), [("/1/export?format=pdf", 422), ("/7/export", 404), ("/1/export?x=1", 422)]
)
def test_an_unknown_format_or_problem_is_refused(web: Any, path: str, status: int) -> None:
    assert web.get(f"/api/v1/problems{path}").status_code == status


def test_json_holds_everything(web: Any) -> None:
    found = json.loads(_exported(web, 1, "json").data)
    assert (found["schema"], found["schema_version"]) == (SCHEMA, SCHEMA_VERSION)
    assert found["versions"]["hedgerow"]
    assert {"carbon_footprint", "hw_resources"} <= {node["name"] for node in found["versions"]["nodes"]}
    for task in found["iterations"]:
        for attempt in task.pop("attempts"):
            AttemptAnswer.model_validate(attempt)
        TaskAnswer.model_validate(task)
    first, second = found["iterations"]
    assert first["request"]["location"] == "ES"
    assert first["stages"]["hw_resources"]["output"]["chosen"] == "jetson-orin-nano"
    assert first["verdicts"][0]["verdict"] == "met"
    assert second["error"]["code"] == "NO_MODEL"
    whole = web.get("/api/v1/problems/1").json["iterations"]
    assert [task["stages"] for task in found["iterations"]] == [task["stages"] for task in whole]


def test_csv_has_a_row_for_each_iteration_and_a_column_for_each_figure_with_its_origin(web: Any) -> None:
    first, second = _table(web, 1)
    assert (first["problem_id"], first["iteration_id"], first["state"], first["error"]) == ("1", "1", "SUCCEEDED", "")
    name = "hw_resources.latency_s"
    assert float(first[name]) == 0.0123
    assert float(first[f"{name}.low"]) < 0.0123 < float(first[f"{name}.high"])
    assert (first[f"{name}.method"], first[f"{name}.source"]) == ("roofline", "vendor data sheet 2023")
    assert first["limits.latency_s"] == "met"
    assert (second["error"], second["limits.latency_s"]) == ("NO_MODEL", "unknown")
    assert (second[name], second[f"{name}.low"], second[f"{name}.method"]) == ("", "", "")


CELL = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


def _problem(**words: str) -> dict[str, Any]:
    task = {
        "task": {"problem_id": 1, "iteration_id": 1},
        "state": "SUCCEEDED",
        "title": "t",
        "pipeline": "advice",
        "previous_iteration_id": None,
        "created_at": "2026-11-21T05:13:00.000Z",
        "finished_at": None,
        "error": None,
        "request": {"text": "t"},
        "stages": {"leaf": {"output": words}},
        "verdicts": [],
    }
    return {
        "exported_at": "2026-11-21T05:13:00Z",
        "versions": {"hedgerow": "0", "nodes": []},
        "problem": {"problem_id": 1, "title": words.get("remark", "t"), "created_at": "2026-11-21T05:13:00.000Z"},
        "iterations": [task],
    }


@given(name=CELL.filter(bool), value=CELL, start=st.sampled_from(["", "=", "+", "-", "@", " =", "\t", "\r", "＝", "|"]))
def test_no_cell_of_the_csv_begins_as_a_formula_does(name: str, value: str, start: str) -> None:
    text = csv_text(_problem(**{start + name: start + value}))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 2
    for cell in rows[0] + rows[1]:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', " =1", "\t=1"])
def test_a_formula_becomes_words(cell: str) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(_problem(remark=cell)), newline="")))
    assert rows[0]["leaf.remark"] == f"'{cell}"


def test_a_negative_number_stays_a_number() -> None:
    found = _problem()
    found["iterations"][0]["stages"]["leaf"]["output"] = {"offset_s": -2.5}
    assert next(csv.DictReader(io.StringIO(csv_text(found), newline="")))["leaf.offset_s"] == "-2.5"


@given(text=CELL)
@example(text="#")
@example(text="|")
def test_words_stay_words_in_markdown(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert shown.count("|") == shown.count("\\|")
    own = set(markdown_text(_problem(remark="harmless")).splitlines())
    lines = [line for line in markdown_text(_problem(remark=text)).splitlines() if line not in own]
    assert not any(line.startswith(text) for line in lines if text.startswith(("#", "* ")))


def test_markdown_tells_limits_and_figures_with_their_origin(web: Any) -> None:
    text = _exported(web, 1, "md").text
    assert "## Iteration 2: failed" in text
    assert "| latency\\_s | met | latency at most 100 ms: met with 12.3 ms (roofline). |" in text
    assert "| latency | 12.3 ms | 7.38 – 17.2 ms | s | roofline | vendor data sheet 2023 |" in text
    assert "The only edge device with enough memory" in text


class Report(HTMLParser):
    """The figures of a report and whatever could lead out of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self._in_figures = False
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._in_figures = dict(attrs).get("class") == "figures"
        if tag == "tr" and self._in_figures:
            self.rows.append([])
        if tag in ("td", "th") and self._in_figures:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "table":
            self._in_figures = False

    def handle_data(self, data: str) -> None:
        if self._in_figures and self._open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


@pytest.mark.parametrize("problem_id", [1, 2])
def test_the_report_refers_to_nothing_outside_itself(web: Any, problem_id: int) -> None:
    html = _exported(web, problem_id, "html").text
    page = Report(html)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    for _, attributes in page.tags:
        assert not [name for name in attributes if name in ("src", "srcset", "data") or name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in html
    assert "url(" not in html
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {(attributes.get("href") or "")[1:] for tag, attributes in page.tags if tag == "a"}
    assert targets <= set(ids)


def test_every_number_of_the_report_has_interval_unit_method_and_source(web: Any) -> None:
    rows = [row for row in Report(_exported(web, 1, "html").text).rows if row[0] != "Figure"]
    assert len(rows) > 30
    for row in rows:
        assert len(row) == 6
        assert all(row), row
    assert ["latency", "12.3 ms", "7.38 – 17.2 ms", "s", "roofline", "vendor data sheet 2023"] in rows


def test_what_users_write_is_never_markup_in_the_report(web: Any) -> None:
    html = _exported(web, 2, "html").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_problems_page_offers_every_format(web: Any) -> None:
    html = web.get("/problems/1").text
    for format in ("json", "csv", "md", "html"):
        assert f'href="/api/v1/problems/1/export?format={format}"' in html
