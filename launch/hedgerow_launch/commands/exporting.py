"""`hedgerow problem export`: everything about a problem as a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hedgerow_launch.commands.printing import tell
from hedgerow_launch.failures import FAILED, USAGE, CommandFailure
from hedgerow_launch.rest_client import connect


class Format(StrEnum):
    """As which kind of file a problem is exported."""

    JSON = "json"
    CSV = "csv"
    MD = "md"
    HTML = "html"


def export(
    problem: Annotated[int, typer.Argument(metavar="P", min=1, help="Number of the problem.")],
    format: Annotated[
        Format, typer.Option("--format", help="json, csv, md (Markdown) or html (report).")
    ] = Format.JSON,
    output: Annotated[Path | None, typer.Option("--output", help="File to write; standard output if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Write everything about a problem into one file."""
    if as_json and format is not Format.JSON:
        raise CommandFailure(f"--json and --format {format.value} exclude each other; give one", USAGE)
    content = connect().download("problems", problem, "export", format=format.value)
    if output is None:
        typer.echo(content, nl=False)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise CommandFailure(f"{output} cannot be written ({error.strerror}); name another file", FAILED) from error
    tell(f"{output}: {len(content)} bytes")
