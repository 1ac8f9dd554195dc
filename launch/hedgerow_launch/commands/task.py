"""`hedgerow task`: the work that is waiting, running and done."""

from __future__ import annotations

from typing import Annotated

import typer

from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.printing import AsJson, print_json, show, table, tell
from hedgerow_launch.rest_client import connect

app = typer.Typer(help="List and cancel tasks.", cls=CommandGroup)


@app.command("list")
def list_tasks(
    state: Annotated[
        str | None, typer.Option("--state", help="Only WAITING, RUNNING, SUCCEEDED, FAILED or CANCELLED ones.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Most tasks to list.")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="`next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """List tasks, newest first."""
    page = connect().get("tasks", state=state.upper() if state else None, limit=limit, cursor=cursor)
    if as_json:
        print_json(page)
        return
    rows = (
        (
            f"{item['task']['problem_id']}.{item['task']['iteration_id']}",
            item["state"],
            item.get("created_at"),
            item.get("finished_at"),
        )
        for item in page["items"]
    )
    show(table(("task", "state", "submitted", "ended"), rows))
    if page["next"]:
        tell(f"more: hedgerow task list --cursor {page['next']}")


@app.command()
def cancel(
    problem: Annotated[int, typer.Argument(metavar="P", min=1, help="Number of the problem.")],
    iteration: Annotated[int, typer.Argument(metavar="I", min=1, help="Number of the iteration.")],
    as_json: AsJson = False,
) -> None:
    """Cancel a task that has not ended."""
    answer = connect().post("problems", problem, "iterations", iteration, "cancel")
    if as_json:
        print_json(answer)
    else:
        typer.echo(f"task {problem}.{iteration}: {answer['state']}")
