"""How much of a data set is read at most, so that a look takes no longer than a moment, however large it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """Upper ends: of bytes of a file, of rows, columns and cells of a table, of entries and samples of a folder."""

    file_bytes: int = 8_000_000
    rows: int = 20_000
    columns: int = 500
    cells: int = 400_000
    folder_entries: int = 20_000
    folder_depth: int = 4
    sampled_images: int = 30
    row_group_bytes: int = 256_000_000

    def rows_of(self, columns: int) -> int:
        """How many rows of so many columns are read."""
        return max(1, min(self.rows, self.cells // max(1, columns)))


USUAL = Bounds()
