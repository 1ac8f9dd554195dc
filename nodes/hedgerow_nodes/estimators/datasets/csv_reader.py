"""Read the first rows of a file of values with separators between them, whichever separator, with or without header."""

from __future__ import annotations

import csv
from collections import Counter

from hedgerow_nodes.estimators.datasets.bounds import Bounds
from hedgerow_nodes.estimators.datasets.profile import DatasetUnreadable, Format
from hedgerow_nodes.estimators.datasets.sniffing import decoded
from hedgerow_nodes.estimators.datasets.table import Table, distinct_names, estimated_rows
from hedgerow_nodes.estimators.datasets.values import Cell, is_missing, number_of, time_of

SEPARATORS = (",", ";", "\t", "|")
PROBE_LINES = 50
PROBE_CHARACTERS = 200_000
LEAST_AGREEMENT = 0.8
# Cutting one line of a million values takes seconds.
LONGEST_FIRST_LINE = 1_000_000


def read_csv(name: str, content: bytes, file_bytes: int, bounds: Bounds) -> Table:
    """Read rows from the beginning of a file.

    Args:
        name: of the file, for messages.
        content: its first bytes.
        file_bytes: the size of the whole.
        bounds: how many rows and columns at most.

    Raises:
        DatasetUnreadable: the rows are no table.
    """
    text, encoding = decoded(content)
    cut = len(content) < file_bytes
    lines = text.splitlines(keepends=True)
    if cut and len(lines) > 1:
        lines.pop()
    if lines and len(lines[0]) > LONGEST_FIRST_LINE:
        raise DatasetUnreadable(
            f"{name}: its first line is longer than {LONGEST_FIRST_LINE} characters; give rows in lines"
        )
    separator = _separator(name, lines)
    rows: list[list[str]] = []
    reader = csv.reader(lines, delimiter=separator)
    ended = False
    try:
        for row in reader:
            if row and any(cell.strip() for cell in row):
                rows.append(row)
                if len(rows) > bounds.rows_of(len(rows[0])):
                    break
        else:
            ended = True
    except csv.Error as error:
        raise DatasetUnreadable(
            f"{name}: line {reader.line_num} is no CSV ({error}); repair it or save it anew"
        ) from error
    has_header = _has_header(rows)
    body = rows[1:] if has_header else rows
    if not body:
        raise DatasetUnreadable(f"{name} has a header and no rows; give a file with rows")
    width = len(rows[0])
    body = body[: bounds.rows_of(width)]
    names = distinct_names(rows[0] if has_header else [""] * width)[: bounds.columns]
    ragged = sum(len(row) != width for row in body)
    remarks = [f"The file is read as {encoding}."] if encoding != "utf-8" else []
    if not has_header:
        remarks.append("The first line is no header, so columns are called by their place.")
    if ragged:
        remarks.append(f"{ragged} rows have more or fewer values than the first line.")
    if width > bounds.columns:
        remarks.append(f"Only the first {bounds.columns} of {width} columns were looked at.")
    columns: dict[str, list[Cell]] = {
        column: [row[place] if place < len(row) else None for row in body] for place, column in enumerate(names)
    }
    whole = ended and not cut
    read_share = sum(map(len, lines[: reader.line_num])) / max(1, sum(map(len, lines)))
    return Table(
        Format.CSV,
        columns,
        rows_read=len(body),
        rows=len(body) if whole else None,
        rows_about=None if whole else estimated_rows(len(body), round(len(content) * read_share), file_bytes),
        remarks=tuple(remarks),
    )


def _separator(name: str, lines: list[str]) -> str:
    """The separator that cuts the first lines into equally many values, and into most."""
    probe: list[str] = []
    characters = 0
    for line in lines[:PROBE_LINES]:
        characters += len(line)
        if characters > PROBE_CHARACTERS and probe:
            break
        probe.append(line)
    best, best_width = "", 1
    for separator in SEPARATORS:
        try:
            widths = Counter(len(row) for row in csv.reader(probe, delimiter=separator) if row)
        except csv.Error:
            continue
        width, agreeing = widths.most_common(1)[0] if widths else (1, 0)
        if width > best_width and agreeing >= LEAST_AGREEMENT * widths.total():
            best, best_width = separator, width
    if best:
        return best
    # A table of one column has no separator; a text has one neither, but long lines.
    filled = [line.strip() for line in probe if line.strip()]
    if len(filled) >= 3 and all(number_of(line) is not None for line in filled[1:]):
        return ","
    raise DatasetUnreadable(
        f"{name} is no table: no comma, semicolon, tab or bar cuts its lines into equally many values; "
        "give a CSV file with a header line"
    )


def _has_header(rows: list[list[str]]) -> bool:
    """Names are words, all different, at most one left out; so a table of words alone loses its first row to them."""
    if not rows:
        return False
    first = [cell.strip() for cell in rows[0]]
    if any(number_of(cell) is not None or time_of(cell) is not None for cell in first):
        return False
    named = [cell for cell in first if not is_missing(cell)]
    return len(named) >= len(first) - 1 and len(set(named)) == len(named)
