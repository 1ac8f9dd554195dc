"""Chaos with the six real nodes: all fields but the measured ones are those of a quiet run on the same calibration."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from chaos import Killer, Offerer
from running import wait_for
from test_chaos import SEED
from up_system import UpSystem, up_system
from verdict import check_store, restarts, retried_stages, wait_until_all_ended

pytestmark = [pytest.mark.system, pytest.mark.chaos, pytest.mark.timeout(1800)]

TASKS = 50
PER_S = 0.25
KILL_EVERY_S = 10.0
TEXTS = (
    "Count people and bicycles in photos from a street camera within 100 ms on a small edge computer in Spain",
    "Classify photos of leaves on a Jetson in under 50 ms, offline",
    "Read the handwritten digits on forms on a laptop in France",
    "Tell whether a customer review is positive, on a server in Germany",
    "Summarise news articles on a desktop",
)
Output = dict[str, Any]


def test_fifty_tasks_while_a_random_process_is_killed_every_ten_seconds(tmp_path: Path) -> None:
    with up_system(tmp_path / "quiet", "advice") as quiet:
        tasks = Offerer(quiet).offer_all(100.0, lambda offered: offered < len(TEXTS), lambda number: TEXTS[number - 1])
        wait_until_all_ended(quiet, 600.0)
        expected = [unmeasured(quiet, task) for task in tasks]
        quiet.down()
        check_store(quiet, tasks)
    # The choice rests on the calibration, which is a measurement, made once for a home.
    shutil.copytree(tmp_path / "quiet" / "calibration", tmp_path / "chaos" / "calibration")
    with up_system(tmp_path / "chaos", "advice") as system:
        with Killer(system, SEED, KILL_EVERY_S) as killer:

            def more(offered: int) -> bool:
                killer.check()
                return offered < TASKS or not killer.log.enough(each=1, share=0.0)

            offerer = Offerer(system, system.frontend_url)
            offered = offerer.offer_all(PER_S, more, lambda number: TEXTS[number % len(TEXTS)])
        killer.check()
        wait_until_all_ended(system, 600.0)
        stored = f"{restarts(system)} starts of the orchestrator, {retried_stages(system)} stages retried"
        print(f"\nchaos with real nodes: {len(offered)} tasks, {stored}, {killer.log.summary()}")
        wait_for(system.frontend_ready, 120.0, lambda: system.log_of("up"))
        for number, task in enumerate(offered, start=1):
            assert unmeasured(system, task) == expected[number % len(TEXTS)]
        system.down()
        check_store(system, offered)


def unmeasured(system: UpSystem, key: tuple[int, int]) -> dict[str, Output]:
    """All outputs of a task without what differs between two runs of the same program on the same host."""
    outputs = {name: dict(stage["output"]) for name, stage in system.task(key)["stages"].items()}
    host = dict(outputs["hw_constraints"]["host"])
    host.pop("available_memory_bytes")
    outputs["hw_constraints"]["host"] = host
    model = outputs["ml_model_provider"]
    for name in ("latency_s", "cpu_time_s", "peak_memory_bytes"):
        model[name] = model[name]["method"]
    model["variants"] = [variant | {"latency_s": variant["latency_s"]["method"]} for variant in model["variants"]]
    # From here on it tells what the run showed, and whether it was made for this task or for one before.
    model["explanation"] = model["explanation"].partition("Run here on ")[0]
    device = outputs["hw_resources"]
    device["memory_required_bytes"] = device["memory_required_bytes"]["method"]
    device["explanation"] = re.sub(r"[0-9.]+", "#", device["explanation"])
    # This host is a candidate with its measured latency, so that its place among the others is measured too.
    here = [one for one in device["candidates"] if "calibration " in one["source"]]
    device["candidates"] = [_without_need(one) for one in device["candidates"] if one not in here]
    device["this host"] = [(one["id"], one["latency_s"]["method"], bool(one["rejected"])) for one in here]
    return outputs


def _without_need(candidate: Output) -> Output:
    """A device without how much memory the model was seen to need."""
    return {name: value for name, value in candidate.items() if name != "memory_required_bytes"}
