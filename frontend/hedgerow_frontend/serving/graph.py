"""The graph of a service as boxes and arrows: from its plan, or from its blueprint while nothing is placed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hedgerow_frontend.charts.graph_chart import SUBTITLE_CHARACTERS, cut
from hedgerow_frontend.charts.graph_layout import GraphBox, GraphEdge
from hedgerow_frontend.formatting import quantity
from hedgerow_frontend.presentation import mark

View = Mapping[str, Any]
NOWHERE = "not placed"


def graph_of(service: View, stages: Sequence[View]) -> tuple[list[GraphBox], list[GraphEdge]]:
    """Boxes and arrows of a service; `stages` are those of `service_rates`."""
    plan = service["plan"]
    if plan and plan.get("instances"):
        return _placed(plan, stages)
    return _planned(service["blueprint"] or {})


def _placed(plan: View, stages: Sequence[View]) -> tuple[list[GraphBox], list[GraphEdge]]:
    replicas = {stage["name"]: stage["replica"] for stage in stages if stage["replica"] > 0}
    boxes = [_box(stage, stage["name"] in replicas) for stage in stages]
    names = {stage["logical_id"]: stage["name"] for stage in stages}
    out = {stage["logical_id"]: stage["out_per_s"] for stage in stages}
    # Of several links to replicas of one handler each item takes one, drawn by weight.
    groups: dict[tuple[str, str, str], float] = defaultdict(float)
    for link in plan.get("links", ()):
        groups[link["sender"], link["output"], names.get(link["receiver"], link["receiver"])] += link.get("weight", 1.0)
    edges = []
    for link in plan.get("links", ()):
        sender = names.get(link["sender"], link["sender"])
        receiver = names.get(link["receiver"], link["receiver"])
        mode = link.get("mode", "lossless")
        told = f"{sender}.{link['output']} → {receiver}.{link['input']}, {mode}"
        if link.get("weight", 1.0) != 1.0:
            told += f", weight {link['weight']:g}"
        rate = out.get(link["sender"])
        group = groups[link["sender"], link["output"], receiver]
        shown = "" if rate is None or not group else f"{quantity(rate * link.get('weight', 1.0) / group)}/s"
        edges.append(GraphEdge(link["sender"], link["receiver"], shown, told, mode == "newest"))
    return boxes, edges


def _box(stage: View, numbered: bool) -> GraphBox:
    title = f"{stage['name']} #{stage['replica']}" if numbered else str(stage["name"])
    took = "" if stage["compute_s"] is None else f" · {quantity(stage['compute_s'], 's')}"
    subtitle = cut(str(stage["handler"]), SUBTITLE_CHARACTERS - len(took)) + took
    told = f"{title}: {stage['handler']} on {stage['node']}, {stage['state'].lower()}"
    style = mark(str(stage["state"]))[1]
    return GraphBox(stage["logical_id"], title, subtitle, str(stage["node"]), style, told)


def _planned(blueprint: View) -> tuple[list[GraphBox], list[GraphEdge]]:
    parts = [
        *(
            (each, each.get("type") or each.get("class") or each.get("provider") or "")
            for each in _listed(blueprint, "handlers")
        ),
        *((each, each.get("model", "")) for each in _listed(blueprint, "networks")),
    ]
    boxes = [GraphBox(str(each.get("name")), str(each.get("name")), str(kind), NOWHERE) for each, kind in parts]
    edges = [
        GraphEdge(
            str(link.get("from")).partition(".")[0],
            str(link.get("to")).partition(".")[0],
            told=f"{link.get('from')} → {link.get('to')}",
            is_dashed=link.get("mode") == "newest",
        )
        for link in _listed(blueprint, "links")
    ]
    return boxes, edges


def _kind(handler: View) -> object:
    return next((handler[key] for key in ("type", "class", "provider") if handler.get(key)), "")


def _listed(blueprint: View, key: str) -> list[View]:
    found = blueprint.get(key)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
