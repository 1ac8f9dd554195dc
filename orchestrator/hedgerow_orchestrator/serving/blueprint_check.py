"""Everything that can be wrong with a blueprint before it is placed, each with the field that it is in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from hedgerow_idl.plan import ANY_TYPE, HandlerDescription
from hedgerow_orchestrator.serving.blueprint import (
    MOST_INSTANCES,
    Blueprint,
    HandlerWish,
    LinkWish,
    Problem,
    Requirements,
    Weights,
    port_of,
)
from hedgerow_orchestrator.serving.graph import cycle
from hedgerow_orchestrator.serving.network_check import check_network
from hedgerow_orchestrator.serving.parameters import wrong_parameters

Catalogue = Mapping[str, HandlerDescription]
NETWORK_PORT = "tensors"


def check(blueprint: Blueprint, catalogue: Catalogue) -> list[Problem]:
    """All problems, the first ones first; `catalogue` is the union of the workers' ones, by handler type.

    With an empty catalogue, which is no worker at all, types and ports are not looked at: they may come.
    """
    problems = [*_names(blueprint), *_wishes(blueprint)]
    for at, handler in enumerate(blueprint.handlers):
        problems += _handler(blueprint, handler, f"handlers[{at}]", catalogue)
    for at, network in enumerate(blueprint.networks):
        problems += _requirements(blueprint, network.name, network.requires, f"networks[{at}].requires")
        problems += check_network(blueprint, at)
    described = {handler.name: description_of(handler, catalogue) for handler in blueprint.handlers}
    for at, link in enumerate(blueprint.links):
        problems += _link(blueprint, link, f"links[{at}]", described if catalogue else {})
    if not problems:
        problems += _inputs(blueprint, described)
        if found := cycle(_edges(blueprint)):
            problems.append(Problem("links", f"a cycle: {' -> '.join(found)}; items would go round for ever"))
    return problems


def description_of(handler: HandlerWish, catalogue: Catalogue) -> HandlerDescription | None:
    """What the catalogue says of a handler, by its type or its class; None where nothing does."""
    if handler.type:
        return catalogue.get(handler.type)
    if handler.class_:
        return next((each for each in catalogue.values() if each.class_type == handler.class_), None)
    return None


def _names(blueprint: Blueprint) -> Iterator[Problem]:
    if not blueprint.name:
        yield Problem("name", "is empty; give the service a name")
    if not blueprint.handlers and not blueprint.networks:
        yield Problem("handlers", "there is none; a service has one handler or network at least")
    seen: set[str] = set()
    named = [(f"handlers[{at}].name", each.name) for at, each in enumerate(blueprint.handlers)]
    named += [(f"networks[{at}].name", each.name) for at, each in enumerate(blueprint.networks)]
    for field, name in named:
        if not name or "." in name or "/" in name or "#" in name:
            yield Problem(field, f"{name!r} is no name; use letters without '.', '/' and '#'")
        if name in seen:
            yield Problem(field, f"{name!r} is used twice; names are unique")
        seen.add(name)


def _wishes(blueprint: Blueprint) -> Iterator[Problem]:
    wishes = blueprint.placement
    if isinstance(wishes.objective, Weights):
        weights = (wishes.objective.throughput, wishes.objective.latency, wishes.objective.energy)
        if not all(math.isfinite(each) and each >= 0 for each in weights) or not any(weights):
            yield Problem("placement.objective", f"{weights} are no weights; each is 0 or more, one above 0")
    if wishes.max_partitions is not None and wishes.max_partitions < 1:
        yield Problem(
            "placement.max_partitions", f"{wishes.max_partitions}; one partition is the whole, give 1 or more"
        )
    if wishes.max_cuts is not None and wishes.max_cuts < 0:
        yield Problem("placement.max_cuts", f"{wishes.max_cuts}; no cut is the whole, give 0 or more")
    if not 0 <= wishes.minimum_gain < 1:
        yield Problem("placement.minimum_gain", f"{wishes.minimum_gain} is no part of 1; give 0 to below 1")
    if not 0 <= wishes.minimum_dwell_s < math.inf:
        yield Problem("placement.minimum_dwell_s", f"{wishes.minimum_dwell_s}; give seconds, 0 or more")


def _handler(blueprint: Blueprint, handler: HandlerWish, field: str, catalogue: Catalogue) -> Iterator[Problem]:
    given = [word for word in (handler.type, handler.class_, handler.provider) if word]
    if not given:
        yield Problem(f"{field}.type", f"handler {handler.name!r} has no type; give type, class or provider")
    if handler.instances < 1 or handler.instances > MOST_INSTANCES:
        yield Problem(f"{field}.instances", f"{handler.instances}; give 1 to {MOST_INSTANCES}")
    if handler.max_instances is not None and handler.instances > handler.max_instances:
        yield Problem(f"{field}.instances", f"{handler.instances} is more than max_instances {handler.max_instances}")
    yield from _requirements(blueprint, handler.name, handler.requires, f"{field}.requires")
    if not catalogue:
        return
    known = description_of(handler, catalogue)
    if handler.type and known is None:
        yield Problem(f"{field}.type", f"{handler.type!r} is in no worker's catalogue; known: {_list(catalogue)}")
    if handler.class_ and not handler.type and known is None:
        classes = {each.class_type for each in catalogue.values() if each.class_type}
        yield Problem(f"{field}.class", f"no worker has class {handler.class_!r}; known: {_list(classes)}")
    if known is not None:
        for name, message in wrong_parameters(handler.parameters, known.parameters):
            if not handler.type and name not in handler.parameters:
                continue  # the provider that it gets may be configured with it
            yield Problem(f"{field}.parameters.{name}", message)


def _requirements(blueprint: Blueprint, name: str, requires: Requirements, field: str) -> Iterator[Problem]:
    if not (math.isfinite(requires.memory_bytes) and requires.memory_bytes >= 0):
        yield Problem(f"{field}.memory_bytes", f"{requires.memory_bytes}; give 0 or more bytes")
    for key, other in (("with", requires.with_), ("apart_from", requires.apart_from)):
        if other and (other == name or blueprint.handler(other) is None):
            known = _list(each.name for each in blueprint.handlers if each.name != name)
            yield Problem(f"{field}.{key}", f"{other!r} is no other handler; known: {known}")


def _link(
    blueprint: Blueprint, link: LinkWish, field: str, described: Mapping[str, HandlerDescription | None]
) -> Iterator[Problem]:
    types = []
    for key, end, side in (("from", link.from_, "outputs"), ("to", link.to, "inputs")):
        name, port = port_of(end)
        if blueprint.network(name) is not None:
            if port != NETWORK_PORT:
                yield Problem(f"{field}.{key}", f"network {name!r} has the port {NETWORK_PORT!r} only, not {port!r}")
            types.append("tensors")
            continue
        if blueprint.handler(name) is None:
            known = _list([each.name for each in blueprint.handlers] + [each.name for each in blueprint.networks])
            yield Problem(f"{field}.{key}", f"{end!r}: there is no handler {name!r}; known: {known}")
            continue
        description = described.get(name)
        if description is None:
            continue
        ports = {each.name: each.type for each in getattr(description, side)}
        if port not in ports:
            yield Problem(f"{field}.{key}", f"{name!r} has no {side[:-1]} {port!r}; it has: {_list(ports)}")
        else:
            types.append(ports[port])
    if len(types) == 2 and types[0] != types[1] and ANY_TYPE not in types:
        yield Problem(f"{field}.to", f"{link.from_} gives {types[0]}, {link.to} takes {types[1]}")
    if not (math.isfinite(link.weight) and link.weight > 0):
        yield Problem(f"{field}.weight", f"{link.weight}; give a number above 0")
    if link.capacity < 1:
        yield Problem(f"{field}.capacity", f"{link.capacity}; a link holds 1 item at least")
    if not (math.isfinite(link.delay_s) and link.delay_s >= 0):
        yield Problem(f"{field}.delay_s", f"{link.delay_s}; give seconds, 0 or more")


def _inputs(blueprint: Blueprint, described: Mapping[str, HandlerDescription | None]) -> Iterator[Problem]:
    fed = {link.to for link in blueprint.links}
    for at, handler in enumerate(blueprint.handlers):
        description = described[handler.name]
        for port in description.inputs if description is not None else ():
            if f"{handler.name}.{port.name}" not in fed:
                yield Problem(f"handlers[{at}]", f"input {port.name!r} of {handler.name!r} is fed by no link")
    for at, network in enumerate(blueprint.networks):
        if f"{network.name}.{NETWORK_PORT}" not in fed:
            yield Problem(f"networks[{at}]", f"network {network.name!r} is fed by no link")


def _edges(blueprint: Blueprint) -> list[tuple[str, str]]:
    return [(port_of(link.from_)[0], port_of(link.to)[0]) for link in blueprint.links]


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
