"""Each estimate on the pages says how it was found and from what: beside it, or as a tooltip where there is no room."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

PAGES = ["/problems/1", "/problems/1/iterations/1", "/compare?task=1.1&task=1.2&task=2.1"]


class Estimates(HTMLParser):
    """The estimates of a page whose value is known, each with what stands in it by class."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "span" and said.get("class") == "estimate":
            self.found.append({"title": said.get("title") or ""})
            self._inside = ["estimate"]
        elif self._inside:
            self._inside.append(said.get("class") or tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside:
            part = self._inside[-1]
            self.found[-1][part] = self.found[-1].get(part, "") + data.strip()


@pytest.mark.parametrize("path", PAGES)
def test_no_estimate_stands_alone(web: Any, path: str) -> None:
    known = [one for one in Estimates(web.get(path).text).found if one.get("b")]
    assert len(known) >= 3
    # On the page of a comparison what was asked for is exact, and has a tooltip that says where it was stated.
    assert [one for one in known if not (one.get("method") or path.startswith("/compare"))] == []
    assert [one for one in known if not (one.get("source") or one["title"])] == []


def test_exact_numbers_say_where_they_are_from(web: Any) -> None:
    text = web.get("/problems/1/iterations/1").text
    for source in ("data sheet of the board", "assumed of edge devices", "counted on the meta device"):
        assert source in text
