"""`hedgerow placement`: ask the placement engine, offline, where stages would run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from hedgerow_orchestrator.placement.checks import Infeasible
from hedgerow_orchestrator.placement.solve import NotFound
from hedgerow_orchestrator.what_if.answering import answer
from hedgerow_orchestrator.what_if.fields import Mistake
from hedgerow_orchestrator.what_if.files import read_file
from hedgerow_orchestrator.what_if.question import Question
from hedgerow_orchestrator.what_if.telling import as_object, as_text

DONE, FAILED, USAGE, TIMED_OUT = 0, 1, 2, 4

app = typer.Typer(
    help="Ask where stages would run; no system has to be up.", no_args_is_help=True, pretty_exceptions_enable=False
)


@app.callback()
def placement() -> None:
    """Ask where stages would run; no system has to be up."""


@app.command()
def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Stages, nodes, links and rules, .toml or .json.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the best placement of the stages in a file, say what it would come to, and why.

    Exit codes: 0 done, 1 no placement keeps all rules, 2 the file is wrong, 4 none was found in its time_limit_s.
    """
    try:
        questions, is_list = read_file(file)
        answers = [_answered(question) for question in questions]
    except Mistake as mistake:
        typer.echo(f"error: {file}: {mistake}", err=True)
        raise typer.Exit(USAGE) from mistake
    told = [each for each, _, _ in answers]
    if as_json and (is_list or told[0]["error"] is None):
        typer.echo(json.dumps({"problems": told} if is_list else told[0], indent=2, ensure_ascii=False))
    code = DONE
    for at, (question, (each, lines, found)) in enumerate(zip(questions, answers, strict=True)):
        if not as_json and lines:
            typer.echo("\n".join(["", *lines] if at else lines))
        if each["error"] is not None:
            place = f"{question.at}: " if question.at else ""
            typer.echo(f"error: {file}: {place}{each['error']}", err=True)
        code = max(code, found)
    if code != DONE:
        raise typer.Exit(code)


def _answered(question: Question) -> tuple[dict[str, Any], list[str], int]:
    """The answer as an object and as lines, and the exit code; of a question without an answer the reason."""
    try:
        found = answer(question, time.monotonic)
    except Infeasible as error:
        return _without(question, error), [], FAILED
    except NotFound as error:
        return _without(question, error), [], TIMED_OUT
    return as_object(found), list(as_text(found)), DONE


def _without(question: Question, error: Exception) -> dict[str, Any]:
    return {"name": question.name, "strategy": question.strategy, "placement": None, "error": str(error)}


if __name__ == "__main__":
    app()
