"""Shows a task's outputs as a table: what each stage answered, in which interval, and by which method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hedgerow_launch.dataset_rows import dataset_rows
from hedgerow_launch.quantities import UNKNOWN, has_unit, interval, is_estimate, is_number, label, quantity

Output = Mapping[str, Any]
LISTED = 3
COUNTED_BY = "counted_by"
COUNTED = frozenset({"parameters", "flops_per_inference", "weights_bytes", "activation_bytes"})
_STYLES = {"SUCCEEDED": "green", "FAILED": "red", "TIMED_OUT": "red", "RUNNING": "yellow"}
_VERDICT_STYLES = {"met": "green", "missed": "red", "unknown": "yellow"}


class Row(NamedTuple):
    """One line of the table; the source is a number under `method`, and stands below the table in full."""

    what: str
    value: str
    interval: str = ""
    method: str = ""
    source: str = ""


def answer_table(task: Mapping[str, Any]) -> Group:
    """The table of one task and the sources below it; a stage that failed shows its reason instead of an output."""
    sources: dict[str, int] = {}
    key = task["task"]
    table = Table(title=f"task {key['problem_id']}.{key['iteration_id']}: {task['state']}", title_justify="left")
    for column in ("stage", "what", "value", "interval", "method"):
        table.add_column(column, overflow="fold", no_wrap=column == "stage")
    for name, stage in task["stages"].items():
        for number, row in enumerate(stage_rows(stage)):
            heading = Text(name, _STYLES.get(stage["state"], "")) if number == 0 else Text("")
            # As Text, since what a person or an author's node wrote may look like Rich's markup.
            table.add_row(heading, *_cells(row, sources))
        table.add_section()
    for number, verdict in enumerate(task.get("verdicts") or []):
        row = verdict_row(verdict)
        style = _VERDICT_STYLES.get(row.value, "")
        what, value, *others = _cells(row, sources)
        value.style = style
        table.add_row(Text("limits" if number == 0 else ""), what, value, *others)
    return Group(table, *(Text(f"[{number}] {source}") for source, number in sources.items()))


def _cells(row: Row, sources: dict[str, int]) -> tuple[Text, Text, Text, Text]:
    """The cells of a row; a source that is new gets the next number."""
    mark = f"[{sources.setdefault(row.source, len(sources) + 1)}]" if row.source else ""
    return Text(row.what), Text(row.value), Text(row.interval), Text(f"{row.method} {mark}".strip())


def verdict_row(verdict: Mapping[str, Any]) -> Row:
    """How an iteration stands to one limit; the sentence is the front end's, the interval that of the figure."""
    limit, answer = verdict["limit"], verdict.get("answer")
    name = str(limit["name"])
    unit = "" if has_unit(name) or limit["unit"] == "1" else f" {limit['unit']}"
    shown = f"{interval(name, answer)}{unit}" if answer else ""
    method, source = (str(answer.get(key) or "") if answer else "" for key in ("method", "source"))
    return Row(str(verdict["said"]), str(verdict["verdict"]), shown, method, source)


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
                shown, method_of = quantity(name, value["value"]), str(value["method"])
                yield Row(label(name), shown, interval(name, value), method_of, str(value["source"] or ""))
        elif isinstance(value, bool):
            if value:
                yield Row(label(name), "yes")
        elif is_number(value):
            yield Row(label(name), quantity(name, value), source=source_beside(name, output))
        elif isinstance(value, str):
            if value and name != "decided_by" and not is_source(name, output):
                yield Row(label(name), value)
        elif isinstance(value, Sequence) and value:
            yield from _list_rows(name, value, method)


def source_beside(name: str, output: Output) -> str:
    """Where a bare number is from, as a neighbour of it tells: `NAME_source`, or `counted_by` of a model's counts."""
    own = output.get(f"{name}_source")
    return str(own or (output.get(COUNTED_BY) if name in COUNTED else "") or "")


def is_source(name: str, output: Output) -> bool:
    """Tell whether a field is only the source of a number beside it."""
    return is_number(output.get(name.removesuffix("_source"))) or (name == COUNTED_BY and bool(output.keys() & COUNTED))


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
