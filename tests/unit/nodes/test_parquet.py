"""Parquet files: read where pyarrow is installed, and clearly refused where it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hedgerow_nodes.estimators.datasets.analysis import analyse
from hedgerow_nodes.estimators.datasets.bounds import Bounds
from hedgerow_nodes.estimators.datasets.profile import DatasetUnreadable, Format, Kind


def test_without_pyarrow_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "cows.parquet"
    path.write_bytes(b"PAR1 and more")
    with pytest.raises(DatasetUnreadable, match=r"cows\.parquet .* needs the optional package pyarrow; install"):
        analyse(path)


def test_the_first_rows_are_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="reads Parquet with the extra hedgerow[parquet]")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table(
        {
            "weight_kg": [float(n) / 2 if n % 10 else None for n in range(1000)],
            "breed": [("Angus", "Hereford")[n % 2] for n in range(1000)],
            "box": [[1, 2] for _ in range(1000)],
            "sick": [n % 4 == 0 for n in range(1000)],
        }
    )
    path = tmp_path / "cows.parquet"
    parquet.write_table(table, path)
    profile = analyse(path)
    assert (profile.format, profile.rows, profile.rows_read) == (Format.PARQUET, 1000, 1000)
    assert [one.kind for one in profile.columns] == [Kind.NUMBER, Kind.CATEGORY, Kind.NESTED, Kind.BOOLEAN]
    assert profile.columns[0].missing == 100
    assert profile.balance == (("false", 750), ("true", 250))
    assert profile.tasks == ("tabular-classification",)
    assert analyse(path, bounds=Bounds(rows=10)).rows_read == 10
    assert analyse(path, bounds=Bounds(rows=10)).rows == 1000
    with pytest.raises(DatasetUnreadable, match="first row group has"):
        analyse(path, bounds=Bounds(row_group_bytes=10))


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="reads Parquet with the extra hedgerow[parquet]")
    path = tmp_path / "cows.parquet"
    path.write_bytes(b"PAR1" + b"\x07" * 200 + b"PAR1")
    with pytest.raises(DatasetUnreadable, match="damaged Parquet file"):
        analyse(path)
