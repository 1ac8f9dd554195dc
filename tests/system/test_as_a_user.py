"""What a new user types: the README's commands, an author's node outside the repository, mistakes on purpose."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from running import KINDS, wait_for
from user import User

ROOT = Path(__file__).parents[2]
EXAMPLE = "Count people and bicycles in photos from a street camera within 100 ms on a small edge computer in Spain"

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def get(url: str, body: bytes | None = None) -> Any:
    """A GET, or a POST of JSON."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def post(url: str, body: Any) -> Any:
    """A POST of JSON."""
    return get(url, json.dumps(body).encode())


def readme_commands() -> list[list[str]]:
    """The `hedgerow` commands of the README, in order."""
    lines = (ROOT / "README.md").read_text().splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/hedgerow ")]


def test_the_commands_of_the_readme(user: User) -> None:
    commands = readme_commands()
    verbs = ["up", *["problem"] * 5, "node", "doctor", "down"]
    assert [command[0] for command in commands] == verbs
    for command in commands:
        user.types(*command)


def test_the_worked_example_once(user: User) -> None:
    printed = user.types("demo", "--once", timeout_s=200)
    for name in KINDS:
        assert name in printed
    for word in ("object-detection", "Spain", "measured", "roofline"):
        assert word in printed
    assert user.processes() == []


def test_an_authors_node_outside_the_repository(user: User) -> None:
    shutil.copytree(ROOT / "examples" / "garden", user.folder / "garden")
    user.types("up", "garden/garden.toml", "--detach")
    answer = user.json("problem", "submit", EXAMPLE, "--wait")
    assert answer["stages"]["shout"]["output"] == {"text": EXAMPLE.upper()}
    shown = re.sub(r"[│\s]+", " ", user.types("problem", "show", "1", "1"))  # the table breaks lines
    assert EXAMPLE.upper()[:40] in shown
    with urllib.request.urlopen(f"{user.url()}/problems/1/iterations/1") as page:
        assert EXAMPLE.upper() in page.read().decode()
    assert "shout" in user.types("node", "list")


def test_the_answer_has_the_promised_form(user: User) -> None:
    user.types("up", "--detach")
    answer = user.json("problem", "submit", EXAMPLE, "--wait")
    assert list(answer) == ["task", "state", "stages", "verdicts"]
    assert answer["task"] == {"problem_id": 1, "iteration_id": 1}
    assert answer["state"] == "SUCCEEDED"
    assert set(answer["stages"]) == set(KINDS)
    for stage in answer["stages"].values():
        assert list(stage) == ["state", "attempt", "node_id", "started_at", "finished_at", "output", "error"]
    tasks = answer["stages"]["ml_model_metadata"]["output"]["tasks"]
    assert tasks[0]["id"] == "object-detection"
    assert all(set(task) == {"id", "score"} for task in tasks)
    assert user.json("problem", "show", "1", "1") == answer
    assert user.json("problem", "show", "1") == {"problem_id": 1, "iterations": [answer]}
    chosen = answer["stages"]["ml_model_provider"]["output"]["chosen"]
    again = user.json("problem", "iterate", "1", "--from", "1", "--exclude-model", chosen, "--wait")
    assert again["stages"]["ml_model_provider"]["output"]["chosen"] not in ("", chosen)
    third = user.json("problem", "iterate", "1", "--from", "1", "--location", "PL", "--wait")
    assert third["task"] == {"problem_id": 1, "iteration_id": 3}
    carbon = [each["stages"]["carbon_footprint"]["output"]["carbon_gco2e"]["value"] for each in (answer, third)]
    assert carbon[1] > 2 * carbon[0]
    assert third["stages"]["ml_model_provider"]["output"]["chosen"] == chosen
    tiny = user.json("problem", "iterate", "1", "--from", "1", "--max-memory-mb", "0.001", "--wait", code=1)
    assert tiny["stages"]["ml_model_provider"]["error"]["code"] == "NO_MODEL"


FIVE = [
    EXAMPLE,
    "Tell cats from dogs in photos",
    "Sort support e-mails by topic",
    "Count cars in pictures within 1 microsecond",
    "Recognise the breed of a dog in a photo",
]


@pytest.mark.long
def test_twenty_problems_at_once_all_end_with_an_answer_or_a_reason(user: User) -> None:
    user.types("up", "--detach")
    url = user.url()
    with ThreadPoolExecutor(20) as at_once:
        keys = list(at_once.map(lambda text: post(f"{url}/api/v1/problems", {"text": text})["task"], FIVE * 4))
    assert sorted((key["problem_id"], key["iteration_id"]) for key in keys) == [(n, 1) for n in range(1, 21)]
    states = []
    for key in keys:

        def ended(number: int = key["problem_id"]) -> dict[str, Any] | None:
            task = get(f"{url}/api/v1/problems/{number}/iterations/1")
            return task if task["state"] in ("SUCCEEDED", "FAILED") else None

        task = wait_for(ended, 200)
        failed = [stage for stage in task["stages"].values() if stage["state"] == "FAILED"]
        assert (task["state"] == "SUCCEEDED") == (failed == [])
        assert all(len(stage["error"]["reason"]) > 20 and stage["error"]["code"] for stage in failed)
        states.append(task["state"])
    assert states == states[:5] * 4
    assert states[:5] == ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "FAILED", "SUCCEEDED"]


def test_a_second_up_is_refused_with_the_pid_of_the_first(user: User) -> None:
    user.types("up", "--detach")
    pid = json.loads((user.environment.home / "run" / "up.lock").read_text())["pid"]
    assert str(pid) in user.types("up", "--detach", code=1)


def test_ctrl_c_ends_everything_with_130(user: User) -> None:
    command = [sys.executable, "-m", "hedgerow_launch", "up"]
    with subprocess.Popen(
        command, env=user.variables, cwd=user.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as up:
        assert up.stdout is not None
        for line in up.stdout:
            if "IDLE after" in line:
                break
        up.send_signal(signal.SIGINT)
        up.stdout.read()
        assert up.wait(30) == 130
    assert user.processes() == []


def test_mistakes_are_told_the_way_out(user: User) -> None:
    (user.folder / "wrong.toml").write_text('[nodes.x]\nmodule = "x"\ncolour = "red"\n')
    told = user.types("up", "wrong.toml", code=2)
    assert "wrong.toml" in told
    assert "colour" in told
    assert "3" in told
    assert "hedgerow up" in user.types("problem", "list", code=3)
    user.types("up", "--detach")
    assert "carbon_footprint" in user.types("node", "show", "carbon", code=1)
    assert "text" in user.types("problem", "submit", "  ", code=1)
    assert "9" in user.types("problem", "show", "9", code=1)
    user.types("problem", "submit", code=2)
    user.types("problem", "submit", "x", "--colour", "red", code=2)


def test_node_commands(user: User) -> None:
    user.types("up", "--detach")
    assert user.json("node", "stop", "hw_resources")["state"] == "INITIALIZING"
    user.types("node", "start", "hw_resources")
    wait_for(lambda: user.json("node", "show", "hw_resources")["state"] == "IDLE", 30)
    before = user.json("node", "show", "hw_resources")["incarnation"]
    os.kill(user.json("node", "show", "hw_resources")["info"]["pid"], signal.SIGKILL)
    wait_for(lambda: user.json("node", "show", "hw_resources")["incarnation"] > before, 30)
    user.types("node", "terminate", "carbon_footprint")
    wait_for(lambda: user.json("node", "show", "carbon_footprint")["state"] == "INACTIVE", 30)
