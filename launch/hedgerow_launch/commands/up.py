"""`hedgerow up`: start a system from a launch file, and watch over it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hedgerow_launch.checks import EXTRAS, missing_packages
from hedgerow_launch.commands.printing import AsJson, print_json
from hedgerow_launch.detach import Reporter, start_detached
from hedgerow_launch.failures import USAGE, CommandFailure
from hedgerow_launch.launch_check import LaunchFileError
from hedgerow_launch.launch_file import load
from hedgerow_launch.launch_schema import LaunchFile
from hedgerow_launch.lock import AlreadyRunning
from hedgerow_launch.observations import Post
from hedgerow_launch.output import Output
from hedgerow_launch.session import DidNotComeUp, PortTaken, Session
from hedgerow_nodes.core.environment import ConfigurationError, Environment

_HIGHEST_PORT = 65_535


def up(
    file: Annotated[
        str, typer.Argument(metavar="[FILE]", help="A launch file, or the name of a packaged one.")
    ] = "advice",
    detach: Annotated[bool, typer.Option("--detach", help="Return once the system is up, and let it run.")] = False,
    report_to: Annotated[int | None, typer.Option("--report-to", hidden=True)] = None,
    as_json: AsJson = False,
) -> None:
    """Start a system and watch over it until Ctrl-C (exit code 130) or `hedgerow down` (0)."""
    environment, port = read_environment()
    launch = read_launch_file(file)
    make_home(environment.home)
    if detach:
        started = start_detached([str(launch.path)], environment.home / "run" / "up.log")
        if as_json:
            print_json(started)
        else:
            typer.echo(f"{started['url']} (pid {started['pid']}; hedgerow down stops it)")
        return
    reporter = Reporter(report_to)

    def on_ready(url: str | None, post: Post) -> None:
        reporter.ready(url)
        if as_json:
            print_json({"url": url, "pid": os.getpid()}, indent=None)
        else:
            typer.echo(url or "up")

    session = Session(launch, environment, os.environ, port, foreground_output, on_ready)
    try:
        code = run(session)
    except CommandFailure as failure:
        reporter.failed(str(failure))
        raise
    raise typer.Exit(code)


def run(session: Session) -> int:
    """Run a session; the exit code.

    Raises:
        CommandFailure: it cannot start, or did not come up.
    """
    try:
        return session.run()
    except (AlreadyRunning, PortTaken, DidNotComeUp) as error:
        raise CommandFailure(str(error)) from error


def read_environment() -> tuple[Environment, int | None]:
    """The settings of this process, and `HEDGEROW_PORT` if it is set.

    Raises:
        CommandFailure: one of them cannot be used.
    """
    try:
        environment = Environment.read()
    except ConfigurationError as error:
        raise CommandFailure(str(error), USAGE) from error
    text = os.environ.get("HEDGEROW_PORT", "")
    if text and not (text.isascii() and text.isdigit() and int(text) <= _HIGHEST_PORT):
        raise CommandFailure(f"HEDGEROW_PORT={text!r} is no port; use a number from 0 (any free one) to 65535", USAGE)
    return environment, int(text) if text else None


def make_home(home: Path) -> None:
    """Make the home's folder for logs and locks.

    Raises:
        CommandFailure: it cannot be made.
    """
    try:
        (home / "run").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailure(f"{home} cannot be used ({error.strerror}); set HEDGEROW_HOME to another") from error


def read_launch_file(name: str) -> LaunchFile:
    """Load a launch file.

    Raises:
        CommandFailure: it is wrong somewhere, or needs a part of Hedgerow that is not installed.
    """
    try:
        launch = load(name)
    except LaunchFileError as error:
        raise CommandFailure(str(error), USAGE) from error
    for extra, wanted in (("orchestrator", launch.orchestrator), ("frontend", launch.frontend)):
        missing = missing_packages(EXTRAS[extra])
        if wanted is not None and missing:
            way_out = "install what it needs: pip install '.[all]' in the checkout"
            raise CommandFailure(f"{name} has the {extra}, but {', '.join(missing)} is not installed; {way_out}")
    return launch


def foreground_output(names: Sequence[str]) -> Output:
    """Lines on standard error, coloured where that is a terminal."""
    return Output(sys.stderr, names, colour=sys.stderr.isatty() and not os.environ.get("NO_COLOR"))
