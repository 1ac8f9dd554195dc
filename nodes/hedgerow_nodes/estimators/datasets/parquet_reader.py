"""Read the first rows of a Parquet file, where the optional package pyarrow is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hedgerow_nodes.estimators.datasets.bounds import Bounds
from hedgerow_nodes.estimators.datasets.json_reader import cell_of
from hedgerow_nodes.estimators.datasets.profile import DatasetUnreadable, Format
from hedgerow_nodes.estimators.datasets.table import Table

PACKAGE = "pyarrow"


def read_parquet(path: Path, bounds: Bounds) -> Table:
    """Read rows of the first row group.

    Raises:
        DatasetUnreadable: pyarrow is not installed, the file is damaged, or its first row group is too large to open.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as missing:
        raise DatasetUnreadable(
            f"{path.name} is a Parquet file, which needs the optional package {PACKAGE}; "
            "install hedgerow[parquet] where the node runs, or give a CSV file"
        ) from missing
    try:
        with ParquetFile(path) as file:
            return _first_rows(path.name, file, bounds)
    except (ArrowException, OSError) as error:
        raise DatasetUnreadable(f"{path.name} is a damaged Parquet file: {str(error)[:200]}; write it anew") from error


def _first_rows(name: str, file: Any, bounds: Bounds) -> Table:
    total = int(file.metadata.num_rows)
    names = [str(field) for field in file.schema_arrow.names]
    if not total or not names:
        raise DatasetUnreadable(f"{name} holds no rows; give a file with rows")
    group_bytes = int(file.metadata.row_group(0).total_byte_size)
    if group_bytes > bounds.row_group_bytes:
        raise DatasetUnreadable(
            f"{name}: its first row group has {group_bytes / 1e6:.0f} MB, more than the "
            f"{bounds.row_group_bytes / 1e6:.0f} MB that are opened; write it in smaller row groups"
        )
    looked_at = names[: bounds.columns]
    rows = bounds.rows_of(len(looked_at))
    batch = next(file.iter_batches(batch_size=min(rows, total), row_groups=[0], columns=looked_at))
    columns = {column: [cell_of(value) for value in batch.column(n).to_pylist()] for n, column in enumerate(looked_at)}
    remarks = (
        []
        if len(names) == len(looked_at)
        else [f"Only the first {len(looked_at)} of {len(names)} columns were looked at."]
    )
    return Table(Format.PARQUET, columns, rows_read=batch.num_rows, rows=total, remarks=tuple(remarks))
