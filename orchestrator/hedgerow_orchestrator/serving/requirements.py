"""Which workers can host what, and of each that cannot why not."""

from __future__ import annotations

from typing import Any

import msgspec

from hedgerow_idl.serve import Resource
from hedgerow_orchestrator.serving.blueprint import Requirements
from hedgerow_orchestrator.serving.parts import Part
from hedgerow_orchestrator.serving.workers import Worker


def why_not(part: Part, worker: Worker, *, has_it: bool = False) -> str:
    """Why a worker cannot host an instance, in words; empty where it can.

    Args:
        part: the instance.
        worker: the worker.
        has_it: the instance runs there already, so that a cordon does not count; draining does.
    """
    if not worker.is_here:
        return "is not here"
    if worker.is_draining:
        return "is being drained"
    if worker.is_cordoned and not has_it:
        return f"is cordoned ({worker.reason})" if worker.reason else "is cordoned"
    return _not_equipped(part, worker) or _not_wanted(part.requires, worker)


def provider_for(part: Part, worker: Worker, used: dict[str, int] | None = None) -> str:
    """The provider on a worker that a source, sink or device uses, the least used one first; empty for none."""
    if part.provider:
        return part.provider
    class_type = part.class_type or _class_of(part, worker)
    found = [each.provider_id for each in worker.resources if class_type and each.class_type == class_type]
    wanted = [each for each in found if each in part.requires.providers]
    return min(wanted or found, key=lambda each: (used or {}).get(each, 0), default="")


def parameters_on(part: Part, worker: Worker, provider_id: str) -> dict[str, Any]:
    """The parameters of an instance: the blueprint's, and below them those that its provider is configured with."""
    resource = next((each for each in worker.resources if each.provider_id == provider_id and provider_id), None)
    if resource is None or not resource.configuration:
        return part.parameters
    return {**_configuration(resource), **part.parameters}


def _configuration(resource: Resource) -> dict[str, Any]:
    try:
        return msgspec.json.decode(resource.configuration, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _wrong_configuration(resource: Resource) -> str:
    try:
        msgspec.json.decode(resource.configuration or "{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        return f"has provider {resource.provider_id!r} whose configuration cannot be read: {error}"
    return ""


def handler_on(part: Part, worker: Worker) -> str:
    """The type of handler that runs a part on a worker: its own, or the one that the worker has for its class."""
    if part.handler:
        return part.handler
    class_type = part.class_type
    if part.provider:
        class_type = next((each.class_type for each in worker.resources if each.provider_id == part.provider), "")
    return next((each.name for each in worker.catalogue.values() if class_type and each.class_type == class_type), "")


def _class_of(part: Part, worker: Worker) -> str:
    described = worker.catalogue.get(part.handler)
    return "" if described is None else described.class_type


def _not_equipped(part: Part, worker: Worker) -> str:
    announced = {each.provider_id for each in worker.resources}
    if part.provider and part.provider not in announced:
        return f"has no provider {part.provider!r}"
    if part.class_type and not part.provider:
        if part.class_type not in {each.class_type for each in worker.resources}:
            return f"has no provider of class {part.class_type!r}"
    provider_id = provider_for(part, worker)
    for resource in worker.resources:
        if resource.provider_id == provider_id and (wrong := _wrong_configuration(resource)):
            return wrong
    handler = handler_on(part, worker)
    if not handler:
        return f"has no handler for {part.provider or part.class_type!r}"
    if handler not in worker.catalogue:
        return f"has no handler {handler!r} in its catalogue"
    run_times = {part.requires.run_time, worker.catalogue[handler].run_time} - {""}
    missing = sorted(run_times - set(worker.info.run_times)) if worker.info.run_times else []
    return f"has no run-time {missing[0]!r}" if missing else ""


def _not_wanted(requires: Requirements, worker: Worker) -> str:
    own = {worker.node_id, worker.name}
    if requires.pin and requires.pin not in own:
        return f"is not {requires.pin!r}, to which it is pinned"
    if requires.nodes and not own & set(requires.nodes):
        return f"is none of {', '.join(requires.nodes)}"
    labels = [each for each in requires.labels if each not in worker.info.labels]
    if labels:
        return f"has no label {labels[0]!r}"
    announced = {each.provider_id for each in worker.resources}
    providers = [each for each in requires.providers if each not in announced]
    if providers:
        return f"has no provider {providers[0]!r}"
    if requires.gpu and not worker.info.gpus:
        return "has no GPU"
    if requires.tee == "required" and not worker.info.has_tee:
        return "has no trusted execution environment"
    if requires.tpm == "required" and not worker.info.has_tpm:
        return "has no TPM"
    if requires.memory_bytes and 0 < worker.info.memory_bytes < requires.memory_bytes:
        return f"has {worker.info.memory_bytes} bytes of memory and {requires.memory_bytes:.0f} are needed"
    return ""
