"""Read the first records of a JSON file: a list of objects, one object a line, an object of lists, or COCO."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hedgerow_nodes.estimators.datasets.bounds import Bounds
from hedgerow_nodes.estimators.datasets.profile import DatasetUnreadable, Format
from hedgerow_nodes.estimators.datasets.sniffing import decoded
from hedgerow_nodes.estimators.datasets.table import Table, estimated_rows
from hedgerow_nodes.estimators.datasets.values import NESTED, Cell

_SPACE = " \t\r\n"
_WAYS = "give a list of objects, or one object a line"


def read_json(name: str, content: bytes, file_bytes: int, bounds: Bounds) -> Table:
    """Read records from the beginning of a file; arguments as in `read_csv`.

    Raises:
        DatasetUnreadable: there are no records.
    """
    text, _ = decoded(content)
    cut = len(content) < file_bytes
    start = text.lstrip()
    lines = not start.startswith("[")
    if not cut and lines:
        whole = _whole_object(start)
        if whole is not None:
            return _of_object(name, whole, bounds)
    position = 0 if lines else text.index("[") + 1
    records: list[dict[str, Any]] = []
    ended = True
    try:
        for value, end in _values(text, position):
            if not isinstance(value, dict):
                raise DatasetUnreadable(f"{name} holds {_short(value)} where an object is expected; {_WAYS}")
            records.append(value)
            position = end
            if len(records) >= bounds.rows_of(len(records[0])):
                ended = not text[position:].strip(_SPACE + ",]")
                break
    except (ValueError, RecursionError) as error:
        if isinstance(error, DatasetUnreadable):
            raise
        if not (cut and records):
            raise DatasetUnreadable(f"{name} is no valid JSON: {_said(error)}; repair it or write it anew") from error
    whole_read = ended and not cut
    about = None if whole_read else estimated_rows(len(records), len(text[:position].encode("utf-8")), file_bytes)
    return _of_records(name, Format.JSON_LINES if lines else Format.JSON, records, whole_read, about, bounds)


def _values(text: str, position: int) -> Iterator[tuple[Any, int]]:
    """The JSON values of a text one after another, with commas or space between, and where each ends."""
    decoder = json.JSONDecoder()
    while True:
        while position < len(text) and text[position] in _SPACE + ",":
            position += 1
        if position >= len(text) or text[position] == "]":
            return
        value, position = decoder.raw_decode(text, position)
        yield value, position


def _whole_object(text: str) -> dict[str, Any] | None:
    """The text as one object; None where it is several, or none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _of_object(name: str, content: dict[str, Any], bounds: Bounds) -> Table:
    annotations = content.get("annotations")
    if isinstance(content.get("images"), list) and isinstance(annotations, list):
        return _of_coco(name, content, annotations, bounds)
    lists = {key: value for key, value in content.items() if isinstance(value, list)}
    if len(lists) == len(content) and len(lists) > 1 and len({len(value) for value in lists.values()}) == 1:
        count = len(next(iter(lists.values())))
        names = list(lists)[: bounds.columns]
        records = [{key: lists[key][row] for key in names} for row in range(min(count, bounds.rows_of(len(names))))]
        return _of_records(name, Format.JSON, records, len(records) == count, count, bounds)
    for value in lists.values():
        if value and all(isinstance(entry, dict) for entry in value):
            records = value[: bounds.rows_of(len(value[0]))]
            return _of_records(name, Format.JSON, records, len(records) == len(value), len(value), bounds)
    if any(isinstance(value, dict) for value in content.values()) or lists:
        raise DatasetUnreadable(f"{name} is one JSON object without a list of records in it; {_WAYS}")
    return _of_records(name, Format.JSON_LINES, [content], True, None, bounds)


def _of_coco(name: str, content: dict[str, Any], annotations: list[Any], bounds: Bounds) -> Table:
    """Annotations of images in the layout of the COCO data set: a class for each, and boxes, outlines or points."""
    known = [one for one in annotations if isinstance(one, dict)]
    categories = content.get("categories")
    names = {
        str(one.get("id")): str(one.get("name"))
        for one in (categories if isinstance(categories, list) else ())
        if isinstance(one, dict)
    }
    looked_at = known[: bounds.rows]
    classes: list[Cell] = [names.get(str(one.get("category_id")), str(one.get("category_id"))) for one in looked_at]
    if not known:
        raise DatasetUnreadable(f"{name} is COCO's layout without annotations; give the file that holds them")
    first = known[0]
    task = "keypoint-detection" if "keypoints" in first else "object-detection" if "bbox" in first else ""
    task = task or ("image-to-text" if "caption" in first else "image-classification")
    return Table(
        Format.COCO,
        {"category": classes} if "category_id" in first else {},
        rows_read=len(looked_at),
        rows=len(known),
        remarks=(f"{len(known)} annotations of {len(content['images'])} images.",),
        task_hint=task,
    )


def _of_records(
    name: str, format_: Format, records: list[dict[str, Any]], whole: bool, about: int | None, bounds: Bounds
) -> Table:
    keys = list(dict.fromkeys(key for record in records for key in record))
    if not records or not keys:
        raise DatasetUnreadable(f"{name} holds no records with values; {_WAYS}")
    remarks = []
    if len(keys) > bounds.columns:
        remarks.append(f"Only the first {bounds.columns} of {len(keys)} keys were looked at.")
    columns = {key: [cell_of(record.get(key)) for record in records] for key in keys[: bounds.columns]}
    return Table(
        format_,
        columns,
        rows_read=len(records),
        rows=len(records) if whole else None,
        rows_about=None if whole else about,
        remarks=tuple(remarks),
    )


def cell_of(value: Any) -> Cell:
    """A value of JSON or Parquet as a cell of a table."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, Mapping, bytes)):
        return NESTED
    return str(value)


def _said(error: Exception) -> str:
    return "its lists or objects are nested too deep" if isinstance(error, RecursionError) else str(error)[:200]


def _short(value: Any) -> str:
    return f"the {'list' if isinstance(value, list) else 'value'} {json.dumps(value)[:40]}"
