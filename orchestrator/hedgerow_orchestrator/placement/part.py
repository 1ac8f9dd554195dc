"""A problem without the nodes that may take nothing, so that they cost a solver no time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hedgerow_orchestrator.placement.network import Links
from hedgerow_orchestrator.placement.problem import Costs, Problem


def usable_part(problem: Problem) -> tuple[Problem, tuple[int, ...]]:
    """The problem over usable nodes, and their places in the whole one."""
    allowed = problem.allowed()
    kept = tuple(int(node) for node in np.flatnonzero(allowed.any(axis=0)))
    if len(kept) == len(problem.nodes):
        return problem, kept
    square = np.ix_(kept, kept)
    links = problem.links
    names = {problem.node_names[node] for node in kept}
    return (
        replace(
            problem,
            nodes=tuple(problem.nodes[node] for node in kept),
            # Sources may be nodes that are left out, and no solver looks at them.
            costs=Costs(problem.costs.seconds[:, kept], np.full((len(problem.stages), len(kept)), -1)),
            links=Links(
                links.bandwidth_bytes_per_s[square],
                links.latency_s[square],
                None if links.age_s is None else links.age_s[square],
                None if links.energy_j_per_byte is None else links.energy_j_per_byte[square],
                links.assumption,
            ),
            rules=replace(problem.rules, forbids=tuple(pair for pair in problem.rules.forbids if pair[1] in names)),
            moving_s=tuple(problem.moving_s[node] for node in kept) if problem.moving_s else (),
            groups=tuple(group.among(names) for group in problem.groups if names & set(group.nodes)),
        ),
        kept,
    )
