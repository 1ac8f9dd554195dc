"""Older service files: a block of handlers and links for each node becomes one blueprint over all of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hedgerow_launch.compat.handler_types import CAPTURE, RX, TX, TYPES, HandlerType, capture

Place = tuple[int, int]
"""A handler of an older file: the number of its node and its own."""


class ServiceRefused(Exception):
    """A service file that cannot be turned into a blueprint; the message names the place in it."""


@dataclass(slots=True)
class _Handler:
    name: str
    type: HandlerType | None
    kind: int
    parameters: Mapping[str, Any]
    block: dict[str, Any] | None = None


@dataclass(slots=True)
class Imported:
    """A blueprint, and what of the file has no counterpart in it."""

    blueprint: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def blueprint_of(service: Mapping[str, Any], nodes: Mapping[int, str]) -> Imported:
    """Turn a service into a blueprint.

    Args:
        service: the object of the file.
        nodes: the names of the nodes by their numbers; a handler is pinned to the worker with that name.

    Raises:
        ServiceRefused: something in it is missing, unknown or leads nowhere.
    """
    name = str(service.get("service_name") or f"service-{service.get('service_id')}")
    found = Imported({"name": name, "handlers": [], "links": []})
    handlers: dict[Place, _Handler] = {}
    links: list[tuple[Place, int, Place, int]] = []
    for at, part in enumerate(_list(service, "template", name)):
        node = _number(part, "node_id", f"{name}: template[{at}]")
        if node not in nodes:
            raise ServiceRefused(f"{name}: node {node} unknown; known: {', '.join(map(str, sorted(nodes))) or 'none'}")
        place = f"{name}: blueprint of node {node}"
        blueprint = part.get("blueprint") or {}
        for given in _list(blueprint, "handlers", place):
            number = _number(given, "handler_id", place)
            if (node, number) in handlers:
                raise ServiceRefused(f"{place}: handler {number} is there twice")
            handlers[node, number] = _handler(given, node, number, nodes[node], place, found)
        for given in _list(blueprint, "links", place):
            ends = [_number(given, key, place) for key in ("source_handler", "target_handler")]
            ports = [_number(given, key, place) for key in ("source_output", "target_input")]
            links.append(((node, ends[0]), ports[0], (node, ends[1]), ports[1]))
    found.blueprint["handlers"] = [each.block for each in handlers.values() if each.block]
    found.blueprint["links"] = [_link(handlers, name, *link) for link in _joined(handlers, links, name)]
    if any(each.kind in (TX, RX) for each in handlers.values()):
        found.warnings.append(f"{name}: tx and rx handlers became links; workers carry items between each other")
    return found


def _handler(given: Mapping[str, Any], node: int, number: int, worker: str, place: str, found: Imported) -> _Handler:
    kind = _number(given, "handler_type", place)
    parameters = given.get("params") or {}
    if not isinstance(parameters, dict):
        raise ServiceRefused(f"{place}: params of handler {number} are no object")
    name = f"{given.get('handler_name') or 'handler'}-{node}-{number}"
    if kind in (TX, RX):
        return _Handler(name, None, kind, parameters)
    if kind == CAPTURE:
        ours, source = capture(parameters.get("source", 0))
        parameters = {**parameters, "source": source}
    elif kind in TYPES:
        ours = TYPES[kind]
    else:
        raise ServiceRefused(f"{place}: handler_type {kind!r} unknown; known: 0 to {max(TYPES)}")
    left_out = sorted(set(parameters) - set(ours.parameters))
    if left_out:
        found.warnings.append(f"{place}: {name} ({ours.type}) has no parameter {', '.join(left_out)}")
    block = {
        "name": name,
        "type": ours.type,
        "parameters": {ours.parameters[key]: value for key, value in parameters.items() if key in ours.parameters},
        "requires": {"nodes": [worker]},
    }
    return _Handler(name, ours, kind, parameters, block)


def _joined(
    handlers: Mapping[Place, _Handler], links: list[tuple[Place, int, Place, int]], name: str
) -> list[tuple[Place, int, Place, int]]:
    """The links without tx and rx: what goes into a tx comes out of the rx on another node with its port."""
    for source, _, target, _ in links:
        for end in (source, target):
            if end not in handlers:
                raise ServiceRefused(f"{name}: a link names handler {end[1]} of node {end[0]}, which is not there")
    joined = [link for link in links if handlers[link[0]].kind != RX and handlers[link[2]].kind != TX]
    for sender, output, tx, _ in links:
        if handlers[tx].kind != TX:
            continue
        port = handlers[tx].parameters.get("port")
        ways = [place for place, each in handlers.items() if each.kind == RX and each.parameters.get("port") == port]
        others = [place for place in ways if place[0] != tx[0]] or ways
        targets = [(target, number) for rx, _, target, number in links if rx in others]
        if not targets:
            raise ServiceRefused(f"{name}: what {handlers[tx].name} sends to port {port!r} arrives nowhere")
        joined += [(sender, output, target, number) for target, number in targets]
    return joined


def _link(
    handlers: Mapping[Place, _Handler], name: str, sender: Place, output: int, receiver: Place, number: int
) -> dict[str, Any]:
    one, other = handlers[sender], handlers[receiver]
    if one.type is None or other.type is None:
        raise ServiceRefused(f"{name}: {one.name} and {other.name} only pass on to each other")
    if not 0 <= output < len(one.type.outputs):
        raise ServiceRefused(f"{name}: {one.name} ({one.type.type}) has no output {output}")
    if not 0 <= number < len(other.type.inputs):
        raise ServiceRefused(f"{name}: {other.name} ({other.type.type}) has no input {number}")
    mode = "newest" if not one.type.inputs else "lossless"
    ends = {"from": f"{one.name}.{one.type.outputs[output]}", "to": f"{other.name}.{other.type.inputs[number]}"}
    return {**ends, "mode": mode}


def _list(values: Mapping[str, Any], key: str, place: str) -> list[Mapping[str, Any]]:
    found = values.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ServiceRefused(f"{place}: {key} is no list of objects")
    return found


def _number(values: Mapping[str, Any], key: str, place: str) -> int:
    value = values.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ServiceRefused(f"{place}: {key} {value!r} is no number")
    return value
