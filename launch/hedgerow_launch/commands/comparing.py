"""`hedgerow problem compare`: iterations side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from hedgerow_launch.commands.printing import AsJson, print_json, show, tell
from hedgerow_launch.comparison_table import comparison_table
from hedgerow_launch.rest_client import connect


def compare_iterations(
    tasks: Annotated[list[str], typer.Argument(metavar="P.I...", help="Iterations, such as 1.1 1.2 2.1.")],
    differences: Annotated[bool, typer.Option("--differences", help="Only rows in which they differ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put iterations side by side, of one problem or of several."""
    found = connect().get("comparisons", task=tasks, differences="true" if differences else None)
    if as_json:
        print_json(found)
        return
    show(comparison_table(found))
    if not found["rows"]:
        tell("they say the same in everything")
