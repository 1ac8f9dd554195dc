"""`hedgerow service`: deploy blueprints, look at what runs, move it, ask it, end it."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from hedgerow_launch.blueprint_file import BlueprintFile, read_blueprint
from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.printing import AsJson, print_json, show, tell
from hedgerow_launch.commands.service_items import infer, rates, trace, upload
from hedgerow_launch.commands.service_moves import migrate, place
from hedgerow_launch.commands.service_options import ServiceName
from hedgerow_launch.failures import FAILED, USAGE, CommandFailure
from hedgerow_launch.rest_client import Refused, RestClient, connect
from hedgerow_launch.service_watch import ServiceWatch, told
from hedgerow_launch.serving_tables import epochs_table, instances_table, services_table

PLACING_TIMEOUT_S = 90.0

app = typer.Typer(help="Deploy blueprints, look at services, move them, ask them.", cls=CommandGroup)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A blueprint, .toml or .json.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it runs.")]
Watch = Annotated[bool, typer.Option("--watch", help="The same, and show what happens.")]
Timeout = Annotated[float | None, typer.Option("--timeout", metavar="S", min=0, help="Longest wait, in seconds.")]


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """Say what is wrong with a blueprint, or how it would be placed now."""
    written = read_blueprint(file)
    answer = _asked(written, connect(), "services", "check", body={"blueprint": written.fields})
    if as_json:
        print_json(answer)
    else:
        for problem in answer["problems"]:
            typer.echo(written.explained(f"{problem['field']}: {problem['message']}"))
        if answer["ok"]:
            typer.echo(f"{file}: can be deployed")
            if answer.get("reason"):
                typer.echo(f"  where it runs is not known before: {answer['reason']}")
            for instance, worker in ((answer.get("plan") or {}).get("places") or {}).items():
                typer.echo(f"  {instance.removesuffix('#0')} on {worker}")
    if not answer["ok"]:
        raise typer.Exit(FAILED)


@app.command()
def deploy(
    file: File,
    name: Annotated[str | None, typer.Option("--name", help="Of the service; the blueprint's if left out.")] = None,
    stopped: Annotated[bool, typer.Option("--stopped", help="Prepare it, and wait for `service start`.")] = False,
    wait: Wait = False,
    watch: Watch = False,
    timeout: Timeout = None,
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key with the same blueprint deploys once.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Deploy a blueprint."""
    _check_timeout(wait or watch, timeout)
    written = read_blueprint(file)
    body: dict[str, Any] = {"blueprint": written.fields, "start": not stopped}
    if name is not None:
        body["name"] = name
    client = connect()
    answer = _asked(written, client, "services", body=body, key=key or str(uuid.uuid4()))
    if wait or watch:
        wanted = {"READY", "RUNNING"} if stopped else {"RUNNING"}
        _wait(client, answer["service_id"], wanted, timeout, watch, as_json)
    elif as_json:
        print_json(answer)
    else:
        typer.echo(f"service {answer['name']}: {answer['state']}, hedgerow service show {answer['name']}")


@app.command("list")
def list_services(
    deleted: Annotated[bool, typer.Option("--all", help="With those that were deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the services, newest first."""
    answer = connect().get("services", deleted="true" if deleted else None)
    if as_json:
        print_json(answer)
    else:
        show(services_table(answer["items"]))


@app.command("show")
def show_service(
    service: ServiceName,
    epochs: Annotated[bool, typer.Option("--epochs", help="List its placements, with their causes, instead.")] = False,
    wait: Wait = False,
    watch: Watch = False,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Show a service: its state, its placement, its instances."""
    _check_timeout(wait or watch, timeout)
    client = connect()
    if wait or watch:
        _wait(client, service, {"RUNNING"}, timeout, watch, as_json)
    elif epochs:
        found = client.get("services", service, "epochs")
        if as_json:
            print_json(found)
        else:
            show(epochs_table(found["items"]))
    else:
        _print_service(client.get("services", service), as_json)


@app.command()
def start(
    service: ServiceName, wait: Wait = False, watch: Watch = False, timeout: Timeout = None, as_json: AsJson = False
) -> None:
    """Let a service work that is prepared or stopped."""
    _check_timeout(wait or watch, timeout)
    client = connect()
    answer = client.post("services", service, "start")
    if wait or watch:
        _wait(client, answer["service_id"], {"RUNNING"}, timeout, watch, as_json)
    else:
        _print_state(service, answer, as_json)


@app.command()
def stop(service: ServiceName, as_json: AsJson = False) -> None:
    """End a service's work and keep its instances."""
    _print_state(service, connect().post("services", service, "stop"), as_json)


@app.command()
def delete(service: ServiceName, as_json: AsJson = False) -> None:
    """End a service and its instances."""
    _print_state(service, connect().delete("services", service), as_json)


app.command("place")(place)
app.command("migrate")(migrate)
app.command("infer")(infer)
app.command("trace")(trace)
app.command("rates")(rates)
app.command("upload")(upload)


def _asked(written: BlueprintFile, client: RestClient, *path: str, body: dict[str, Any], key: str | None = None) -> Any:
    """Send a blueprint; a refusal names its line."""
    try:
        return client.post(*path, body=body, idempotency_key=key, timeout_s=PLACING_TIMEOUT_S)
    except Refused as error:
        raise Refused(written.explained(str(error))) from error


def _wait(
    client: RestClient, service: str, wanted: set[str], timeout: float | None, watch: bool, as_json: bool
) -> None:
    watched = watch and not as_json
    follower = ServiceWatch(client, lambda event: tell(told(event)) if watched else None, _tell_trouble)
    try:
        found = follower.wait(service, wanted, timeout)
    except KeyboardInterrupt:
        tell(f"service {service} goes on; end it with: hedgerow service delete {service}")
        raise
    _print_service(found, as_json)
    if found["state"] not in wanted | {"ENDED"}:
        raise typer.Exit(FAILED)


def _tell_trouble(service: dict[str, Any]) -> None:
    name = service["name"]
    tell(
        f"service {name} is DEGRADED: {service['reason']}; waiting for a change; "
        f"to give it up: hedgerow service delete {name}"
    )


def _print_service(service: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(service)
        return
    reason = f": {service['reason']}" if service["reason"] else ""
    typer.echo(f"{service['name']} ({service['service_id']})")
    typer.echo(f"{service['state']}, epoch {service['epoch']}{reason}")
    if placement := service["placement"]:
        first, *others = placement["reason"].split("; ")
        typer.echo(f"placed by {placement['cause']}{': ' if first else ''}{first}")
        for sentence in others:
            typer.echo(f"  {sentence}")
    if service["plan"]:
        sys.stdout.flush()
        show(instances_table(service))


def _print_state(service: str, answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        typer.echo(f"service {service}: {answer['state']}")


def _check_timeout(waits: bool, timeout: float | None) -> None:
    if timeout is not None and not waits:
        raise CommandFailure("--timeout needs --wait or --watch", USAGE)
