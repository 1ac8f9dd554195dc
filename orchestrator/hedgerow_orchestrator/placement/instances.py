"""Random placement problems from a seed: shaped like convolutional networks on mixed workers, in three link regimes."""

from __future__ import annotations

import numpy as np

from hedgerow_orchestrator.placement.network import Links
from hedgerow_orchestrator.placement.objective import THROUGHPUT, Objective
from hedgerow_orchestrator.placement.problem import Costs, Node, Problem, Rules, chain

REGIMES = ("fast", "mixed", "slow")
"""Links of a wired network (about 100 MB/s), of joined sites (2 to 100 MB/s), of radio (about 2 MB/s)."""


def instance(
    seed: int, stages: int, nodes: int, regime: str, objective: Objective = THROUGHPUT, rules: Rules | None = None
) -> Problem:
    """A problem that the same arguments always give.

    Layers cost 0.2 to 20 ms on a worker of speed 1 (log-normal) and speeds spread over a factor of about ten, with 15 %
    of noise on each pair. Activations shrink from about 800 kB to 4 kB through the network, in steps. All workers
    together hold about three times what the network needs, so that no single one holds it all.

    Raises:
        ValueError: there is no regime of the name.
    """
    if regime not in REGIMES:
        raise ValueError(f"regime {regime!r} unknown; known: {', '.join(REGIMES)}")
    rng = np.random.default_rng([seed, stages, nodes, REGIMES.index(regime)])
    work = np.clip(np.exp(rng.normal(np.log(2e-3), 0.8, stages)), 2e-4, 2e-2)
    speed = np.exp(rng.normal(0.0, 0.6, nodes))
    seconds = work[:, None] / speed[None, :] * np.exp(rng.normal(0.0, 0.15, (stages, nodes)))
    depth = np.arange(1, stages) / stages
    steps = np.floor(depth * 5) / 5
    cut_bytes = 8e5 * np.exp(-5.3 * steps) * np.exp(rng.normal(0.0, 0.5, stages - 1))
    memory = np.exp(rng.normal(np.log(1e6), 0.7, stages)) * (0.3 + np.linspace(0, 1.4, stages))
    share = np.exp(rng.normal(0.0, 0.5, nodes))
    # Three times the whole over all workers, but each at least the largest layer, else small ones could hold nothing.
    capacity = np.maximum(3 * memory.sum() * share / share.sum(), memory.max() * 1.05)
    middle, spread = {"fast": (1e8, 0.15), "mixed": (1.4e7, 1.0), "slow": (2e6, 0.3)}[regime]
    bandwidth = middle * np.exp(rng.normal(0.0, spread, (nodes, nodes)))
    latency = {"fast": 3e-4, "mixed": 2e-3, "slow": 8e-3}[regime] * np.exp(rng.normal(0.0, 0.4, (nodes, nodes)))
    parts, edges = chain(tuple(f"layer {at}" for at in range(stages)), cut_bytes, memory)
    power = 4 * speed**1.3 * np.exp(rng.normal(0.0, 0.2, nodes))
    return Problem(
        stages=parts,
        edges=edges,
        nodes=tuple(Node(f"worker {at}", float(capacity[at]), float(power[at])) for at in range(nodes)),
        costs=Costs.measured(seconds),
        links=Links(
            bandwidth,
            latency,
            age_s=rng.uniform(0, 600, (nodes, nodes)),
            energy_j_per_byte=np.full((nodes, nodes), 2e-8 if regime == "fast" else 2e-7),
        ),
        objective=objective,
        rules=rules or Rules(),
    )
