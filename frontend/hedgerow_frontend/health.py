"""Whether the process lives, and whether the system behind it is ready."""

from __future__ import annotations

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.services import Services, services
from hedgerow_frontend.system_answers import AliveAnswer, ReadyAnswer
from hedgerow_idl import ReplyStatus
from hedgerow_nodes.core.request_client import OrchestratorUnreachable
from hedgerow_orchestrator.store.errors import StoreError

Component = dict[str, Any]

blueprint = APIBlueprint("health", __name__, abp_tags=[Tag(name="health", description="For whoever watches over it.")])


@blueprint.get("/healthz", responses={200: AliveAnswer})
def alive() -> dict[str, str]:
    """Say that this process lives."""
    return {"status": "ok"}


@blueprint.get("/readyz", responses={200: ReadyAnswer, 503: ReadyAnswer})
def ready() -> tuple[dict[str, Any], int]:
    """Say whether problems can be answered now, component by component."""
    report = readiness(services())
    return report, 200 if report["ready"] else 503


def readiness(tools: Services) -> dict[str, Any]:
    """Ask the orchestrator how the system is, and try the store: `{ready, components: [{name, ok, detail}]}`."""
    answered = _orchestrator(tools)
    store = _store(tools)
    ready = bool(answered["ready"]) and bool(store["ok"])
    return {"ready": ready, "components": [*answered["components"], store]}


def _store(tools: Services) -> Component:
    try:
        last_id = tools.reader.last_event_id()
    except StoreError as error:
        return {"name": "frontend", "ok": False, "detail": str(error)}
    return {"name": "frontend", "ok": True, "detail": f"reads the store up to event {last_id}"}


def _orchestrator(tools: Services) -> dict[str, Any]:
    try:
        answer = tools.client.call("health", {}, timeout_s=tools.settings.health_timeout_s)
    except OrchestratorUnreachable as error:
        return _silent(str(error))
    if answer.status is not ReplyStatus.OK:
        return _silent(str(answer.body.get("message") or answer.status.name))
    return answer.body


def _silent(detail: str) -> dict[str, Any]:
    return {"ready": False, "components": [{"name": "orchestrator", "ok": False, "detail": detail}]}
