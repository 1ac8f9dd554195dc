"""A chain of three handlers whose items are numbered, and what has come through it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from serving_system import Serving


def chain(name: str, file: Path, source: dict[str, Any] | None = None, **requires: dict[str, Any]) -> dict[str, Any]:
    """Numbers that are worked once each and written to a file; handlers `numbers`, `work` and `out`."""
    handlers: list[dict[str, Any]] = [
        {"name": "numbers", "type": "count", "parameters": source or {"pause_s": 0.01}},
        {"name": "work", "type": "step"},
        {"name": "out", "type": "json_lines", "parameters": {"path": str(file)}},
    ]
    return {
        "name": name,
        "placement": {"replace": "never"},
        "handlers": [{**each, "requires": requires.get(str(each["name"]), {})} for each in handlers],
        "links": [{"from": "numbers.record", "to": "work.record"}, {"from": "work.record", "to": "out.value"}],
    }


def lines(file: Path) -> list[dict[str, Any]]:
    """What the sink has written, whole lines only."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def grows(serving: Serving, file: Path, by: int = 30) -> None:
    """Wait until so many more items are through."""
    had = len(lines(file))
    serving.until(lambda: len(lines(file)) >= had + by, f"{by} more lines than {had}")


def all_once(file: Path) -> None:
    """No item is missing, and none is there twice."""
    sequences = [line["sequence"] for line in lines(file)]
    assert sorted(sequences) == list(range(len(sequences)))
