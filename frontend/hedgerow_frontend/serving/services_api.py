"""REST: services, from the blueprint to the end."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import url_for
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.bodies import WishHeader
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.answers import (
    CheckAnswer,
    EpochList,
    InstanceList,
    IntentAnswer,
    PlaceAnswer,
    RateAnswer,
    ServiceAccepted,
    ServiceAnswer,
    ServiceChanged,
    ServiceList,
)
from hedgerow_frontend.serving.bodies import (
    BlueprintRequest,
    DeployRequest,
    MigrationRequest,
    PlacementRequest,
    ServicePath,
    ServiceQuery,
    said,
)
from hedgerow_frontend.serving.lookups import find_service
from hedgerow_frontend.serving.rates import service_rates
from hedgerow_frontend.wishes import wish

SERVING_TAG = Tag(name="serving", description="Blueprints that run on workers.")
Accepted = tuple[dict[str, Any], int, dict[str, str]]

blueprint = APIBlueprint(
    "services", __name__, url_prefix=f"{API}/services", abp_tags=[SERVING_TAG], abp_responses=errors(503)
)


@blueprint.post("", responses={202: ServiceAccepted, **errors(400, 409, 415, 422)})
def deploy(header: WishHeader, body: DeployRequest) -> Accepted:
    """Deploy a blueprint: place it, prepare its instances and, unless told otherwise, start them."""
    return deploy_blueprint(body, header.idempotency_key)


@blueprint.post("/check", responses={200: CheckAnswer, **errors(415, 422)})
def check(body: BlueprintRequest) -> dict[str, Any]:
    """Say what is wrong with a blueprint, or how it would be placed now; nothing is begun."""
    return check_blueprint(body.blueprint)


@blueprint.get("", responses={200: ServiceList, **errors(422)})
def service_list(query: ServiceQuery) -> dict[str, Any]:
    """List the services, newest first."""
    return {"items": services().reader.services(deleted=query.deleted)}


@blueprint.get("/<service>", responses={200: ServiceAnswer, **errors(404)})
def service(path: ServicePath) -> dict[str, Any]:
    """Show a service with its blueprint, its placement and its instances."""
    return find_service(path.service)


@blueprint.get("/<service>/epochs", responses={200: EpochList, **errors(404)})
def epochs(path: ServicePath) -> dict[str, Any]:
    """List the placements of a service, each with its cause and its reason, newest first."""
    return {"items": services().reader.service_epochs(find_service(path.service)["service_id"])}


@blueprint.get("/<service>/instances", responses={200: InstanceList, **errors(404)})
def instances(path: ServicePath) -> dict[str, Any]:
    """List every start of every handler of a service, newest first."""
    return {"items": services().reader.service_instances(find_service(path.service)["service_id"])}


@blueprint.get("/<service>/rates", responses={200: RateAnswer, **errors(404)})
def rates(path: ServicePath) -> dict[str, Any]:
    """Show what each instance does now, beside what was predicted."""
    return rates_of(find_service(path.service))


@blueprint.post("/<service>/start", responses={200: ServiceChanged, **errors(404, 409)})
def start(path: ServicePath) -> dict[str, Any]:
    """Let a service work that is prepared or stopped."""
    return order_service("start", path.service)


@blueprint.post("/<service>/stop", responses={200: ServiceChanged, **errors(404, 409)})
def stop(path: ServicePath) -> dict[str, Any]:
    """End a service's work and keep its instances."""
    return order_service("stop", path.service)


@blueprint.delete("/<service>", responses={200: ServiceChanged, **errors(404, 409)})
def delete(path: ServicePath) -> dict[str, Any]:
    """End a service and its instances."""
    return order_service("delete", path.service)


@blueprint.post("/<service>/placement", responses={200: PlaceAnswer, **errors(400, 404, 409, 415, 422)})
def place(path: ServicePath, body: PlacementRequest) -> dict[str, Any]:
    """Look for a better placement, or take the one given; the answer says what was done and why."""
    return place_service(path.service, said(body))


@blueprint.post("/<service>/migrate", responses={200: IntentAnswer, **errors(400, 404, 409, 415, 422)})
def migrate(path: ServicePath, body: MigrationRequest) -> dict[str, Any]:
    """Move one instance to another worker while it runs."""
    return migrate_instance(path.service, said(body))


def deploy_blueprint(request: DeployRequest, idempotency_key: str | None) -> Accepted:
    """Hand a blueprint to the orchestrator; the 202 with the address of the service."""
    body = {"blueprint": request.blueprint, "start": request.start}
    if request.name is not None:
        body["name"] = request.name
    answer = wish("service.deploy", body, idempotency_key, timeout_s=_patience(), invalid=HTTPStatus.BAD_REQUEST)
    kept = {name: answer[name] for name in ("service_id", "name", "state", "epoch")}
    return kept, 202, {"Location": url_for("services.service", service=answer["service_id"])}


def order_service(verb: str, service: str) -> dict[str, Any]:
    """Start, stop or delete a service; how it stands then."""
    return wish(f"service.{verb}", {"service": service})


def check_blueprint(found: dict[str, Any]) -> dict[str, Any]:
    """Ask the orchestrator about a blueprint."""
    return wish("service.check", {"blueprint": found}, timeout_s=_patience())


def place_service(service: str, body: dict[str, Any]) -> dict[str, Any]:
    """Hand the wish for another placement to the orchestrator."""
    return wish("service.place", {"service": service, **body}, timeout_s=_patience(), invalid=HTTPStatus.BAD_REQUEST)


def migrate_instance(service: str, body: dict[str, Any]) -> dict[str, Any]:
    """Hand the wish to move one instance to the orchestrator."""
    return wish("service.migrate", {"service": service, **body}, invalid=HTTPStatus.BAD_REQUEST)


def rates_of(found: dict[str, Any]) -> dict[str, Any]:
    """The live rates of a service that was read."""
    tools = services()
    return service_rates(found, tools.reader.workers(), tools.meter)


def _patience() -> float:
    return services().settings.placing_timeout_s
