"""The command line's frame: commands loaded when needed, and every failure as one line with its exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from hedgerow_launch.failures import FAILED, INTERRUPTED, USAGE, CommandFailure

ENTRY_POINT_GROUP = "hedgerow.commands"


class CommandGroup(TyperGroup):
    """A group that names the known commands and options when it is given another."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, print a failure as `error: …`, and leave with its exit code."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except CommandFailure as failure:
            code = _fail(str(failure), failure.exit_code)
        except typer.TyperException as error:
            code = _fail(_usage_text(error), USAGE)
        except typer.Abort:
            code = INTERRUPTED
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else 0)
        return code

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or say which there are."""
        if self.get_command(ctx, args[0]) is None:
            raise CommandFailure(_unknown("command", args[0], self.list_commands(ctx)), USAGE)
        return super().resolve_command(ctx, args)


class LazyGroup(CommandGroup):
    """The top group: `MODULES` maps each command to `module:app`; further ones join by entry points.

    A module is imported when its command is called, so that `hedgerow problem list` pays for no bus.
    """

    MODULES: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, the packaged ones first."""
        return [*self.MODULES, *sorted(set(_joined()) - set(self.MODULES))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the command's module."""
        if cmd_name in self.MODULES:
            module, _, attribute = self.MODULES[cmd_name].partition(":")
            return _as_command(cmd_name, getattr(importlib.import_module(module), attribute))
        joined = _joined().get(cmd_name)
        return None if joined is None else _load(joined)


def _joined() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}


def _load(entry: EntryPoint) -> Any:
    try:
        return _as_command(entry.name, entry.load())
    except ImportError as error:
        reason = f"command {entry.name!r} is not installed: {error}; install the extra that brings it, such as .[all]"
        return _as_command(entry.name, _refusing(reason))


def _refusing(reason: str) -> typer.Typer:
    app = typer.Typer(help="(not installed)")

    # It has no options, so that whatever was asked of the missing command gets the same answer.
    @app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, help="(not installed)")
    def refuse() -> None:
        raise CommandFailure(reason, FAILED)

    return app


def _as_command(name: str, app: typer.Typer | Callable[..., Any]) -> Any:
    if not isinstance(app, typer.Typer):
        function, app = app, typer.Typer(add_completion=False)
        app.command(name)(function)
    command = typer.main.get_command(app)
    command.name = name
    return command


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


def _usage_text(error: typer.TyperException) -> str:
    message = error.format_message()
    context: Any = getattr(error, "ctx", None)
    if context is None:
        return message
    if hasattr(error, "possibilities"):
        options = [option for parameter in context.command.params for option in parameter.opts if option[:1] == "-"]
        return _unknown("option", getattr(error, "option_name", ""), options)
    if isinstance(context.command, TyperGroup) and message.startswith("Missing command"):
        return f"command missing; known: {', '.join(context.command.list_commands(context))}"
    # Typer converts values with pydantic and leaves the value itself out of its message.
    faults: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    given = f"; given: {faults[0]['input']!r}" if faults else ""
    return f"{message}{given} ({context.command_path} --help)"


def _unknown(what: str, value: str, known: list[str]) -> str:
    return f"{what} {value!r} unknown; known: {', '.join(known)}"
