"""`hedgerow problem`: submit problems, iterate them, look at them."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from hedgerow_launch import loop_chain
from hedgerow_launch.answer_table import answer_table, verdict_count
from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.choosing import choices
from hedgerow_launch.commands.comparing import compare_iterations
from hedgerow_launch.commands.exporting import export
from hedgerow_launch.commands.printing import AsJson, print_json, show, table, tell
from hedgerow_launch.failures import FAILED, USAGE, CommandFailure
from hedgerow_launch.follow import Follower, ServerEvent, Task
from hedgerow_launch.loop_chain import line
from hedgerow_launch.problem_file import ProblemFileOption, read_problem_file, submit_file
from hedgerow_launch.problem_options import takes_problem_options
from hedgerow_launch.rest_client import RestClient, connect
from hedgerow_launch.task_object import problem_object, task_object

app = typer.Typer(help="Submit problems, iterate them, look at them.", cls=CommandGroup)

Wait = Annotated[bool, typer.Option("--wait", help="Wait until the task has ended, and print its outputs.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0.0, help="With --wait: give up after so many seconds (exit code 4).")
]


ProblemNumber = Annotated[int, typer.Argument(metavar="P", min=1, help="Number of the problem.")]


@app.command()
@takes_problem_options
def submit(
    fields: dict[str, Any],
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="The problem in your own words.")] = None,
    file: ProblemFileOption = None,
    wait: Wait = False,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Submit a problem, in words or from a file; an option beside a file counts before what stands in it."""
    _check_timeout(wait, timeout)
    said = fields if text is None else {"text": text, **fields}
    problem = None if file is None else read_problem_file(file)
    if problem is None and text is None:
        raise CommandFailure('nothing to submit: write the problem as TEXT ("..."), or name a --file', USAGE)
    client = connect()
    if problem is None:
        accepted = client.post("problems", body=said)
    else:
        accepted = submit_file(client, problem, said)
    _finish(client, accepted, wait, timeout, as_json)


@app.command()
@takes_problem_options
def iterate(
    problem: ProblemNumber,
    fields: dict[str, Any],
    from_iteration: Annotated[
        int | None, typer.Option("--from", min=1, help="Iteration to begin from; the newest if left out.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="The problem in other words.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Take what the loop proposes, as it is.")] = False,
    wait: Wait = False,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Answer a problem once more, with something changed."""
    _check_timeout(wait, timeout)
    client = connect()
    changes = fields if text is None else {"text": text, **fields}
    if accept and changes:
        raise CommandFailure("--accept takes the proposal as it is; leave out the other options", USAGE)
    body = {"accept": True} if accept else changes
    body = body if from_iteration is None else {"from_iteration": from_iteration, **body}
    accepted = client.post("problems", problem, "iterations", body=body)
    _finish(client, accepted, wait, timeout, as_json)


@app.command()
def cancel(problem: ProblemNumber, as_json: AsJson = False) -> None:
    """Cancel whatever of a problem has not ended; a loop that goes on by itself ends with it."""
    answer = connect().post("problems", problem, "cancel")
    if as_json:
        print_json(answer)
        return
    numbers = ", ".join(str(number) for number in answer["cancelled"])
    typer.echo(f"problem {problem}: {f'iteration {numbers} cancelled' if numbers else 'nothing was left to cancel'}")


@app.command("list")
def list_problems(
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Most problems to list.")] = 50,
    cursor: Annotated[str | None, typer.Option("--cursor", help="`next` of the page before.")] = None,
    as_json: AsJson = False,
) -> None:
    """List problems, newest first."""
    page = connect().get("problems", limit=limit, cursor=cursor)
    if as_json:
        print_json(page)
        return
    rows = (
        (item["problem_id"], item["iterations"], item["latest"]["state"], item["created_at"], item["title"])
        for item in page["items"]
    )
    show(table(("problem", "iterations", "latest", "submitted", "title"), rows))
    if page["next"]:
        tell(f"more: hedgerow problem list --cursor {page['next']}")


@app.command("show")
def show_problem(
    problem: ProblemNumber,
    iteration: Annotated[
        int | None, typer.Argument(metavar="[I]", min=1, help="Number of the iteration; all if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a problem with its iterations, or one iteration with its outputs."""
    client = connect()
    if iteration is None:
        _show_iterations(client.get("problems", problem), as_json)
        return
    task = client.get("problems", problem, "iterations", iteration)
    if as_json:
        print_json(task_object(task))
    else:
        tell(f"asked: {task.get('request', {}).get('text', '')}")
        show(answer_table(task))


app.command("compare")(compare_iterations)
app.command("export")(export)
app.command("choices")(choices)


def _show_iterations(problem: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(problem_object(problem))
        return
    tell(problem.get("title", ""))
    rows = (
        (
            task["task"]["iteration_id"],
            task["state"],
            task.get("created_at"),
            task.get("finished_at"),
            verdict_count(task.get("verdicts") or []),
        )
        for task in problem["iterations"]
    )
    show(table(("iteration", "state", "submitted", "ended", "limits"), rows))


def _check_timeout(wait: bool, timeout: float | None) -> None:
    if timeout is not None and not wait:
        raise CommandFailure("--timeout needs --wait", USAGE)


def _finish(client: RestClient, accepted: dict[str, Any], wait: bool, timeout: float | None, as_json: bool) -> None:
    """Print what was accepted, or wait and print what came out."""
    problem_id, iteration_id = accepted["task"]["problem_id"], accepted["task"]["iteration_id"]
    if not wait:
        if as_json:
            print_json({"task": accepted["task"]})
        else:
            typer.echo(f"task {problem_id}.{iteration_id}: hedgerow problem show {problem_id} {iteration_id}")
        return
    watched = sys.stderr.isatty() and not as_json
    follower = Follower(client, on_event=_tell_stage if watched else _ignore)
    began_s = time.monotonic()
    try:
        task = follower.wait(problem_id, iteration_id, timeout)
        if loop_chain.is_looped(task):
            left_s = None if timeout is None else max(0.0, timeout - (time.monotonic() - began_s))
            _finish_loop(client, follower, task, left_s, as_json)
            return
    except KeyboardInterrupt:
        tell(f"task {problem_id}.{iteration_id} goes on; end it with: hedgerow task cancel {problem_id} {iteration_id}")
        raise
    if as_json:
        print_json(task_object(task))
    else:
        show(answer_table(task))
    if task["state"] != "SUCCEEDED":
        raise typer.Exit(FAILED)


def _finish_loop(client: RestClient, follower: Follower, first: Task, timeout: float | None, as_json: bool) -> None:
    """Follow the loop to its end, an iteration a line; then print the best one, and why it ended."""
    chain = loop_chain.follow(client, follower, first, timeout, lambda task: None if as_json else tell(line(task)))
    if as_json:
        print_json(chain.as_object())
    else:
        show(answer_table(chain.best))
        tell(chain.ending)
    if not chain.reached:
        raise typer.Exit(FAILED)


def _tell_stage(event: ServerEvent) -> None:
    group, _, what = event.kind.partition(".")
    if group == "stage" and what != "progress":
        tell(f"  {event.data.get('stage')}: {what}")


def _ignore(event: ServerEvent) -> None:
    """Show nothing."""
