"""Turn a choice and what is at hand of it into the order for the process that runs it."""

from __future__ import annotations

import math
import time

from hedgerow_nodes.estimators.models.choice import Choice
from hedgerow_nodes.estimators.models.execution import ExecutionOrder
from hedgerow_nodes.estimators.models.provider_settings import Settings
from hedgerow_nodes.estimators.models.sources import Located

SHIPPED_BUDGET_S = 0.8  # its other precisions are run as well, and the answer is due within seconds
# What is left of an attempt's time for putting the answer together.
ANSWER_S = 10.0


def order_of(choice: Choice, located: Located, settings: Settings) -> ExecutionOrder:
    """What is to be run, on how many threads and for how long."""
    return ExecutionOrder(
        kind=located.kind,
        path=located.path,
        bundled=located.bundled,
        entry=choice.chosen.model if choice.chosen else None,
        precision=choice.wish.precision if located.bundled else "",
        threads=settings.threads,
        budget_s=min(settings.time_budget_s, SHIPPED_BUDGET_S if located.bundled else math.inf),
    )


def time_for_run_s(settings: Settings, deadline_at_s: float) -> float:
    """How long a run may take: no longer than the attempt, whose deadline may be unknown (NaN)."""
    left_s = math.inf if math.isnan(deadline_at_s) else deadline_at_s - time.time() - ANSWER_S
    return max(1.0, min(settings.execution_timeout_s, left_s))
