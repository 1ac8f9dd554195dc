"""A placement that was found for a service: who runs where, what is predicted, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hedgerow_orchestrator.placement.evaluate import Evaluation, Evaluator
from hedgerow_orchestrator.placement.plan import Plan
from hedgerow_orchestrator.placement.problem import Problem
from hedgerow_orchestrator.serving.figures import Waking
from hedgerow_orchestrator.serving.host_load import cores_left, host_of, load_words
from hedgerow_orchestrator.serving.parts import Key, Part, Wire
from hedgerow_orchestrator.serving.workers import Worker

MOST_WORDS = 3
"""Sentences of each solver in an explanation: what was found and how, the slowest part, and why not one node alone."""


MOST_CELLS = 2_000
"""Of a larger table of costs only the workers that got something are told."""


class NoPlace(Exception):
    """No placement keeps all that is asked for; the text says why."""


@dataclass(frozen=True)
class Request:
    """What is asked of the planner beside the blueprint.

    Attributes:
        current: where the instances are now, node ids.
        stay: instances that shall stay where they are, if that can be.
        moves: instances that a person wants elsewhere, node ids.
        boundaries: of networks, that a person wants or that are deployed: half-open, from 0 to the number of layers.
        avoid: pairs of an instance and a node id that did not work lately; an instance None is any.
        held: memory that the service's own instances hold on workers, bytes by node id.
        seed, turn: of the strategies that pick at random or in turn.
    """

    current: Mapping[Key, str] = field(default_factory=dict)
    stay: frozenset[Key] = frozenset()
    moves: Mapping[Key, str] = field(default_factory=dict)
    boundaries: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    avoid: frozenset[tuple[Key | None, str]] = frozenset()
    held: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    turn: int = 0


@dataclass(frozen=True)
class Placed:
    """One problem and its answer: of the handlers, or of the layers of one network."""

    what: str
    problem: Problem
    plan: Plan


@dataclass(frozen=True)
class Proposal:
    """The answer of the planner. `nodes` are node ids by instance; `turn` is where the next one goes on."""

    parts: tuple[Part, ...]
    wires: tuple[Wire, ...]
    nodes: Mapping[Key, str]
    providers: Mapping[Key, str]
    parameters: Mapping[Key, dict[str, Any]]
    handlers: Mapping[Key, str]
    boundaries: Mapping[str, tuple[int, ...]]
    placed: tuple[Placed, ...]
    predicted: dict[str, Any]
    turn: int = 0

    @property
    def words(self) -> list[str]:
        """The explanation, one sentence each."""
        return list(self.predicted["words"])

    @property
    def explanation(self) -> str:
        """Why it is so, in words: of the handlers and each network the first sentences, and what is assumed.

        All sentences are in `words`.
        """
        told = []
        for each in self.placed:
            prefix = "" if each.what == "handlers" else f"network {each.what}: "
            told += [prefix + word for word in each.plan.words[:MOST_WORDS]]
        return "; ".join([*told, *(word for word in self.words if "never measured" in word and word not in told)])

    @property
    def gap(self) -> float | None:
        """The largest gap to a lower bound; None where one is unknown."""
        gaps = [each.plan.gap for each in self.placed]
        return max(gaps) if gaps and all(gap < float("inf") for gap in gaps) else None


def cost_cells(placed: Placed, assumed: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """What each stage costs on each worker, seconds an item, and where that is from.

    `source` is `measured` (there, of this stage or of the layers that it is made of), `scaled` (`from` the measurement
    on another worker) or `assumed` (nobody ever measured it).

    Args:
        assumed: the stages whose costs are.
    """
    problem = placed.problem
    names = problem.node_names
    is_large = len(names) * len(problem.stages) > MOST_CELLS
    shown = [at for at, name in enumerate(names) if not is_large or name in placed.plan.nodes]
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for stage, name in enumerate(problem.stage_names):
        row = cells[name] = {}
        for at in shown:
            told = row[names[at]] = {"seconds": float(problem.costs.seconds[stage, at]), "source": "measured"}
            scaled_from = int(problem.costs.scaled_from[stage, at])
            if name in assumed:
                told["source"] = "assumed"
            elif scaled_from >= 0:
                told |= {"source": "scaled", "from": names[scaled_from]}
    return cells


def predicted(
    placed: Placed,
    workers: Sequence[Worker],
    words: Sequence[str],
    assumed: Sequence[str] = (),
    wakings: Sequence[Waking] = (),
) -> dict[str, Any]:
    """The prediction as JSON: stages, links, and max(slowest stage, slowest link, work / cores of each host).

    Seconds are for one item; those of `stages` are processor time, which lasts longer where a worker has a limit. Each
    instance has a process of its own, so that two on one worker add up only in what they take of the host's cores that
    others leave (`cores`), and of the worker's where it may use fewer (`limited`). Work is that of the stages and what
    it takes to move their items (`moving`), where a worker has measured that. `costs` is what was chosen from, stages
    that wait for their items; `stages` wait as long as they will: see `as_waiting`, and for `costs` `cost_cells`.

    Args:
        wakings: of each stage, what of its cost it owes to waiting; nothing for none given.
    """
    problem, plan = placed.problem, placed.plan
    index = {name: at for at, name in enumerate(problem.node_names)}
    at_node = [index[name] for name in plan.nodes]
    cost = [float(problem.costs.seconds[at, node]) for at, node in enumerate(at_node)]
    evaluation = Evaluator(problem).evaluate(at_node)
    found = _bounds(problem, workers, at_node, cost, evaluation)
    if wakings:
        cost = as_waiting(problem, cost, wakings, found.bottleneck_s)
        found = _bounds(problem, workers, at_node, cost, evaluation)
    cpu = [seconds * workers[node].core_share for seconds, node in zip(cost, at_node, strict=True)]
    links = [
        {"from": problem.node_names[a], "to": problem.node_names[b], "seconds": seconds}
        for (a, b), seconds in sorted(evaluation.link_s.items())
    ]
    return {
        "bottleneck_s": found.bottleneck_s,
        "throughput_hz": 1 / found.bottleneck_s,
        "latency_s": evaluation.latency_s,
        "stages": {stage.name: cpu[at] for at, stage in enumerate(problem.stages)},
        "costs": cost_cells(placed, assumed),
        "places": dict(zip(problem.stage_names, plan.nodes, strict=True)),
        "links": links,
        "hosts": found.shared,
        "cores": {host: found.cores[host] for host in found.shared},
        "limited": found.limited,
        "moving": found.moving,
        "scaled": [list(each) for each in plan.scaled],
        "assumed_links": [list(each) for each in plan.assumed_links],
        "objective": plan.objective,
        "solver": plan.solver,
        "is_exact": plan.is_exact,
        "words": [*plan.words, *words, *load_words(workers)],
    }


def as_waiting(problem: Problem, cost: Sequence[float], wakings: Sequence[Waking], bottleneck_s: float) -> list[float]:
    """Costs of stages that wait for their items as long as they will: less than those that wait long.

    A processor that has waited begins slower. A stage waits for what its work leaves of the time between two of its
    items; as long as that is shorter than `after_s`, it costs it the less.
    """
    found = []
    for seconds, stage, waking in zip(cost, problem.stages, wakings, strict=True):
        wait_s = bottleneck_s / max(stage.share, 1e-9) - seconds
        waits = min(1.0, max(0.0, wait_s) / waking.after_s) if waking.after_s > 0 else 1.0
        found.append(seconds * (1 - waking.share * (1 - waits)))
    return found


@dataclass(frozen=True)
class _Bounds:
    """What the rate is bound by, seconds an item: `shared` by host, `limited` and `moving` by worker."""

    bottleneck_s: float
    shared: dict[str, float]
    cores: Mapping[str, float]
    limited: dict[str, float]
    moving: dict[str, float]


def _bounds(
    problem: Problem, workers: Sequence[Worker], at_node: Sequence[int], cost: Sequence[float], evaluation: Evaluation
) -> _Bounds:
    cpu = [seconds * workers[node].core_share for seconds, node in zip(cost, at_node, strict=True)]
    work: dict[str, float] = {}
    cores = cores_left(workers)
    limited: dict[str, float] = {}

    def works(worker: Worker, seconds: float) -> None:
        host = host_of(worker)
        work[host] = work.get(host, 0.0) + seconds
        if worker.usable_cores < worker.info.cores:
            limited[worker.label] = limited.get(worker.label, 0.0) + seconds / worker.usable_cores

    for at, node in enumerate(at_node):
        works(workers[node], cpu[at] * problem.stages[at].share)
    moving: dict[str, float] = {}
    for edge in problem.edges:
        for node in (at_node[edge.sender], at_node[edge.receiver]):
            worker, seconds = workers[node], workers[node].item_cpu_s * edge.share
            moving[worker.label] = moving.get(worker.label, 0.0) + seconds
            works(worker, seconds)
    shared = {host: seconds / cores[host] for host, seconds in work.items()}
    slowest = max(seconds * stage.share for seconds, stage in zip(cost, problem.stages, strict=True))
    bottleneck = max([slowest, *evaluation.link_s.values(), *shared.values(), *limited.values()])
    return _Bounds(bottleneck, shared, cores, limited, moving)
