"""A problem as Markdown: what was asked, how the limits were kept, and each stage's figures with their origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hedgerow_frontend.export.lines import Line, lines_of
from hedgerow_frontend.formatting import moment
from hedgerow_frontend.labels import stage_title
from hedgerow_frontend.presentation import figures, outputs_of

_MARKS = re.compile(r"([\\`*_\[\]|~#])")
_FIGURE_HEAD = ("figure", "value", "interval", "unit", "method", "source")


def markdown_text(found: Mapping[str, Any]) -> str:
    """The report of an exported problem."""
    return "\n".join(_lines(found)) + "\n"


def escaped(text: object) -> str:
    """Words that stay words in Markdown, on one line."""
    plain = " ".join(str(text).split())
    return _MARKS.sub(r"\\\1", plain).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    problem = found["problem"]
    yield f"# Problem {problem['problem_id']}"
    yield from ("", f"> {escaped(problem['title'])}", "")
    said = f"Exported {moment(found['exported_at'])} UTC by Hedgerow {escaped(found['versions']['hedgerow'])}."
    yield from (said, "", "## Iterations", "")
    head = ("iteration", "state", "model", "device", "limits")
    yield from _table(head, (_summary(task) for task in found["iterations"]))
    for task in found["iterations"]:
        yield from _iteration(task)


def _summary(task: Mapping[str, Any]) -> Sequence[object]:
    short = figures(task)
    kept = ", ".join(f"{one['limit']['name']} {one['verdict']}" for one in task["verdicts"])
    return (task["task"]["iteration_id"], task["state"], short.model or "–", short.device or "–", kept or "–")


def _iteration(task: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", f"## Iteration {task['task']['iteration_id']}: {escaped(task['state'].lower())}", "")
    if task["error"]:
        yield from (f"{escaped(task['error']['code'])}: {escaped(task['error']['reason'])}", "")
    yield from ("### What was asked", "")
    yield from _said(lines_of(task["request"], "request"))
    if task["verdicts"]:
        yield from ("", "### Limits", "")
        yield from _table(("limit", "verdict", "why"), (_verdict(one) for one in task["verdicts"]))
    for stage, output in outputs_of(task).items():
        if output:
            yield from ("", f"### {escaped(stage_title(stage))}", "")
            if isinstance(output.get("explanation"), str) and output["explanation"]:
                yield from (escaped(output["explanation"]), "")
            yield from _said(lines_of(output, stage))


def _verdict(one: Mapping[str, Any]) -> Sequence[object]:
    return (one["limit"]["name"], one["verdict"], one["said"])


def _said(lines: Sequence[Line]) -> Iterator[str]:
    words = [line for line in lines if not line.is_number]
    yield from (f"* {escaped(line.label)}: {escaped(line.value)}" for line in words)
    numbers = [line for line in lines if line.is_number]
    if words and numbers:
        yield ""
    if numbers:
        rows = ((one.label, one.value, one.interval, one.unit, one.method, one.source) for one in numbers)
        yield from _table(_FIGURE_HEAD, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows)
