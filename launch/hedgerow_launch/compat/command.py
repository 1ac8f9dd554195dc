"""`hedgerow compat`: read an older system's configuration file, and write what it becomes here."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.printing import AsJson, print_json
from hedgerow_launch.compat import ini_file, node_files
from hedgerow_launch.compat.ini_file import IniFile
from hedgerow_launch.compat.service_files import Imported, ServiceRefused, blueprint_of
from hedgerow_launch.failures import FAILED, USAGE, CommandFailure
from hedgerow_nodes.core.environment import ConfigurationError

app = typer.Typer(help="Older systems' files: what they become here.", cls=CommandGroup)

VARIABLES_FILE, NODES_FILE, BLUEPRINTS = "hedgerow.env", "nodes.json", "blueprints"


@app.callback()
def compat() -> None:
    """Older systems' files: what they become here."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.conf", help="The coordinator's or the collector's file.")],
    into: Annotated[Path, typer.Option(help="The folder to write into; made if it is not there.")] = Path("imported"),
    as_json: AsJson = False,
) -> None:
    """Turn an INI file, and the folders it names, into variables, node hints and blueprints."""
    try:
        found = ini_file.read(file)
        hints = node_files.read_folder(found.node_path) if found.node_path else []
        services = _services(found, {hint.number: hint.name for hint in hints})
    except (ConfigurationError, ServiceRefused) as error:
        raise CommandFailure(str(error), USAGE) from error
    for imported in services.values():
        found.warnings += imported.warnings
    addresses = list(dict.fromkeys(hint.address for hint in hints))
    if addresses:
        found.variables |= {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": ",".join(addresses)}
    try:
        written = _write(into, found.variables, hints, services)
    except OSError as error:
        raise CommandFailure(f"cannot write into {into}: {error}", FAILED) from error
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        print_json({"written": [str(path) for path in written], "warnings": found.warnings})
        return
    for path in written:
        typer.echo(f"wrote {path}")


def _services(found: IniFile, nodes: Mapping[int, str]) -> dict[str, Imported]:
    if found.service_type_path is None:
        return {}
    return {path.stem: blueprint_of(values, nodes) for path, values in node_files.json_files(found.service_type_path)}


def _write(
    into: Path, variables: Mapping[str, str], hints: list[node_files.NodeHint], services: Mapping[str, Imported]
) -> list[Path]:
    into.mkdir(parents=True, exist_ok=True)
    written = [into / VARIABLES_FILE] if variables else []
    if variables:
        # It may hold the store's password.
        descriptor = os.open(into / VARIABLES_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o600)
            file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    if hints:
        rows = [{"name": each.name, "address": each.address, "labels": list(each.labels)} for each in hints]
        written.append(_write_json(into / NODES_FILE, rows))
    for name, imported in services.items():
        written.append(_write_json(into / BLUEPRINTS / f"{name}.json", imported.blueprint))
    return written


def _write_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    return path
