"""`hedgerow doctor`: look at everything that can go wrong, and say the way out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hedgerow_launch import checks, store_rescue
from hedgerow_launch.checks import Check, Verdict
from hedgerow_launch.commands.printing import AsJson, print_json, show
from hedgerow_launch.failures import FAILED, CommandFailure
from hedgerow_launch.rest_client import home_folder
from hedgerow_launch.store_checks import sqlite_file, store_check
from hedgerow_launch.system_checks import system_checks
from hedgerow_nodes.core.environment import ConfigurationError, Environment

_STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


def doctor(
    as_json: AsJson = False,
    rescue: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Copy the store, whose file was deleted, out of the running orchestrator."),
    ] = None,
    pid: Annotated[int | None, typer.Option(help="For --rescue: the process, if the home does not tell.")] = None,
) -> None:
    """Look at everything that can go wrong, and say the way out; exit code 1 if something fails."""
    if rescue is not None:
        _rescue(rescue.absolute(), pid, as_json)
        return
    report = list(_report())
    healthy = all(check.verdict is not Verdict.FAIL for check in report)
    if as_json:
        print_json({"ok": healthy, "checks": [dict(vars(check)) for check in report]})
    else:
        for check in report:
            show(_line(check))
    if not healthy:
        raise typer.Exit(FAILED)


def _rescue(target: Path, pid: int | None, as_json: bool) -> None:
    try:
        environment = Environment.read()
    except ConfigurationError as error:
        raise CommandFailure(str(error)) from error
    store = sqlite_file(environment.store_url)
    if store is None:
        raise CommandFailure("the store is a database server's: there is no file to rescue")
    rescued = store_rescue.rescue(pid or store_rescue.orchestrator_pid(environment.home), store, target)
    steps = [
        "hedgerow down",
        shlex.join(["rm", "-f", f"{store}-wal", f"{store}-shm"]),
        shlex.join(["mv", str(target), str(store)]),
        "hedgerow up",
    ]
    if as_json:
        print_json({**asdict(rescued), "next": steps})
        return
    show(
        Text(f"{target}: {rescued.tasks} tasks, {rescued.unfinished_tasks} of them not finished; SQLite finds it whole")
    )
    show(Text("now:\n" + "\n".join(f"  {step}" for step in steps)))


def _report() -> Iterator[Check]:
    yield checks.python_check()
    yield from checks.package_checks()
    environment = None
    try:
        environment = Environment.read()
    except ConfigurationError as error:
        yield Check("environment", Verdict.FAIL, str(error), "correct or unset the variable")
    else:
        yield Check("environment", Verdict.OK, f"store {_without_password(environment.store_url)}")
        yield checks.network_check(environment)
    home = home_folder()
    yield checks.home_check(home)
    system = checks.lock_check(home)
    yield system
    running = system.verdict is Verdict.OK
    if environment is not None:
        yield store_check(environment.store_url, running)
    yield from system_checks(running)
    yield checks.rapl_check()
    yield checks.nvml_check()


def _line(check: Check) -> Text:
    line = Text.assemble((f"{check.verdict:4}", _STYLES[check.verdict]), f"  {check.name}: {check.detail}")
    if check.way_out:
        line.append(f"\n      → {check.way_out}", "dim")
    return line


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    user = credentials.partition(":")[0]
    return f"{scheme}{separator}{user}:…@{place}" if at else url
