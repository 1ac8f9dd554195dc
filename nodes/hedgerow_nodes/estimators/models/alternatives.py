"""What the whole catalogue says about a wish on this host: the Pareto front, the best by the rule, and what fell."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

from hedgerow_idl import Calibration, Limit
from hedgerow_nodes.estimators.models import catalogue, grid, published, text_costs
from hedgerow_nodes.estimators.models.filters import Ask
from hedgerow_nodes.estimators.models.limits import QUALITY_WORDS
from hedgerow_nodes.estimators.models.pool import Group, Pool, gather
from hedgerow_nodes.estimators.models.selection import OBJECTIVES, Suggestion, Suggestions, suggest
from hedgerow_nodes.estimators.models.wish import Wish
from hedgerow_nodes.estimators.quantity_text import quantity


@functools.lru_cache(maxsize=8)
def pool_of(task: str) -> Pool:
    """The models of all shipped catalogues for a task."""
    return gather(task, published.load(), catalogue.load(), text_costs.load())


def alternatives(wish: Wish, calibration: Calibration, objective: str, n: int) -> Suggestions:
    """The n best different models for the wish on this host, whether or not they can be run here.

    An objective that is not known here is another's business and counts as none.
    """
    pool = pool_of(wish.task)
    wanted = objective if objective in OBJECTIVES else ""
    return suggest(pool, grid.costs(pool, grid.host(calibration)), ask_of(wish, pool, wanted), n)


def ask_of(wish: Wish, pool: Pool, objective: str = "") -> Ask:
    """The wish in the terms of the filters; of several limits on one thing the tightest."""
    latency = math.nan if wish.latency_note else _tightest(wish.limits, "latency_s")
    group, floor = _quality(wish.limits, pool)
    return Ask(
        objective=objective,
        group=group,
        min_quality=floor,
        max_latency_s=latency,
        max_memory_bytes=_tightest(wish.limits, "memory_bytes"),
        max_parameters=_tightest(wish.limits, "model_parameters"),
        special=wish.special if any(row.special == wish.special for row in pool.rows) else "",
        excluded=wish.excluded,
    )


def _tightest(limits: Iterable[Limit], name: str) -> float:
    return min((one.value for one in limits if one.name == name and one.comparison == "<="), default=math.nan)


def _quality(limits: Iterable[Limit], pool: Pool) -> tuple[Group | None, float]:
    """The group that a wanted quality is about, the one with most figures of those, and the quality."""
    for limit in limits:
        words = QUALITY_WORDS.get(limit.name, ())
        fitting = {g: v for g, v in pool.quality.items() if any(word in " ".join(g).lower() for word in words)}
        if fitting:
            group = min(fitting, key=lambda g: (-int((fitting[g] == fitting[g]).sum()), g))
            return group, limit.value
    return None, math.nan


def in_words(found: Suggestions) -> list[str]:
    """Sentences for the explanation of an answer; none where the whole catalogue has nothing more to say."""
    if len(found.suggestions) < 2:
        return []
    group = f" by {found.group[0]} on {found.group[1] or 'its data set'}" if found.group else ""
    compared = " x ".join(found.compared)
    out = ", ".join(f"{one.count} {one.kind}" for one in found.rejections)
    best = "; ".join(_told(one, found) for one in found.suggestions)
    on_front = "1 is" if len(found.front) == 1 else f"{len(found.front)} are"
    return [
        f"Of {found.models} models known for this task {found.kept} can be compared here{group}"
        + (f" (out: {out})." if out else "."),
        f"{on_front} on the Pareto front of {compared}; the first by the rule, whether or not they can be "
        f"run here: {best}.",
        f"That rule is: {found.rule}.",
    ]


def _told(one: Suggestion, found: Suggestions) -> str:
    quality = "" if math.isnan(one.quality) or found.group is None else f"{found.group[0]} {one.quality:.3g}, "
    return f"{one.row.id} ({quality}{quantity(one.latency_s[0], 's')}, {quantity(one.memory_bytes[0], 'B')})"
