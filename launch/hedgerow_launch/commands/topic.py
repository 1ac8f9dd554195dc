"""`hedgerow topic`: look at the bus itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from hedgerow_launch.bus_topics import Announced, follow, measure
from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.printing import AsJson, print_json, show, table
from hedgerow_launch.failures import USAGE, CommandFailure
from hedgerow_launch.rest_client import TimedOut
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import ConfigurationError, Environment

app = typer.Typer(help="Look at the bus itself.", cls=CommandGroup)

LISTEN_S = 1.0
FIND_S = 3.0

TopicName = Annotated[str, typer.Argument(metavar="NAME", help="The topic, such as hedgerow/event.")]


@app.command("list")
def list_topics(as_json: AsJson = False) -> None:
    """List the topics of the table, and those that the nodes of this domain announce."""
    with joined() as bus:
        announced = Announced(bus)
        announced.listen(LISTEN_S)
    if as_json:
        print_json({"items": announced.rows()})
        return
    rows = ((row["name"], row["type"], row["profile"], ", ".join(row["announced_by"])) for row in announced.rows())
    show(table(("topic", "type", "profile", "announced by"), rows))


@app.command()
def echo(
    name: TopicName,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Leave after so many samples.")] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.0, help="Leave (exit code 4) when none came for so many seconds.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Begin with what was written before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print samples as they come: one JSON object a line with --json, else indented."""
    with joined() as bus:
        topic = Announced(bus).find(name, FIND_S)
        printed = 0
        for sample in follow(bus, topic, history=history, count=count, timeout_s=timeout):
            print_json(sample, indent=None if as_json else 2)
            printed += 1
    if timeout is not None and printed != count:
        raise TimedOut(f"no sample on {name} for {timeout:g} s ({printed} came before)")


@app.command()
def hz(
    name: TopicName,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="How long to count.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Measure how many samples a second are written."""
    with joined() as bus:
        rate = measure(bus, Announced(bus).find(name, FIND_S), seconds)
    if as_json:
        print_json({"topic": name, "samples": rate.samples, "seconds": round(rate.seconds, 3), "hz": round(rate.hz, 3)})
    else:
        typer.echo(f"{name}: {rate.hz:.3g} samples/s ({rate.samples} in {rate.seconds:.1f} s)")


@contextmanager
def joined() -> Iterator[Bus]:
    """A place on the bus that the environment names.

    Raises:
        CommandFailure: the environment cannot be used.
    """
    try:
        bus = CycloneBus(Environment.read())
    except ConfigurationError as error:
        raise CommandFailure(str(error), USAGE) from error
    with bus:
        yield bus
