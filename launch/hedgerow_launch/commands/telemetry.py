"""`hedgerow telemetry`: what workers reported of machines, processes and items, and of their links."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.printing import AsJson, print_json, show, tell
from hedgerow_launch.moments import moment_s
from hedgerow_launch.rest_client import connect
from hedgerow_launch.telemetry_tables import links_table, rows_table, sources_table

PAGE_ROWS = 200
"""Most rows of one answer of the front end."""

app = typer.Typer(help="See what workers reported.", cls=CommandGroup)

ServiceOption = Annotated[str | None, typer.Option("--service", metavar="SERVICE", help="Of this service alone.")]
WorkerOption = Annotated[str | None, typer.Option("--worker", metavar="WORKER", help="Of this worker alone.")]
HandlerOption = Annotated[
    str | None, typer.Option("--handler", metavar="NAME", help="Of this handler of a blueprint alone.")
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="From then on: an age as 90s, 15m, 12h or 30d, or a time (UTC)."),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="Before then; written as with --since.")
]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="Most rows.")]


@app.command("sys_info")
def sys_info(
    worker: WorkerOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 20,
    as_json: AsJson = False,
) -> None:
    """Rows of machines, newest first: processor, memory and each GPU."""
    _show_rows("sys_info", limit, as_json, worker=worker, **_window(since, until))


@app.command("proc_info")
def proc_info(
    service: ServiceOption = None,
    worker: WorkerOption = None,
    handler: HandlerOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = 20,
    as_json: AsJson = False,
) -> None:
    """Rows of the processes of instances, newest first."""
    _show_rows("proc_info", limit, as_json, service=service, worker=worker, handler=handler, **_window(since, until))


@app.command("packet_info")
def packet_info(
    service: ServiceOption = None,
    worker: WorkerOption = None,
    handler: HandlerOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    sequence: Annotated[int | None, typer.Option("--sequence", metavar="N", min=0, help="Of one item.")] = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="EVENT", help="One of start, end, sent, recv, drop.")
    ] = None,
    limit: LimitOption = 20,
    as_json: AsJson = False,
) -> None:
    """What happened to items, newest first: begun, done, sent, received, given up."""
    wanted = {"service": service, "worker": worker, "handler": handler, "sequence": sequence, "event": event}
    _show_rows("packet_info", limit, as_json, **wanted, **_window(since, until))


@app.command()
def links(as_json: AsJson = False) -> None:
    """The links between workers, as their senders measured them."""
    answer = connect().get("telemetry", "links")
    if as_json:
        print_json(answer)
    elif answer["items"]:
        show(links_table(answer["items"]))
    else:
        tell("no link has been measured; `hedgerow worker measure` does so")


@app.command()
def sources(as_json: AsJson = False) -> None:
    """Where rows come from, and how many were stored, are missing, or were lost."""
    answer = connect().get("telemetry", "sources")
    if as_json:
        print_json(answer)
    elif answer["items"]:
        show(sources_table(answer["items"]))
    else:
        tell("no worker has reported rows; is a collector there? `hedgerow node list` tells")


def _window(since: str | None, until: str | None) -> dict[str, float | None]:
    now_s = time.time()
    return {
        "since": None if since is None else moment_s(since, "--since", now_s),
        "until": None if until is None else moment_s(until, "--until", now_s),
    }


def _show_rows(kind: str, limit: int, as_json: bool, **wanted: object) -> None:
    answer = _rows(kind, limit, wanted)
    if as_json:
        print_json(answer)
    elif answer["items"]:
        show(rows_table(kind, answer["items"]))
    else:
        tell("no such row is stored; `hedgerow telemetry sources` tells where rows come from")


def _rows(kind: str, limit: int, wanted: dict[str, object]) -> dict[str, Any]:
    """So many rows, page after page; `next` is the cursor of what follows them, None at the end."""
    client = connect()
    items: list[Any] = []
    cursor = None
    while len(items) < limit:
        page = client.get("telemetry", kind, limit=min(PAGE_ROWS, limit - len(items)), cursor=cursor, **wanted)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    return {"items": items, "next": cursor}
