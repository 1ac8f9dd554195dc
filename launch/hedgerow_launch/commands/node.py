"""`hedgerow node`: see the nodes, command them, configure them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.printing import AsJson, print_json, show, table
from hedgerow_launch.failures import USAGE, CommandFailure
from hedgerow_launch.rest_client import connect

app = typer.Typer(help="See the nodes, command them, configure them.", cls=CommandGroup)

_ONLY_IN_JSON = ("info", "status", "output_schema", "configuration_schema")

NodeName = Annotated[str, typer.Argument(metavar="NODE", help="The node's name or id.")]


@app.command("list")
def list_nodes(as_json: AsJson = False) -> None:
    """List every node that was ever seen."""
    answer = connect().get("nodes")
    if as_json:
        print_json(answer)
        return
    rows = (
        (node["name"], node["state"], node["kind"], node["last_seen_at"], node["node_id"]) for node in answer["items"]
    )
    show(table(("node", "state", "kind", "last seen", "id"), rows))


@app.command("show")
def show_node(node: NodeName, as_json: AsJson = False) -> None:
    """Show what a node said about itself, and how it is."""
    answer = connect().get("nodes", node)
    if as_json:
        print_json(answer)
        return
    fields = {**answer, **(answer["info"] or {}), **(answer["status"] or {})}
    show(table(("field", "value"), ((key, value) for key, value in fields.items() if key not in _ONLY_IN_JSON)))


@app.command()
def start(node: NodeName, as_json: AsJson = False) -> None:
    """Bring a stopped node back to work."""
    _command(node, "START", as_json)


@app.command()
def stop(node: NodeName, as_json: AsJson = False) -> None:
    """Have a node give back its resources and take no work until START."""
    _command(node, "STOP", as_json)


@app.command()
def reset(node: NodeName, as_json: AsJson = False) -> None:
    """Have a node begin anew, also out of ERROR."""
    _command(node, "RESET", as_json)


@app.command()
def terminate(node: NodeName, as_json: AsJson = False) -> None:
    """Have a node's process leave; it comes back only if its launch file says `restart = "always"`."""
    _command(node, "TERMINATE", as_json)


@app.command()
def config(
    node: NodeName,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="JSON|KEY=VALUE", help="What to change; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a node's configuration, or change it while the node runs."""
    client = connect()
    if changes:
        answer = client.patch("nodes", node, "configuration", body=parse_changes(changes))
        configuration = answer["configuration"]
    else:
        configuration = _object(client.get("nodes", node)["info"]["configuration"])
    if as_json:
        print_json(configuration)
    else:
        show(table(("key", "value"), ((key, json.dumps(value)) for key, value in configuration.items())))


def parse_changes(changes: list[str]) -> dict[str, Any]:
    """The fields to change: each entry is a JSON object, or `key=value` with the value as JSON or else as text.

    Raises:
        CommandFailure: an entry is neither.
    """
    fields: dict[str, Any] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if change.lstrip().startswith("{"):
            try:
                fields.update(json.loads(change))
            except json.JSONDecodeError as error:
                raise CommandFailure(f"--set {change}: no valid JSON: {error}", USAGE) from error
        elif equals and key.strip():
            fields[key.strip()] = _json_or_text(value)
        else:
            raise CommandFailure(f"--set {change}: write KEY=VALUE or a JSON object", USAGE)
    return fields


def _command(node: str, command: str, as_json: bool) -> None:
    answer = connect().post("nodes", node, "commands", body={"command": command})
    if as_json:
        print_json(answer)
    else:
        typer.echo(f"{answer['name']}: {command} {answer['code'].lower()}, {answer['state']}")


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _object(configuration: Any) -> dict[str, Any]:
    """A configuration, which an announcement carries as JSON text."""
    parsed = json.loads(configuration or "{}") if isinstance(configuration, str) else configuration
    return dict(parsed or {})
