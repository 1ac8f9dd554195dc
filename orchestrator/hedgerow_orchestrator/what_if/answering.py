"""Answers a question: the placement that the engine or a simple strategy finds, with what is known about it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hedgerow_orchestrator.placement.checks import Infeasible, check, obvious_conflict
from hedgerow_orchestrator.placement.plan import Plan
from hedgerow_orchestrator.placement.problem import Costs, Problem
from hedgerow_orchestrator.placement.solve import describe, solve
from hedgerow_orchestrator.placement.strategies import Strategy
from hedgerow_orchestrator.placement.variants import Choice, Variant, front
from hedgerow_orchestrator.what_if.building import Built, build
from hedgerow_orchestrator.what_if.fields import Mistake
from hedgerow_orchestrator.what_if.one_by_one import busy_words, one_by_one
from hedgerow_orchestrator.what_if.question import OPTIMAL, Question


@dataclass(frozen=True)
class Answer:
    """Where the stages of a question would run.

    Attributes:
        nodes: the node of each stage, or of each instance of one, in the problem's order.
        plan: None where a cost is unknown, so that nothing can be predicted.
        words: why, one sentence each.
        chosen: the variant of each stage; None where no stage has any.
        choices: all choices of variants that no other one beats.
    """

    question: Question
    problem: Problem
    nodes: tuple[str, ...]
    plan: Plan | None
    words: tuple[str, ...]
    chosen: Choice | None = None
    choices: tuple[Choice, ...] = field(default=())


def answer(question: Question, clock: Callable[[], float]) -> Answer:
    """The answer.

    Args:
        clock: seconds from any origin, such as `time.monotonic`; the time limit is measured with it.

    Raises:
        Mistake: the question is none.
        Infeasible: no placement keeps all rules; the text says which cannot be met.
        NotFound: none was found in the time, and none was proved impossible.
    """
    built = build(question)
    try:
        check(built.problem)
    except ValueError as error:
        raise Mistake(question.at, str(error)) from error
    if built.variant_rows is not None:
        return _with_variants(question, built.problem, built.variant_rows)
    if question.strategy != OPTIMAL:
        return _by_strategy(question, built)
    problem = built.problem
    plan = solve(problem, clock, seconds=question.time_limit_s, seed=question.seed)
    words = plan.words
    if any(node.busy_cores for node in question.nodes):
        words = (*words, "busy_cores counts for the strategy load_aware only; costs were taken as they are given")
    return Answer(question, problem, plan.nodes, plan, words)


def _by_strategy(question: Question, built: Built) -> Answer:
    problem = built.problem
    nodes = one_by_one(question, problem)
    words = (busy_words(question),) if question.strategy == Strategy.LOAD_AWARE else ()
    if built.unknown:
        names = ", ".join(built.unknown)
        words = (*words, f"nothing is predicted: the cost of {names} is known for no node")
        return Answer(question, problem, nodes, None, words)
    places = tuple(problem.node_names.index(node) for node in nodes)
    plan = replace(describe(problem, places, -math.inf, question.strategy), lower_bound=-math.inf)
    return Answer(question, problem, nodes, plan, (*words, *plan.words))


def _with_variants(question: Question, problem: Problem, rows: Costs) -> Answer:
    if obvious := obvious_conflict(problem):
        raise Infeasible(obvious)
    wishes = {stage.name: stage for stage in question.stages}
    variants: list[list[Variant]] = []
    row_of: dict[tuple[str, str], int] = {}
    for name in problem.stage_names:
        stage = wishes[name]
        ways = [(each.name, each.accuracy, each.memory_bytes) for each in stage.variants]
        variants.append([])
        for way, accuracy, memory_bytes in ways or [(name, 1.0, stage.memory_bytes)]:
            row = row_of[name, way] = len(row_of)
            seconds = tuple(float(each) for each in rows.seconds[row])
            variants[-1].append(Variant(way, accuracy, seconds, memory_bytes))
    found = front(problem, variants)
    chosen = found.within(question.most_latency_s, question.least_accuracy)
    picked = [row_of[pair] for pair in zip(problem.stage_names, chosen.variants, strict=True)]
    memory = [
        next(each.memory_bytes for each in ways if each.name == name)
        for ways, name in zip(variants, chosen.variants, strict=True)
    ]
    problem = replace(
        problem,
        stages=tuple(replace(each, memory_bytes=held) for each, held in zip(problem.stages, memory, strict=True)),
        costs=Costs(rows.seconds[picked], rows.scaled_from[picked]),
    )
    places = tuple(problem.node_names.index(node) for node in chosen.nodes)
    # Of one front no choice that is as accurate is quicker.
    lower = chosen.latency_s if found.is_exact else 0.0
    plan = describe(problem, places, lower, "front of latency and accuracy")
    told = f"accuracy {chosen.accuracy:.6g}, the product over stages; {len(found.choices)} choices are beaten by none"
    return Answer(question, problem, plan.nodes, plan, (told, *plan.words), chosen, found.choices)
