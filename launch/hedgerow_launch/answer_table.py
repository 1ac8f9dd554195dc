"""Shows a task's outputs as a table: what each stage answered, in which interval, and by which method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from hedgerow_launch.dataset_rows import dataset_rows
from hedgerow_launch.quantities import UNKNOWN, has_unit, interval, is_estimate, is_number, label, quantity

Output = Mapping[str, Any]
LISTED = 3
_STYLES = {"SUCCEEDED": "green", "FAILED": "red", "TIMED_OUT": "red", "RUNNING": "yellow"}
_VERDICT_STYLES = {"met": "green", "missed": "red", "unknown": "yellow"}


class Row(NamedTuple):
    """One line of the table."""

    what: str
    value: str
    interval: str = ""
    method: str = ""


def answer_table(task: Mapping[str, Any]) -> Table:
    """The table of one task; a stage that failed shows its reason instead of an output."""
    key = task["task"]
    table = Table(title=f"task {key['problem_id']}.{key['iteration_id']}: {task['state']}", title_justify="left")
    for column in ("stage", "what", "value", "interval", "method"):
        table.add_column(column, overflow="fold", no_wrap=column == "stage")
    for name, stage in task["stages"].items():
        for number, row in enumerate(stage_rows(stage)):
            heading = Text(name, _STYLES.get(stage["state"], "")) if number == 0 else Text("")
            # As Text, since what a person or an author's node wrote may look like Rich's markup.
            table.add_row(heading, *(Text(cell) for cell in row))
        table.add_section()
    for number, verdict in enumerate(task.get("verdicts") or []):
        row = verdict_row(verdict)
        style = _VERDICT_STYLES.get(row.value, "")
        cells = (Text(row.what), Text(row.value, style), Text(row.interval), Text(row.method))
        table.add_row(Text("limits" if number == 0 else ""), *cells)
    return table


def verdict_row(verdict: Mapping[str, Any]) -> Row:
    """How an iteration stands to one limit; the sentence is the front end's, the interval that of the figure."""
    limit, answer = verdict["limit"], verdict.get("answer")
    name = str(limit["name"])
    unit = "" if has_unit(name) or limit["unit"] == "1" else f" {limit['unit']}"
    shown = f"{interval(name, answer)}{unit}" if answer else ""
    return Row(str(verdict["said"]), str(verdict["verdict"]), shown, str(answer["method"]) if answer else "")


def verdict_count(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """How many limits are met, missed and unknown: `2 met, 1 missed`; empty where none was stated."""
    counts = Counter(str(verdict["verdict"]) for verdict in verdicts)
    return ", ".join(f"{counts[word]} {word}" for word in _VERDICT_STYLES if counts[word])


def stage_rows(stage: Mapping[str, Any]) -> list[Row]:
    """What to show of one stage: its output, or why there is none."""
    if error := stage.get("error"):
        return [Row(str(error.get("code") or stage["state"]), str(error.get("reason", "")))]
    if not stage.get("output"):
        return [Row(stage["state"].lower().replace("_", " "), UNKNOWN)]
    return list(output_rows(stage["output"])) or [Row("output", "nothing known")]


def output_rows(output: Output) -> Iterator[Row]:
    """The fields of any output, also of a type never seen before: unknown values and empty fields are left out."""
    method = next((str(output[key]) for key in ("decided_by",) if output.get(key)), "")
    for name, value in output.items():
        if is_estimate(value):
            if is_number(value["value"]):
                yield Row(label(name), quantity(name, value["value"]), interval(name, value), str(value["method"]))
        elif isinstance(value, bool):
            if value:
                yield Row(label(name), "yes")
        elif is_number(value):
            yield Row(label(name), quantity(name, value))
        elif isinstance(value, str):
            if value and name != "decided_by":
                yield Row(label(name), value)
        elif isinstance(value, Sequence) and value:
            yield from _list_rows(name, value, method)


def _list_rows(name: str, items: Sequence[Any], method: str) -> Iterator[Row]:
    if not all(isinstance(item, Mapping) for item in items):
        yield Row(label(name), ", ".join(str(item) for item in items))
    elif "class_balance" in items[0] and "columns" in items[0]:
        for item in items:
            yield from (Row(row.what, row.value) for row in dataset_rows(item))
    elif "comparison" in items[0]:
        for item in items:
            yield Row(f"limit: {label(str(item['name']))}", limit_text(item), "", str(item.get("found_in", "")))
    elif "score" in items[0]:
        best = [f"{item['id']} {quantity('score', item['score'])}" for item in items[:LISTED]]
        yield Row(label(name), ", ".join(best) + _more(items), "", method)
    elif "id" in items[0]:
        usable = [str(item["id"]) for item in items if not item.get("rejected")]
        rejected = f"; {len(items) - len(usable)} rejected" if len(usable) < len(items) else ""
        yield Row(label(name), (", ".join(usable[:LISTED]) or "none usable") + _more(usable) + rejected)
    else:
        yield Row(label(name), f"{len(items)} entries")


def limit_text(item: Mapping[str, Any]) -> str:
    """A limit in words: `<= 100 ms`; a flag is just set."""
    name, value, unit = str(item["name"]), item.get("value"), str(item.get("unit") or "")
    if unit == "flag":
        return "yes"
    shown = quantity(name, value) if has_unit(name) else f"{quantity('', value)} {unit}".rstrip()
    return f"{item['comparison']} {shown}"


def _more(items: Sequence[Any]) -> str:
    return f" and {len(items) - LISTED} more" if len(items) > LISTED else ""
