"""`hedgerow db`: make, check and thin out the store that `HEDGEROW_STORE` names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer

from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.engine import store_url
from hedgerow_orchestrator.store.errors import StoreError
from hedgerow_orchestrator.store.prune import RULES, prune

FAILED, USAGE = 1, 2
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

app = typer.Typer(help="The store: tables, revision, retention.", no_args_is_help=True, pretty_exceptions_enable=False)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def upgrade(as_json: Json = False) -> None:
    """Make the store or bring it to this version's revision."""
    with _environment() as environment:
        found = migrate.upgrade(environment.store_url)
        _show_check(environment, found, as_json)


@app.command()
def check(as_json: Json = False) -> None:
    """Compare the store with what this version expects; exit code 1 when they differ."""
    with _environment() as environment:
        found = migrate.check(environment.store_url)
        _show_check(environment, found, as_json)
    if not found.good:
        raise typer.Exit(FAILED)


@app.command("prune")
def prune_command(
    older_than: Annotated[
        str | None, typer.Option(help="Only what is older than this: a number and s, m, h, d or w.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(min=0, help="The newest so many of each table stay: problems, outputs, events, keys.")
    ] = None,
    table: Annotated[list[str] | None, typer.Option(help=f"Only this table: {', '.join(RULES)}.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: Json = False,
) -> None:
    """Remove old outputs, problems, events and idempotency keys, and payloads that no row names.

    With --older-than and --keep together a row goes if it is old and not among the newest. What belongs to a task that
    is not finished stays. The orchestrator may run.
    """
    if older_than is None and keep is None:
        raise typer.BadParameter("give an age, or --keep, or both", param_hint="--older-than")
    older_than_s = None if older_than is None else seconds(older_than)
    for name in table or ():
        if name not in RULES:
            raise typer.BadParameter(f"{name!r} has no retention; known: {', '.join(RULES)}", param_hint="--table")
    with _environment() as environment:
        store, blobs = environment.store_url, environment.blob_url
        removed = prune(store, older_than_s, table or None, keep=keep, blob_url=blobs, dry_run=dry_run)
    if as_json:
        _print_json({"removed": removed, "dry_run": dry_run, "older_than_s": older_than_s, "keep": keep})
        return
    verb = "would remove" if dry_run else "removed"
    for name, rows in removed.items():
        typer.echo(f"{verb} {rows} from {name}")


def seconds(text: str) -> float:
    """Read an age such as `30d`.

    Raises:
        typer.BadParameter: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no age; write 90s, 15m, 12h, 30d or 4w", param_hint="--older-than")
    return float(found[1]) * _UNIT_S[found[2]]


@contextmanager
def _environment() -> Iterator[Environment]:
    try:
        yield Environment.read()
    except ConfigurationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(USAGE) from error
    except StoreError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from error


def _show_check(environment: Environment, found: migrate.StoreCheck, as_json: bool) -> None:
    # As a URL object it hides the password.
    place = store_url(environment.store_url).render_as_string()
    if as_json:
        _print_json({"store": place, "good": found.good, **asdict(found)})
        return
    typer.echo(f"{place}: {found.state}, revision {found.revision or 'none'}, this version uses {found.head}")
    for difference in found.differences:
        typer.echo(f"  {difference}")


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value))


if __name__ == "__main__":
    app()
