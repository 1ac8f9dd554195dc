"""`hedgerow hub`: look for models on a hub and read their cards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_nodes.estimators.hub.access import AccessError
from hedgerow_nodes.estimators.hub.desk import open_hub
from hedgerow_nodes.estimators.hub.interface import Card, HubError, HubFile, HubTimedOut, HubUnreachable
from hedgerow_nodes.estimators.hub.names import parse
from hedgerow_nodes.estimators.hub.plain import card_object, search_object
from hedgerow_nodes.estimators.hub.searching import MOST_FOUND, Answer
from hedgerow_nodes.estimators.hub.searching import search as search_hub
from hedgerow_nodes.estimators.quantity_text import quantity
from hedgerow_nodes.estimators.text.tasks import UnknownGoal

FAILED, USAGE, UNREACHABLE, TIMED_OUT = 1, 2, 3, 4

app = typer.Typer(help="Models of a hub: search, cards.", no_args_is_help=True, pretty_exceptions_enable=False)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="What is looked for, in words or as a part of a name.")],
    task: Annotated[str, typer.Option(help="Only models for this task; guessed from the words without it.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MOST_FOUND, help="How many models.")] = 10,
    as_json: Json = False,
) -> None:
    """Look for models; `problem submit --model hf:ID` asks for one of them."""
    with _failures():
        answer = search_hub(open_hub(Environment.read().home), " ".join(words), task, limit)
    if as_json:
        _print_json(search_object(answer))
    else:
        _print_answer(answer)


@app.command()
def card(
    model: Annotated[str, typer.Argument(help="OWNER/NAME or OWNER/NAME@REVISION, with or without hf: before it.")],
    as_json: Json = False,
) -> None:
    """Show what the hub says of a model: facts, results that its authors state, files, and the text of its card."""
    with _failures():
        name, hub = parse(model), open_hub(Environment.read().home)
        found = hub.card(name.model_id, name.revision)
        files = hub.files(name.model_id, found.commit)
    if as_json:
        _print_json(card_object(found, files))
    else:
        _print_card(found, files)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (ConfigurationError, AccessError, UnknownGoal) as error:
        _end(error, USAGE)
    except HubTimedOut as error:
        _end(error, TIMED_OUT)
    except HubUnreachable as error:
        _end(error, UNREACHABLE)
    except HubError as error:
        _end(error, FAILED)


def _end(error: Exception, code: int) -> None:
    typer.echo(f"error: {error}", err=True)
    raise typer.Exit(code) from error


def _print_answer(answer: Answer) -> None:
    typer.echo(answer.explanation)
    if answer.tasks:
        typer.echo("tasks: " + ", ".join(f"{task} {score:.2f}" for task, score in answer.tasks))
    if not answer.models:
        typer.echo("no model was found; take other words, or name a --task")
        return
    for found in answer.models:
        model = found.model
        said = [model.task or "no task", model.licence or "no licence", f"{_number(model.downloads)} downloads"]
        said += [f"{_number(model.likes)} likes", f"changed {model.last_modified[:10] or 'unknown'}"]
        said += ["gated"] if model.gated else []
        typer.echo(f"{model.id}  ({', '.join(said)}; fit {found.fit:.2f})")


def _print_card(card: Card, files: tuple[HubFile, ...]) -> None:
    model = card.model
    for name, value in (
        ("model", f"{model.id} at commit {card.commit}"),
        ("task", model.task or "unknown"),
        ("licence", model.licence or "unknown"),
        ("gated", "yes" if model.gated else "no"),
        ("downloads", _number(model.downloads)),
        ("likes", _number(model.likes)),
        ("changed", model.last_modified or "unknown"),
        ("library", card.library or "unknown"),
        ("made from", ", ".join(card.base_models)),
        ("data sets", ", ".join(card.datasets)),
        ("languages", ", ".join(card.languages)),
        ("note", card.note),
        ("address", card.url),
    ):
        if value:
            typer.echo(f"{name}: {value}")
    for result in card.results:
        source = f" ({result.source})" if result.source else ""
        typer.echo(f"stated: {result.metric} {result.value:g} on {result.dataset or 'an unnamed data set'}{source}")
    for file in files:
        size = "unknown size" if file.size_bytes is None else quantity(file.size_bytes, "B")
        typer.echo(f"file: {file.name}, {size}")
    if card.text:
        typer.echo(f"\n{card.text}")


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value))


if __name__ == "__main__":
    app()
