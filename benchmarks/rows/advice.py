"""Advice: one task with a small real model from its submission to its stored end, with the seven real nodes."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, at_most
from hedgerow_launch.follow import Follower
from hedgerow_launch.rest_client import RestClient, read_announcement
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain

TRIALS = 5
UP_S = 60.0
TASK_S = 60.0
EXAMPLES = Path(__file__).parents[2] / "examples" / "advice"
# The model of the first is the smallest; what every first task pays, imports and calibration, it pays for the others.
FIRST, MAIN = "digits", "leaves"
OTHERS = ("faces", "delivery_notes", "questions")


def measure() -> list[Figure]:
    """Five systems, in each a first task, then one of each small model that was not run there before."""
    trials: dict[str, list[float]] = {}
    for _ in range(TRIALS):
        with _system() as client:
            for name, fields in _problems().items():
                trials.setdefault(name, []).append(_task_s(client, fields))
            trials.setdefault("remembered", []).append(_task_s(client, _problems()[MAIN]))
    medians = {name: statistics.median(times) for name, times in trials.items()}
    slowest = max(OTHERS, key=lambda name: medians[name])
    details = {
        "first_ever_task_s": medians[FIRST],
        "first_ever_slowest_s": max(trials[FIRST]),
        "same_again_s": medians["remembered"],
        **{f"{name}_s": medians[name] for name in OTHERS},
    }
    return [
        Figure("advice", medians[MAIN], "s", (at_most(3),), details, tuple(trials[MAIN])),
        Figure("advice slowest", medians[slowest], "s", (at_most(3),), {"problem": slowest}, tuple(trials[slowest])),
    ]


def _problems() -> dict[str, dict[str, Any]]:
    """The bodies of the worked problems, the first task before all others; without the file of its data."""
    found = {}
    for name in (FIRST, MAIN, *OTHERS):
        found[name] = tomllib.loads((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8"))
    found[FIRST] = {"text": found[FIRST]["text"], "goal": "tabular-classification"}
    return found


def _task_s(client: RestClient, fields: dict[str, Any]) -> float:
    """From the submission until the store says that the task has succeeded."""
    began_s = time.perf_counter()
    task = client.post("problems", body=fields)["task"]
    ended = Follower(client).wait(task["problem_id"], task["iteration_id"], TASK_S)
    took_s = time.perf_counter() - began_s
    if ended["state"] != "SUCCEEDED" or not ended["stages"]["ml_model_provider"]["output"]["sample_result"]:
        raise RuntimeError(f"no model was run for {fields}: {json.dumps(ended['stages'])[:2000]}")
    return took_s


@contextmanager
def _system() -> Iterator[RestClient]:
    """`hedgerow up` in a home and a domain of its own, until all is ready; what it calibrates is not kept."""
    with free_domain() as domain, TemporaryDirectory(prefix="hedgerow-bench-") as home:
        environment = Environment.read({"HEDGEROW_HOME": home, "HEDGEROW_DOMAIN": str(domain)})
        variables = {**os.environ, **environment.variables(), "HEDGEROW_PORT": "0"}
        command = [sys.executable, "-m", "hedgerow_launch", "up"]
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield _ready(Path(home), process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(UP_S)


def _ready(home: Path, process: subprocess.Popen[bytes]) -> RestClient:
    until_s = time.monotonic() + UP_S
    while time.monotonic() < until_s and process.poll() is None:
        if (announced := read_announcement(home)) is not None:
            client = RestClient(announced.url)
            if client.readiness().get("ready"):
                return client
        time.sleep(0.05)
    raise RuntimeError(f"the system did not come up; exit code {process.poll()}")
