"""The `hedgerow` command: its groups and their modules."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from hedgerow_launch.command_group import LazyGroup
from hedgerow_launch.compat.variables import translated

_COMMANDS = "hedgerow_launch.commands"


class HedgerowGroup(LazyGroup):
    """The commands of this package."""

    MODULES = {  # noqa: RUF012 - declared as a ClassVar in the base class
        "up": f"{_COMMANDS}.up:up",
        "down": f"{_COMMANDS}.down:down",
        "problem": f"{_COMMANDS}.problem:app",
        "task": f"{_COMMANDS}.task:app",
        "node": f"{_COMMANDS}.node:app",
        "topic": f"{_COMMANDS}.topic:app",
        "service": f"{_COMMANDS}.service:app",
        "worker": f"{_COMMANDS}.worker:app",
        "handler": f"{_COMMANDS}.handler:app",
        "telemetry": f"{_COMMANDS}.telemetry:app",
        "doctor": f"{_COMMANDS}.doctor:doctor",
        "demo": f"{_COMMANDS}.demo:demo",
        "compat": "hedgerow_launch.compat.command:app",
    }


app = typer.Typer(cls=HedgerowGroup, pretty_exceptions_enable=False, invoke_without_command=True)


@app.callback()
def hedgerow(
    ctx: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Run machine-learning systems as DDS nodes under one orchestrator.

    Exit codes: 0 done, 1 failed, 2 usage, 3 not reachable, 4 timed out, 130 interrupted.
    """
    if show_version:
        typer.echo(f"hedgerow {installed_version()}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def installed_version() -> str:
    """The installed package's version."""
    try:
        return version("hedgerow")
    except PackageNotFoundError:
        return "(run from its source, not installed)"


def main() -> None:
    """Run the command and leave with its exit code."""
    older = translated(os.environ)
    for warning in older.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    os.environ.update(older.variables)
    app(prog_name="hedgerow")


if __name__ == "__main__":
    main()
