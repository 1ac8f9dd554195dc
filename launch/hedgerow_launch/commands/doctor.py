"""`hedgerow doctor`: look at everything that can go wrong, and say the way out."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from rich.text import Text

from hedgerow_launch import checks
from hedgerow_launch.checks import Check, Verdict
from hedgerow_launch.commands.printing import AsJson, print_json, show
from hedgerow_launch.failures import FAILED
from hedgerow_launch.rest_client import home_folder
from hedgerow_launch.system_checks import system_checks
from hedgerow_nodes.core.environment import ConfigurationError, Environment

_STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


def doctor(as_json: AsJson = False) -> None:
    """Look at everything that can go wrong, and say the way out; exit code 1 if something fails."""
    report = list(_report())
    healthy = all(check.verdict is not Verdict.FAIL for check in report)
    if as_json:
        print_json({"ok": healthy, "checks": [dict(vars(check)) for check in report]})
    else:
        for check in report:
            show(_line(check))
    if not healthy:
        raise typer.Exit(FAILED)


def _report() -> Iterator[Check]:
    yield checks.python_check()
    yield from checks.package_checks()
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
    yield from system_checks(running=system.verdict is Verdict.OK)
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
