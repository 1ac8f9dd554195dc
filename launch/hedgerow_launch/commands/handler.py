"""`hedgerow handler`: what the workers can run."""

from __future__ import annotations

from typing import Annotated

import typer

from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.printing import AsJson, print_json, show
from hedgerow_launch.failures import CommandFailure
from hedgerow_launch.rest_client import connect
from hedgerow_launch.serving_tables import handlers_table, parameters_table, ports

app = typer.Typer(help="See what the workers can run.", cls=CommandGroup)


@app.command("list")
def list_handlers(as_json: AsJson = False) -> None:
    """List the handlers of every worker that is there."""
    answer = connect().get("handlers")
    if as_json:
        print_json(answer)
    else:
        show(handlers_table(answer["items"]))


@app.command("show")
def show_handler(
    handler: Annotated[str, typer.Argument(metavar="HANDLER", help="Its type, as `handler list` prints it.")],
    as_json: AsJson = False,
) -> None:
    """Show a handler's ports and parameters."""
    items = connect().get("handlers")["items"]
    found = next((one for one in items if one["name"] == handler), None)
    if found is None:
        known = ", ".join(one["name"] for one in items) or "none; is a worker there?"
        raise CommandFailure(f"handler {handler!r} unknown; known: {known}")
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['name']}: {found['description']}" if found["description"] else found["name"])
    typer.echo(
        f"{found['role']}, takes {ports(found['inputs']) or 'nothing'}, gives {ports(found['outputs']) or 'nothing'}"
    )
    if found["class_type"]:
        typer.echo(f"resource of the class {found['class_type']}")
    typer.echo(f"on {', '.join(found['workers'])}")
    if (found["parameters"] or {}).get("properties"):
        show(parameters_table(found["parameters"]))
