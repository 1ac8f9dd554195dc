"""`hedgerow service infer`, `trace`, `rates` and `upload`: what flows through a service."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from hedgerow_launch.commands.printing import AsJson, print_json, show, tell
from hedgerow_launch.commands.service_options import ServiceName
from hedgerow_launch.failures import USAGE, CommandFailure
from hedgerow_launch.quantities import quantity
from hedgerow_launch.rest_client import RestClient, connect
from hedgerow_launch.serving_tables import rates_table, trace_table

MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
BETWEEN_LOOKS_S = 2.5
MARGIN_S = 10.0
UPLOAD_TIMEOUT_S = 600.0


def infer(
    service: ServiceName,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A .jpg or .png, or a .json with an input and its type.")
    ] = None,
    value: Annotated[
        str | None, typer.Option("--record", metavar="JSON", help="The fields of a record, instead of a file.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0.1, max=300, help="Longest wait.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Put one input into a service and print its result."""
    if (file is None) == (value is None):
        raise CommandFailure("give a FILE or --record JSON, one of them", USAGE)
    client = connect()
    if file is not None and file.suffix.casefold() in MEDIA_TYPES:
        answer = client.upload(
            *("services", service, "infer"),
            content=_bytes(file),
            media_type=MEDIA_TYPES[file.suffix.casefold()],
            patience_s=timeout + MARGIN_S,
            timeout_s=timeout,
        )
    else:
        text = value if value is not None else _bytes(Path(str(file))).decode("utf-8", "replace")
        given = _object(text, "--record" if value is not None else str(file))
        wanted = given if value is None else {"type": "record", "value": given}
        body = {"input": wanted, "timeout_s": timeout}
        answer = client.post("services", service, "infer", body=body, timeout_s=timeout + MARGIN_S)
    if as_json:
        print_json(answer)
    else:
        tell(f"item {answer['sequence']}, {quantity('took_s', answer['took_s'])}")
        print_json(answer["output"])


def trace(
    service: ServiceName,
    sequence: Annotated[
        int | None, typer.Argument(metavar="[SEQUENCE]", min=0, help="Number of the item; the newest if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where one item was, and when."""
    answer = connect().get("services", service, "trace", sequence=sequence)
    if as_json:
        print_json(answer)
    elif not answer["events"]:
        which = "no item" if sequence is None else f"no event of item {sequence}"
        tell(f"{which} of {service} has been traced; its blueprint needs `trace = true`")
    else:
        took = f", {quantity('total_s', answer['total_s'])}" if answer["total_s"] is not None else ""
        tell(f"item {answer['sequence']} of {service}{took}")
        show(trace_table(answer))


def rates(
    service: ServiceName,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option("--every", metavar="S", min=0.5, help="With --watch: how often.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Show what each instance does now, beside what was predicted."""
    client = connect()
    found = _rates(client, service)
    while True:
        if as_json:
            print_json(found, indent=None if watch else 2)
        else:
            tell(_summary(found))
            show(rates_table(found))
        if not watch:
            return
        sys.stdout.flush()
        time.sleep(every)
        found = client.get("services", service, "rates")


def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX file.")], as_json: AsJson = False
) -> None:
    """Hand a model to the system; prints what a blueprint names it by."""
    answer = connect().upload(
        "models", content=_bytes(file), media_type="application/octet-stream", patience_s=UPLOAD_TIMEOUT_S
    )
    if as_json:
        print_json(answer)
    else:
        typer.echo(answer["model"])


def _rates(client: RestClient, service: str) -> dict[str, Any]:
    """A rate is a difference: where the front end has nothing to take one from, ask again a moment later."""
    found: dict[str, Any] = client.get("services", service, "rates")
    if found["over_s"] is None and found["at"] is not None:
        time.sleep(BETWEEN_LOOKS_S)
        found = client.get("services", service, "rates")
    return found


def _summary(found: dict[str, Any]) -> str:
    real, planned = found["throughput_per_s"], found["predicted_throughput_per_s"]
    parts = [f"epoch {found['epoch']}", f"{quantity('x_per_s', real)} at the end"]
    if planned is not None:
        parts.append(f"{quantity('x_per_s', planned)} predicted")
    if found["over_s"] is not None:
        parts.append(f"over {quantity('over_s', found['over_s'])}")
    return ", ".join(parts)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailure(f"{file} cannot be read: {error.strerror or error}", USAGE) from error


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandFailure(f"{where}: is no JSON: {error}", USAGE) from error
    if not isinstance(value, dict):
        raise CommandFailure(f"{where}: is a JSON {type(value).__name__}; write an object", USAGE)
    return value
