"""What in a question must fit together: names that there are, and keys that mean something beside each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hedgerow_orchestrator.placement.strategies import Strategy
from hedgerow_orchestrator.what_if.fields import Mistake
from hedgerow_orchestrator.what_if.question import OPTIMAL, Question, StageWish

ONLY_OPTIMAL = ("objective", "max_partitions", "max_cuts", "may_revisit", "time_limit_s")
"""Keys that mean nothing where stages are placed one after another."""


def check_together(question: Question, said: Collection[str]) -> None:
    """Refuse names that are unknown and keys that mean nothing together.

    Args:
        said: the keys that stand in the file.

    Raises:
        Mistake: the first of them.
    """
    for mistake in (
        *_names(question),
        *_hosts(question),
        *_energy(question),
        *_strategy(question, said),
        *_variants(question, said),
    ):
        raise mistake


def _names(question: Question) -> Iterator[Mistake]:
    nodes = [node.name for node in question.nodes]
    stages = [stage.name for stage in question.stages]
    for stage in question.stages:
        pin = [("pin", stage.pin)] if stage.pin else []
        on_nodes = [*((f"seconds.{name}", name) for name in stage.seconds), *pin]
        on_nodes += [("forbid", name) for name in stage.forbid]
        on_nodes += [
            (f"variants[{at}].seconds.{name}", name)
            for at, variant in enumerate(stage.variants)
            for name in variant.seconds
        ]
        for key, name in on_nodes:
            if name not in nodes:
                yield Mistake(f"{stage.at}.{key}", f"node {name!r} is unknown; known: {', '.join(nodes)}")
        others = [name for name in stages if name != stage.name]
        for key, names in (("with", stage.with_), ("apart_from", stage.apart_from)):
            for name in names:
                if name not in others:
                    known = ", ".join(others) or "none"
                    yield Mistake(f"{stage.at}.{key}", f"{name!r} is no other stage; known: {known}")


def _hosts(question: Question) -> Iterator[Mistake]:
    first: dict[str, float] = {}
    for at, node in enumerate(question.nodes):
        field = f"{question.path('nodes')}[{at}].cores"
        if not node.host:
            continue
        if node.cores is None:
            yield Mistake(field, f"is missing, and host {node.host!r} may be shared; give the cores of the host")
        elif first.setdefault(node.host, node.cores) != node.cores:
            yield Mistake(
                field, f"{node.cores:g} are not the {first[node.host]:g} that host {node.host!r} has; give the host's"
            )


def _energy(question: Question) -> Iterator[Mistake]:
    if not question.objective.energy:
        return
    for at, node in enumerate(question.nodes):
        if node.power_w is None:
            field = f"{question.path('nodes')}[{at}].power_w"
            yield Mistake(field, f"is missing for {node.name!r}, and energy is an objective; give watts")
    if len(question.nodes) > 1 and not question.links:
        yield Mistake(
            question.path("links"), "there is none, and energy is an objective; give energy_j_per_byte of one at least"
        )


def _strategy(question: Question, said: Collection[str]) -> Iterator[Mistake]:
    strategy = question.strategy
    if strategy == OPTIMAL:
        if "turn" in said:
            yield Mistake(question.path("turn"), f"{question.turn} belongs to strategy 'round_robin'; leave it out")
        for stage in question.stages:
            if not stage.seconds and not stage.variants:
                yield Mistake(f"{stage.at}.seconds", "is known for no node; measure the stage on one at least")
        return
    for key in ONLY_OPTIMAL:
        if key in said:
            yield Mistake(
                question.path(key),
                f"means nothing to strategy {strategy!r}, which places one stage after another; leave it out",
            )
    if question.has_variants:
        yield Mistake(question.path("strategy"), f"{strategy!r} chooses no variants; leave it out")
    clocks = [node.clock_hz is not None for node in question.nodes]
    if strategy == Strategy.RANDOM_WEIGHTED and any(clocks) and not all(clocks):
        at = clocks.index(False)
        field = f"{question.path('nodes')}[{at}].clock_hz"
        yield Mistake(field, "is missing and others have one, so that weights differ in kind; give all or none")


def _variants(question: Question, said: Collection[str]) -> Iterator[Mistake]:
    if not question.has_variants:
        for key in ("latency_limit_s", "accuracy_limit"):
            if key in said:
                yield Mistake(question.path(key), "belongs to variants, and no stage has any; leave it out")
        return
    if question.objective.name != "latency":
        yield Mistake(
            question.path("objective"),
            f"{question.objective.name!r}: variants are weighed by latency and accuracy only",
        )
    for stage in question.stages:
        if stage.variants:
            yield from _one_with_variants(stage)
        elif not stage.seconds:
            yield Mistake(f"{stage.at}.seconds", "is known for no node; measure the stage on one at least")
        if stage.with_ or stage.apart_from:
            key = "with" if stage.with_ else "apart_from"
            yield Mistake(f"{stage.at}.{key}", "is not kept where variants are chosen; use pin and forbid")
        if stage.instances > 1:
            yield Mistake(f"{stage.at}.instances", f"{stage.instances}: variants are for chains; give 1")


def _one_with_variants(stage: StageWish) -> Iterator[Mistake]:
    for key, value in (("seconds", stage.seconds), ("memory_bytes", stage.memory_bytes)):
        if value:
            yield Mistake(f"{stage.at}.{key}", f"{value!r} stands beside variants, which have their own; leave it out")
    names = [variant.name for variant in stage.variants]
    for at, variant in enumerate(stage.variants):
        if names.index(variant.name) < at:
            yield Mistake(f"{stage.at}.variants[{at}].name", f"{variant.name!r} stands twice; name it otherwise")
        if not variant.seconds:
            yield Mistake(f"{stage.at}.variants[{at}].seconds", "is known for no node; measure it on one at least")
