"""An answer as JSON and as text for people; what is unknown is null, or said to be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from hedgerow_orchestrator.placement.plan import Plan
from hedgerow_orchestrator.placement.variants import Choice
from hedgerow_orchestrator.what_if.answering import Answer

MOST_CHOICES = 8
"""Choices of variants that are told one by one."""


def as_object(answer: Answer) -> dict[str, Any]:
    """The answer for `--json`; seconds, joules and bytes, null where something is unknown."""
    plan, problem = answer.plan, answer.problem
    crossing = sum(len({answer.nodes[edge.sender], answer.nodes[edge.receiver]}) > 1 for edge in problem.edges)
    told: dict[str, Any] = {
        "name": answer.question.name,
        "strategy": answer.question.strategy,
        "objective": problem.objective.name,
        "placement": dict(zip(problem.stage_names, answer.nodes, strict=True)),
        "partitions": [{"node": node, "stages": list(names)} for node, names in partitions(answer)],
        "cuts": crossing,
        "value": plan.value if plan else None,
        "unit": plan.unit if plan else "",
        "lower_bound": _known(plan.lower_bound) if plan else None,
        "gap": _known(plan.gap) if plan else None,
        "is_exact": plan.is_exact if plan else False,
        "solver": plan.solver if plan else answer.question.strategy,
        "used_s": plan.used_s if plan else 0.0,
        "predicted": _predicted(plan) if plan else None,
        "idle": [name for name in problem.node_names if name not in answer.nodes],
        "scaled": [{"stage": one, "node": on, "from": source} for one, on, source in plan.scaled] if plan else [],
        "assumed_links": [{"from": one, "to": two} for one, two in plan.assumed_links] if plan else [],
        "words": list(answer.words),
        "error": None,
    }
    if answer.chosen is not None:
        told["variants"] = dict(zip(problem.stage_names, answer.chosen.variants, strict=True))
        told["accuracy"] = answer.chosen.accuracy
        told["front"] = [_choice(each, problem.stage_names) for each in answer.choices]
    return told


def as_text(answer: Answer) -> Iterator[str]:
    """The answer line by line."""
    plan, variants = answer.plan, answer.chosen.variants if answer.chosen else ()
    ways = dict(zip(answer.problem.stage_names, variants, strict=True)) if variants else {}
    yield f"{answer.question.name}:" if answer.question.name else "placement:"
    for node, names in partitions(answer):
        told = (f"{name} ({ways[name]})" if ways.get(name, name) != name else name for name in names)
        yield f"  {node}: {', '.join(told)}"
    if plan:
        yield f"predicted: {_figures(plan)}"
        yield f"{plan.objective}: {plan.value:.6g} {plan.unit}".rstrip() + f", {_proof(plan)}"
    if answer.chosen is not None:
        yield "latency and accuracy that nothing beats in both:"
        for each in answer.choices[:MOST_CHOICES]:
            mark = "*" if each == answer.chosen else " "
            yield f" {mark} {each.latency_s:.6g} s, {each.accuracy:.6g}: {', '.join(each.variants)}"
        if len(answer.choices) > MOST_CHOICES:
            yield f"   and {len(answer.choices) - MOST_CHOICES} more, see --json"
    yield "why:"
    for sentence in answer.words:
        yield f"  {sentence}"


def partitions(answer: Answer) -> Sequence[tuple[str, tuple[str, ...]]]:
    """Of a chain its runs of stages on one node, in order; of a graph the stages of each node in use."""
    placed = list(zip(answer.nodes, answer.problem.stage_names, strict=True))
    if not answer.problem.is_chain:
        order = list(dict.fromkeys(answer.nodes))
        placed.sort(key=lambda pair: order.index(pair[0]))
    return [(node, tuple(name for _, name in run)) for node, run in groupby(placed, key=lambda pair: pair[0])]


def _predicted(plan: Plan) -> dict[str, float | None]:
    found = plan.evaluation
    return {
        "bottleneck_s": found.bottleneck_s,
        "throughput_hz": 1 / found.bottleneck_s,
        "latency_s": found.latency_s,
        "energy_j": _known(found.energy_j),
    }


def _figures(plan: Plan) -> str:
    found = plan.evaluation
    energy = f"{found.energy_j:.6g} J an item" if math.isfinite(found.energy_j) else "energy unknown"
    return f"{1 / found.bottleneck_s:.4g} items/s, {found.latency_s:.6g} s for one item, {energy}"


def _proof(plan: Plan) -> str:
    if plan.is_exact:
        return "nothing is better"
    if plan.lower_bound > 0:
        return f"bound {plan.lower_bound:.6g}, gap {plan.gap:.2%}"
    return "how far from the best is unknown"


def _choice(choice: Choice, stages: Sequence[str]) -> dict[str, Any]:
    return {
        "latency_s": choice.latency_s,
        "accuracy": choice.accuracy,
        "variants": dict(zip(stages, choice.variants, strict=True)),
        "placement": dict(zip(stages, choice.nodes, strict=True)),
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
