"""REST: tasks of every problem, by state, and the pipeline that they go through."""

from __future__ import annotations

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.bodies import TaskQuery
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.lookups import page_of
from hedgerow_frontend.services import services
from hedgerow_frontend.system_answers import PipelineAnswer
from hedgerow_frontend.task_answers import TaskPage
from hedgerow_frontend.wishes import wish

blueprint = APIBlueprint(
    "tasks",
    __name__,
    url_prefix=API,
    abp_tags=[Tag(name="tasks", description="The work that is waiting, running and done.")],
    abp_responses=errors(503),
)


@blueprint.get("/tasks", responses={200: TaskPage, **errors(422)})
def task_list(query: TaskQuery) -> dict[str, Any]:
    """List the tasks, newest first."""
    return page_of(services().reader.tasks, query, state=None if query.state is None else query.state.value)


@blueprint.get("/pipeline", responses={200: PipelineAnswer})
def pipeline() -> dict[str, Any]:
    """Show the stages that every task goes through."""
    return wish("pipeline", {})
