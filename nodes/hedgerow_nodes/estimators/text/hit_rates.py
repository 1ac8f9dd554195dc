"""How often the right task is found first, in the first three and in the first five, over a file of labelled problems.

`python -m hedgerow_nodes.estimators.text.hit_rates FILE...` prints one line for each file; `--missed` adds the problems
of which the right task is not among the first three.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hedgerow_nodes.estimators.text.limits import without_limits
from hedgerow_nodes.estimators.text.task_matcher import TaskMatch, TaskMatcher, packaged_matcher
from hedgerow_nodes.estimators.text.tasks import load_taxonomy

DEPTHS = (1, 3, 5)
DEPTH_OF_A_MISS = 3


@dataclass(frozen=True)
class Problem:
    """A problem in free text and the id of the task that fits it best."""

    text: str
    task: str


@dataclass(frozen=True)
class HitRates:
    """What was counted over some problems.

    `hits` leads from a depth to the problems whose right task is that far up; `sure` answers gave themselves out as
    sure, `sure_and_right` of them had the right task first; `missed` holds each problem with the first three tasks.
    """

    problems: int
    hits: dict[int, int]
    sure: int
    sure_and_right: int
    missed: tuple[tuple[Problem, tuple[str, ...]], ...]

    def line(self, name: str) -> str:
        """One line for a person."""
        shares = ", ".join(f"top {k} {n} ({n / self.problems:.0%})" for k, n in self.hits.items())
        return f"{name}: {self.problems} problems, {shares}, sure {self.sure} of which right {self.sure_and_right}"


def read_problems(path: Path) -> tuple[Problem, ...]:
    """Read `{"problems": [{"text": …, "task": …}, …]}`.

    Raises:
        ValueError: the file holds no such problems.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    try:
        problems = tuple(Problem(entry["text"], entry["task"]) for entry in content["problems"])
    except (KeyError, TypeError) as odd:
        raise ValueError(f'{path} does not look like {{"problems": [{{"text": …, "task": …}}]}}') from odd
    if not problems:
        raise ValueError(f"{path} holds no problems")
    return problems


def count_hits(problems: Sequence[Problem], match: Callable[[str], TaskMatch]) -> HitRates:
    """Match each problem by its text alone, without a modality, as the node does."""
    hits = dict.fromkeys(DEPTHS, 0)
    sure = sure_and_right = 0
    missed = []
    for problem in problems:
        found = match(without_limits(problem.text))
        ids = tuple(id_ for id_, _ in found.tasks)
        for depth in DEPTHS:
            hits[depth] += problem.task in ids[:depth]
        sure += not found.unsure
        sure_and_right += not found.unsure and ids[0] == problem.task
        if problem.task not in ids[:DEPTH_OF_A_MISS]:
            missed.append((problem, ids[:DEPTH_OF_A_MISS]))
    return HitRates(len(problems), hits, sure, sure_and_right, tuple(missed))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the hit rates of each file named."""
    parser = argparse.ArgumentParser(prog="hit_rates", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--missed", action="store_true", help="show the problems that were missed")
    parser.add_argument("--base", action="store_true", help="leave an installed sentence embedder out")
    asked = parser.parse_args(arguments)
    matcher = TaskMatcher(load_taxonomy()) if asked.base else packaged_matcher()
    print(f"compared by {matcher.compared_by}")
    for path in asked.files:
        rates = count_hits(read_problems(path), matcher.match)
        print(rates.line(path.stem))
        for problem, ids in rates.missed if asked.missed else ():
            print(f"  {problem.task} is not in {', '.join(ids)}: {problem.text}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
