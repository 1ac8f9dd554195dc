"""Memory over 20,000 tasks: no process grows with the number of tasks. `make bench-long` has the form with 100,000."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.pipeline_system import check_store, pipeline_system

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LOOKS = (10_000, 15_000, 20_000)
IN_FLIGHT = 128
ALLOWED_GROWTH = 0.03
"""Of 5,000 tasks: half a kilobyte a task in the orchestrator, a quarter in a node."""


def test_no_process_grows_with_the_number_of_tasks(tmp_path: Path) -> None:
    with pipeline_system(tmp_path) as system:
        sizes = []
        for done, tasks in pairwise((0, *LOOKS)):
            system.client.run_tasks(tasks - done, IN_FLIGHT)
            sizes.append(system.rss_bytes())
    assert check_store(tmp_path)["tasks"] == LOOKS[-1]
    for name in sizes[0]:
        # A leak shows in both halves. A single step is the ring of a peer that a busy machine held up for its lease.
        growth = [after[name] / before[name] - 1 for before, after in pairwise(sizes)]
        print(f"{name}: {[round(size[name] / 1e6, 1) for size in sizes]} MB")
        assert min(growth) <= ALLOWED_GROWTH, f"{name} grows with the number of tasks: {growth}"
