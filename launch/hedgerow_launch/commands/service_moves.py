"""`hedgerow service place` and `migrate`: where a service runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hedgerow_launch.commands.printing import AsJson, print_json
from hedgerow_launch.commands.service_options import ServiceName
from hedgerow_launch.failures import FAILED, USAGE, CommandFailure
from hedgerow_launch.quantities import is_number
from hedgerow_launch.rest_client import connect

PLACING_TIMEOUT_S = 90.0


def place(
    service: ServiceName,
    on: Annotated[
        list[str] | None, typer.Option("--on", metavar="HANDLER=WORKER", help="Put a handler there; may be repeated.")
    ] = None,
    cut: Annotated[
        list[str] | None,
        typer.Option("--cut", metavar="NETWORK=N,N", help="Cut a network before these layers; may be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for a better placement and take it, or take the one given; says why it did or did not."""
    body: dict[str, Any] = {"dry_run": dry_run}
    if on:
        body["placement"] = dict(_pair("--on", entry, "HANDLER=WORKER") for entry in on)
    if cut:
        body["boundaries"] = {
            name: _layers(name, text) for name, text in (_pair("--cut", c, "NETWORK=N,N") for c in cut)
        }
    answer = connect().post("services", service, "placement", body=body, timeout_s=PLACING_TIMEOUT_S)
    if as_json:
        print_json(answer)
    else:
        done = "moved" if answer["changed"] else "would move" if dry_run and answer["verdict"] == "better" else "stays"
        typer.echo(f"{service}: {done} ({answer['verdict']}), epoch {answer['epoch']}: {answer['reason']}")
        predicted = answer.get("predicted") or {}
        if is_number(predicted.get("throughput_hz")):
            typer.echo(f"predicted: {predicted['throughput_hz']:.3g} items/s")
    if answer["verdict"] == "infeasible":
        raise typer.Exit(FAILED)


def migrate(
    service: ServiceName,
    handler: Annotated[str, typer.Argument(metavar="HANDLER", help="Its name in the blueprint.")],
    to: Annotated[str, typer.Option("--to", metavar="WORKER", help="Name or id of the worker it shall move to.")],
    replica: Annotated[
        int | None, typer.Option("--replica", min=0, help="Which of several; the first one is 0.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move one instance to another worker while the service runs."""
    body: dict[str, Any] = {"handler": handler, "to": to}
    if replica is not None:
        body["replica"] = replica
    answer = connect().post("services", service, "migrate", body=body)
    if as_json:
        print_json(answer)
    else:
        reason = f": {answer['reason']}" if answer["reason"] else ""
        typer.echo(f"{service}: {handler} to {to} {answer['state'].lower()}{reason}")
    if answer["state"] == "DECLINED":
        raise typer.Exit(FAILED)


def _pair(option: str, entry: str, form: str) -> tuple[str, str]:
    name, equals, value = entry.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise CommandFailure(f"{option} {entry}: write {form}", USAGE)
    return name.strip(), value.strip()


def _layers(name: str, text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise CommandFailure(f"--cut {name}={text}: write whole numbers of layers with commas between", USAGE) from None
