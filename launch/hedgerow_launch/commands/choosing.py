"""`hedgerow problem choices`: what there is to choose from."""

from __future__ import annotations

from typing import Annotated

import typer

from hedgerow_launch.commands.printing import AsJson, print_json, show, table, tell
from hedgerow_launch.rest_client import connect


def choices(
    goal: Annotated[str | None, typer.Argument(metavar="[GOAL]", help="List the models for this task instead.")] = None,
    devices: Annotated[bool, typer.Option("--devices", help="List the devices instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the tasks with their metrics, the models for a task, or the devices."""
    found = connect().get("choices") if goal is None else connect().get("choices", goal, "models")
    if as_json:
        print_json(found)
    elif goal is not None:
        rows = ((one["id"], one["family"], one["accuracy"], one["accuracy_metric"]) for one in found["items"])
        show(table(("model", "family", "accuracy", "metric"), rows))
    elif devices:
        columns = ("device", "class", "id", "missing")
        rows = ((one["name"], one["device_class"], one["id"], ", ".join(one["missing"])) for one in found["devices"])
        show(table(columns, rows))
    else:
        tell(f"modalities: {', '.join(found['modalities'])}")
        rows = ((one["id"], one["modality"], one["models"], ", ".join(one["metrics"])) for one in found["goals"])
        show(table(("task", "modality", "models", "metrics"), rows))
