"""The exact optimum of workers of two kinds equals what subsets find on as many as those can take."""

import pytest

from benchmarks.two_kinds import optimum, two_kinds
from hedgerow_orchestrator.placement.instances import REGIMES
from hedgerow_orchestrator.placement.objective import ENERGY, LATENCY, THROUGHPUT, Objective
from hedgerow_orchestrator.placement.solve import solve


@pytest.mark.parametrize("objective", [THROUGHPUT, LATENCY, ENERGY], ids=lambda objective: objective.name)
@pytest.mark.parametrize("regime", REGIMES)
def test_the_optimum_equals_that_of_subsets(regime: str, objective: Objective) -> None:
    for seed in range(3):
        problem = two_kinds(seed, 30, 3, 4, regime, objective)
        plan = solve(problem, lambda: 0.0)
        assert plan.is_exact
        assert plan.value == pytest.approx(optimum(problem), rel=1e-9)
