"""Turns one table of a file into a question, with every name, number and combination of keys checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hedgerow_orchestrator.placement.network import Assumption
from hedgerow_orchestrator.placement.objective import ENERGY, LATENCY, THROUGHPUT, Objective
from hedgerow_orchestrator.placement.strategies import Strategy
from hedgerow_orchestrator.what_if.agreement import check_together
from hedgerow_orchestrator.what_if.fields import Fields, Mistake
from hedgerow_orchestrator.what_if.question import (
    NEEDED_CORES,
    OPTIMAL,
    FlowFact,
    LinkFact,
    NodeFact,
    Question,
    StageWish,
    VariantFact,
)

LONGEST_S = 3600.0
MOST_INSTANCES = 256
STRATEGIES = (OPTIMAL, *(str(each) for each in Strategy))
_OBJECTIVES = {"throughput": THROUGHPUT, "latency": LATENCY, "energy": ENERGY}
_RULES = ("max_partitions", "max_cuts", "may_revisit")
_CHOOSING = ("objective", "strategy", "time_limit_s", "seed", "turn", "latency_limit_s", "accuracy_limit")
KEYS = ("name", *_CHOOSING, *_RULES, "unmeasured", "nodes", "links", "stages", "flows")
_NODE = ("name", "host", "cores", "clock_hz", "memory_bytes", "power_w", "busy_cores", "cordoned")
_LINK = ("from", "to", "bandwidth_bytes_per_s", "latency_s", "energy_j_per_byte", "both_ways")
_FLOW = ("from", "to", "bytes")
_UNMEASURED = ("bandwidth_bytes_per_s", "latency_s")
_VARIANT = ("name", "accuracy", "seconds", "memory_bytes")
_STAGE = ("name", "seconds", "memory_bytes", "needs_cores", "instances", "spread", "pin", "forbid", "with")
_STAGE_KEYS = (*_STAGE, "apart_from", "variants")
UNUSABLE = "unusable"


def question_of(given: Any, path: str) -> Question:
    """The question in a table.

    Raises:
        Mistake: the first thing in it that cannot be.
    """
    top = Fields(given, path, KEYS)
    nodes = tuple(_node(each) for each in top.tables("nodes", _NODE))
    stages = tuple(_stage(each, top, at) for at, each in enumerate(top.tables("stages", _STAGE_KEYS)))
    for key, found in (("nodes", nodes), ("stages", stages)):
        if not found:
            raise Mistake(top.at(key), f"there is none; give one at least, as [[{key}]]")
    _unique("node", [node.name for node in nodes], top.at("nodes"))
    _unique("stage", [stage.name for stage in stages], top.at("stages"))
    flows = tuple(_flow(each, [stage.name for stage in stages]) for each in top.tables("flows", _FLOW))
    _unique("flow", [f"{flow.sender} to {flow.receiver}" for flow in flows], top.at("flows"))
    node_names = [node.name for node in nodes]
    links = tuple(link for each in top.tables("links", _LINK) for link in _link(each, node_names))
    _unique("link", [f"{link.sender} to {link.receiver}" for link in links], top.at("links"))
    has_variants = any(stage.variants for stage in stages)
    question = Question(
        name=top.text("name", ""),
        at=path,
        stages=stages,
        flows=flows,
        nodes=nodes,
        links=links,
        objective=_objective(top, LATENCY if has_variants else THROUGHPUT),
        strategy=top.choice("strategy", STRATEGIES, OPTIMAL),
        max_partitions=top.whole("max_partitions", least=1),
        max_cuts=top.whole("max_cuts"),
        may_revisit=top.flag("may_revisit", False) if top.has("may_revisit") else None,
        unmeasured=_unmeasured(top),
        is_unmeasured_usable=not top.is_text("unmeasured"),
        time_limit_s=top.number("time_limit_s", 1.0, above=0.0, most=LONGEST_S),
        seed=top.whole("seed", 0) or 0,
        turn=top.whole("turn", 0) or 0,
        most_latency_s=top.maybe("latency_limit_s", above=0.0),
        least_accuracy=top.maybe("accuracy_limit", above=0.0, most=1.0),
    )
    check_together(question, {key for key in KEYS if top.has(key)})
    return question


def _node(fields: Fields) -> NodeFact:
    return NodeFact(
        name=fields.text("name"),
        host=fields.text("host", ""),
        cores=fields.maybe("cores", above=0.0),
        clock_hz=fields.maybe("clock_hz", above=0.0),
        memory_bytes=fields.number("memory_bytes", math.inf),
        power_w=fields.maybe("power_w", above=0.0),
        busy_cores=fields.number("busy_cores", 0.0),
        is_cordoned=fields.flag("cordoned", False),
    )


def _stage(fields: Fields, top: Fields, at: int) -> StageWish:
    instances = fields.whole("instances", 1, least=1) or 1
    if instances > MOST_INSTANCES:
        raise Mistake(fields.at("instances"), f"{instances} are more than {MOST_INSTANCES}; give fewer")
    return StageWish(
        name=fields.text("name"),
        at=f"{top.at('stages')}[{at}]",
        seconds=fields.numbers("seconds"),
        memory_bytes=fields.number("memory_bytes", 0.0),
        needs_cores=fields.number("needs_cores", NEEDED_CORES),
        instances=instances,
        is_spread=fields.flag("spread", False),
        pin=fields.text("pin", ""),
        forbid=fields.names("forbid"),
        with_=fields.names("with"),
        apart_from=fields.names("apart_from"),
        variants=tuple(_variant(each) for each in fields.tables("variants", _VARIANT)),
    )


def _variant(fields: Fields) -> VariantFact:
    return VariantFact(
        name=fields.text("name"),
        accuracy=fields.number("accuracy", above=0.0, most=1.0),
        seconds=fields.numbers("seconds"),
        memory_bytes=fields.number("memory_bytes", 0.0),
    )


def _flow(fields: Fields, stages: Sequence[str]) -> FlowFact:
    sender, receiver = (_known(fields, key, "stage", stages) for key in ("from", "to"))
    if sender == receiver:
        raise Mistake(fields.at("to"), f"{receiver!r} would send to itself; name another stage")
    return FlowFact(sender, receiver, fields.number("bytes"))


def _link(fields: Fields, nodes: Sequence[str]) -> list[LinkFact]:
    sender, receiver = (_known(fields, key, "node", nodes) for key in ("from", "to"))
    if sender == receiver:
        raise Mistake(fields.at("to"), f"{receiver!r} needs no link to itself; name another node")
    bandwidth = fields.number("bandwidth_bytes_per_s", above=0.0)
    latency, energy = fields.number("latency_s"), fields.maybe("energy_j_per_byte")
    ends = [(sender, receiver), (receiver, sender)][: 2 if fields.flag("both_ways", False) else 1]
    return [LinkFact(one, two, bandwidth, latency, energy) for one, two in ends]


def _objective(top: Fields, default: Objective) -> Objective:
    if not top.has("objective"):
        return default
    if top.is_text("objective"):
        return _OBJECTIVES[top.choice("objective", tuple(_OBJECTIVES), "")]
    weights = top.table("objective", tuple(_OBJECTIVES))
    try:
        return Objective(*(weights.number(name, 0.0) for name in _OBJECTIVES))
    except ValueError as error:
        raise Mistake(top.at("objective"), str(error)) from error


def _unmeasured(top: Fields) -> Assumption | None:
    if not top.has("unmeasured"):
        return None
    if top.is_text("unmeasured"):
        top.choice("unmeasured", (UNUSABLE,), UNUSABLE)
        return None
    figures = top.table("unmeasured", _UNMEASURED)
    return Assumption(figures.number("bandwidth_bytes_per_s", above=0.0), figures.number("latency_s"))


def _known(fields: Fields, key: str, kind: str, names: Sequence[str]) -> str:
    name = fields.text(key)
    if name not in names:
        raise Mistake(fields.at(key), f"{kind} {name!r} is unknown; known: {', '.join(names) or 'none'}")
    return name


def _unique(kind: str, names: Sequence[str], path: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Mistake(path, f"{kind} {name!r} stands twice; leave one out")
        seen.add(name)
