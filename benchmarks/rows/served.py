"""Served: EfficientNet-Lite0 cut over three workers whose links are shaped, in namespaces; needs root and iproute2."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.figures import Figure, fixed_at_least, fixed_at_most
from benchmarks.served_network import HOSTS, RATE_BIT_PER_S, Observed, read
from hedgerow_launch.scenes.shaped_network import ShapedNetwork, in_namespace


def measure() -> list[Figure]:
    """The system runs in the hub's namespace, each worker in one of its own; what it saw comes back in a file.

    Raises:
        NoShapedNetwork: there are no namespaces here.
    """
    with ShapedNetwork(HOSTS, RATE_BIT_PER_S) as network, TemporaryDirectory(prefix="hedgerow-bench-") as folder:
        file = Path(folder) / "observed.json"
        variables = {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": ",".join(network.all_addresses)}
        command = [sys.executable, "-m", "benchmarks.served_network", str(file), *network.hosts]
        subprocess.run(in_namespace(network.hub, *command), env={**os.environ, **variables}, check=True)
        return _figures(read(file))


def _figures(seen: list[Observed]) -> list[Figure]:
    shares = tuple(one.measured_hz / one.predicted_hz for one in seen)
    errors = {f"{one.cut} {name}": 100 * (a / b - 1) for one in seen for name, (a, b) in one.stages.items()}
    off = tuple(abs(error) for error in errors.values())
    moved = sum(one.planned != one.deployed for one in seen)
    details = {
        one.cut: {
            "predicted_hz": one.predicted_hz,
            "measured_hz": one.measured_hz,
            "bounded_by": one.bounded_by,
            "predicted_and_measured_s": one.stages,
        }
        for one in seen
    }
    boundaries = {one.cut: {"planned": one.planned, "deployed": one.deployed} for one in seen}
    equal = 100 * (1 - moved / len(seen))
    return [
        Figure("served: rate beside the predicted, least", min(shares), "", (fixed_at_least(0.9),), details, shares),
        Figure("served: predicted stage times, worst", float(np.max(off)), "% off", (fixed_at_most(15),), errors, off),
        Figure("served: predicted stage times, median", statistics.median(off), "% off", (fixed_at_most(15),)),
        Figure("served: deployed as planned", equal, "%", (fixed_at_least(100),), boundaries),
    ]
