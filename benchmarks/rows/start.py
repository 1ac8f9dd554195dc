"""Start: `hedgerow up` with the seven real nodes, from the command to all of them IDLE, with warm file caches."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, at_most
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain

TRIALS = 5
UP_S = 60.0
_IDLE = re.compile(rb"all 7 nodes IDLE after ([\d.]+) s")


def measure() -> list[Figure]:
    """One start to warm the caches, then some that count."""
    _start_s()
    starts = tuple(_start_s() for _ in range(TRIALS))
    return [Figure("start", statistics.median(starts), "s", (at_most(3),), {"slowest_s": max(starts)}, starts)]


def _start_s() -> float:
    """From the start of the command's process to its line that all nodes are IDLE, by our own clock."""
    with free_domain() as domain, TemporaryDirectory(prefix="hedgerow-bench-") as home:
        environment = Environment.read({"HEDGEROW_HOME": home, "HEDGEROW_DOMAIN": str(domain)})
        variables = {**os.environ, **environment.variables(), "HEDGEROW_PORT": "0"}
        command = [sys.executable, "-m", "hedgerow_launch", "up"]
        began_s = time.perf_counter()
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        took_s = 0.0
        lines = []
        for line in process.stderr:
            lines.append(line)
            if _IDLE.search(line):
                took_s = time.perf_counter() - began_s
                break
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        process.wait(UP_S)
        if not took_s:
            raise RuntimeError(f"the nodes did not come up: {b''.join(lines).decode(errors='replace')}")
        assert Path(home).is_dir()
        return took_s
