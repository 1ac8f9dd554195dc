"""How commands print: data on standard output, as JSON or as a table, and everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_WIDTH_OF_FILES = 160

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print one JSON value."""
    typer.echo(json.dumps(value, indent=indent, ensure_ascii=False))


def show(renderable: RenderableType) -> None:
    """Print something of Rich's; what is no terminal gets a width at which tables stay whole."""
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    console.print(renderable)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; None is left empty."""
    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made


def tell(text: str) -> None:
    """Say something to the person who watches."""
    typer.echo(text, err=True)
