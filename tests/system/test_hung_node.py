"""A call that never returns: the attempt times out, the supervisor restarts the process, and the task still ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import KINDS, TRIVIAL_NODE, System, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PIPELINE = """
extends = "advice"
name = "impatient"

[stages.hw_constraints]
inputs = ["user_input"]
attempts = 2
stall_timeout_s = 1.0
"""


def launch_file(folder: Path, hold: Path) -> Path:
    """Trivial nodes, of which one hangs while a file is there and does not listen."""
    nodes = []
    for kind in KINDS:
        nodes += [f"[nodes.{kind}]", f"script = {json.dumps(TRIVIAL_NODE)}", f'arguments = ["{kind}"]']
        if kind == "hw_constraints":
            nodes.append(f"configuration = {{ hold_file = {json.dumps(str(hold))}, deaf = true }}")
    (folder / "pipeline.toml").write_text(PIPELINE)
    file = folder / "impatient.toml"
    file.write_text("\n".join(['[orchestrator]\npipeline = "pipeline.toml"', *nodes]))
    return file


def test_a_call_that_never_returns(system: System, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    system.start("up", ["-m", "hedgerow_launch", "up", str(launch_file(tmp_path, hold))])
    system.wait_ready(60)
    key = system.submit("hang")
    wanted = wait_for(lambda: [e for e in system.events() if e.kind == "node.restart_wanted"], 30)
    # Only when the process that hangs has been killed may a call return: the second attempt is a new process's.
    wait_for(lambda: "hw_constraints killed by SIGKILL" in system.log_of("up"))
    hold.unlink()
    assert "no progress for 1 s" in wanted[0].body
    task = system.finish(key)
    assert task["state"] == "SUCCEEDED"
    assert task["stages"]["hw_constraints"]["attempt"] == 2
    attempts = system.reader.attempts(*key)
    states = [attempt["state"] for attempt in attempts if attempt["stage"] == "hw_constraints"]
    assert states == ["TIMED_OUT", "SUCCEEDED"]
    others = [name for name in KINDS if name != "hw_constraints"]
    assert {task["stages"][name]["attempt"] for name in others} == {1}
