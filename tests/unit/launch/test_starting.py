"""The pieces around the supervisor: ports, reports, the watch over the front end, the play of the demo."""

from __future__ import annotations

import json
import os
import queue
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hedgerow_launch.commands.demo import EXAMPLE, Play
from hedgerow_launch.detach import Reporter
from hedgerow_launch.frontend_watch import FrontendWatch
from hedgerow_launch.launch_file import load
from hedgerow_launch.launch_schema import LaunchFile
from hedgerow_launch.observations import FrontendReady, Observation, StopWanted
from hedgerow_launch.session import PortTaken, check_port

PATIENCE_S = 10.0
MakeTask = Callable[..., dict[str, Any]]


def test_a_taken_port_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port} \(address already in use\).*HEDGEROW_PORT"):
            check_port(load("advice"), port)
    check_port(load("advice"), port)
    check_port(load("advice"), 0)


def test_a_system_without_front_end_needs_no_port(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('[nodes.a]\ncommand = ["true"]\n')
    launch: LaunchFile = load(str(tmp_path / "x.toml"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        check_port(launch, listener.getsockname()[1])


@pytest.mark.parametrize("fails", [False, True])
def test_the_background_process_reports_once(fails: bool) -> None:
    reads, writes = os.pipe()
    reporter = Reporter(writes)
    if fails:
        reporter.failed("why")
    else:
        reporter.ready("http://x")
    with os.fdopen(reads) as pipe:
        assert json.loads(pipe.read()) == ({"error": "why"} if fails else {"url": "http://x", "pid": os.getpid()})


def test_a_report_that_nobody_reads_harms_nobody() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    Reporter(writes).ready("http://x")
    Reporter(None).ready("http://x")


def test_the_watch_says_when_a_front_end_is_ready(frontend: Any, tmp_path: Path) -> None:
    answers = iter([(503, {"ready": False}), (200, {"ready": True}), (200, {"ready": True})])
    frontend.answers = {"GET /readyz": lambda asked: next(answers)}
    announcement = tmp_path / "run" / "frontend.json"
    announcement.parent.mkdir()
    announcement.write_text(json.dumps({"url": frontend.url, "pid": 77}))
    inbox: queue.SimpleQueue[Observation] = queue.SimpleQueue()
    watch = FrontendWatch(tmp_path)
    watch.start(inbox.put)
    assert inbox.get(timeout=PATIENCE_S) == FrontendReady(frontend.url, 77)
    announcement.write_text(json.dumps({"url": frontend.url, "pid": 78}))
    assert inbox.get(timeout=PATIENCE_S) == FrontendReady(frontend.url, 78)
    watch.close()
    assert len(frontend.asked) == 3


@pytest.mark.parametrize("state", ["RUNNING", "FAILED", "SUCCEEDED"])
def test_the_demo_submits_the_example_and_prints_the_answer(
    frontend: Any, task: MakeTask, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    ended = "SUCCEEDED" if state == "RUNNING" else state
    states = iter([state, ended])
    frontend.answers = {
        "POST /api/v1/problems": (202, {"task": {"problem_id": 3, "iteration_id": 1}}),
        "GET /api/v1/events": "retry: 1\n\n",
        "GET /api/v1/problems/3/iterations/1": lambda asked: (200, task(state=next(states))),
    }
    inbox: queue.SimpleQueue[Observation] = queue.SimpleQueue()
    Play(once=True, as_json=False).begin(frontend.url, inbox.put)
    assert inbox.get(timeout=PATIENCE_S) == StopWanted("the demo is over", 0 if ended == "SUCCEEDED" else 1)
    assert frontend.asked[0].body == {"text": EXAMPLE}
    assert f"task 3.1: {ended}" in capsys.readouterr().out


def test_the_demo_ends_when_the_system_refuses(frontend: Any, capsys: pytest.CaptureFixture[str]) -> None:
    frontend.answers = {"POST /api/v1/problems": (422, {"detail": "text: is blank"})}
    inbox: queue.SimpleQueue[Observation] = queue.SimpleQueue()
    Play(once=True, as_json=True).begin(frontend.url, inbox.put)
    assert inbox.get(timeout=PATIENCE_S) == StopWanted("the demo failed: text: is blank", 1)
    assert capsys.readouterr().out == ""
