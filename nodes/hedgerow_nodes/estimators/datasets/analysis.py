"""Look into a data set, whatever it is, within bounds, and describe it; what it is called must be what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from hedgerow_nodes.estimators.datasets import sniffing
from hedgerow_nodes.estimators.datasets.bounds import USUAL, Bounds
from hedgerow_nodes.estimators.datasets.columns import describe_columns
from hedgerow_nodes.estimators.datasets.csv_reader import read_csv
from hedgerow_nodes.estimators.datasets.image_folder import profile_images
from hedgerow_nodes.estimators.datasets.json_reader import read_json
from hedgerow_nodes.estimators.datasets.parquet_reader import read_parquet
from hedgerow_nodes.estimators.datasets.profile import DatasetProfile, DatasetUnreadable
from hedgerow_nodes.estimators.datasets.table import Table
from hedgerow_nodes.estimators.datasets.table_tasks import modality_of, tasks_of
from hedgerow_nodes.estimators.datasets.target import guess_target

HEAD_BYTES = 4096
_EXPECTED: Mapping[str, str] = {
    ".csv": sniffing.TEXT,
    ".tsv": sniffing.TEXT,
    ".json": sniffing.JSON,
    ".jsonl": sniffing.JSON,
    ".ndjson": sniffing.JSON,
    ".parquet": sniffing.PARQUET,
}
_READERS: Mapping[str, Callable[[str, bytes, int, Bounds], Table]] = {sniffing.TEXT: read_csv, sniffing.JSON: read_json}
ENDINGS = tuple(_EXPECTED)


def analyse(path: Path, text: str = "", bounds: Bounds = USUAL) -> DatasetProfile:
    """Describe a file or a folder of images.

    Args:
        path: where it is.
        text: what the user wrote about the problem, which may name the column to be predicted.
        bounds: how much is read at most.

    Raises:
        DatasetUnreadable: it is not there, not what its name says, damaged, or nothing that is understood.
    """
    try:
        if path.is_dir():
            return profile_images(path, bounds)
        if not path.is_file():
            raise DatasetUnreadable(f"{path.name} is not there, or is neither a file nor a folder")
        return _described(path.name, _read(path, bounds), text)
    except OSError as error:
        raise DatasetUnreadable(f"{path.name} cannot be read: {error.strerror or error}") from error


def _read(path: Path, bounds: Bounds) -> Table:
    expected = _EXPECTED.get(path.suffix.casefold())
    if expected is None:
        raise DatasetUnreadable(
            f"{path.name} ends with none of {', '.join(ENDINGS)}; give such a file or a folder of images"
        )
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        found = sniffing.kind_of(head)
        if found != expected:
            raise DatasetUnreadable(_mismatch(path.name, found, expected))
        if expected == sniffing.PARQUET:
            return read_parquet(path, bounds)
        content = head + file.read(bounds.file_bytes - len(head))
    if sniffing.wide_encoding(content) is None and 0 in content:
        raise DatasetUnreadable(f"{path.name} begins as {expected}, but holds bytes that no text has; write it anew")
    table = _READERS[expected](path.name, content, path.stat().st_size, bounds)
    if table.rows is None:
        read = f"Only the first {table.rows_read} rows were looked at"
        return replace(table, remarks=(f"{read}, of {path.stat().st_size / 1e6:.1f} MB.", *table.remarks))
    return table


def _mismatch(name: str, found: str, expected: str) -> str:
    if found == sniffing.EMPTY:
        return f"{name} is empty; give a file with rows"
    kind = "text that is no JSON" if found == sniffing.TEXT else found
    wanted = {sniffing.TEXT: "a table as text", sniffing.JSON: "JSON"}.get(expected, expected)
    return f"{name} is not what its name says: it is {kind}, not {wanted}; give it its right name or another file"


def _described(name: str, table: Table, text: str) -> DatasetProfile:
    columns = describe_columns(table.columns)
    target = guess_target(columns, text)
    tasks = (table.task_hint,) if table.task_hint else tasks_of(columns, target)
    chosen = next((column for column in columns if target is not None and column.name == target.name), None)
    return DatasetProfile(
        name=name,
        format=table.format,
        modality="cv" if table.task_hint else modality_of(tasks, columns),
        rows=table.rows,
        rows_read=table.rows_read,
        rows_about=table.rows_about,
        columns=columns,
        target=target,
        balance=chosen.classes if chosen is not None else (),
        tasks=tasks,
        remarks=table.remarks,
    )
