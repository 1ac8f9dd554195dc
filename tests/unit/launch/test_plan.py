"""Command lines and variables of the processes that a launch file asks for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hedgerow_launch.launch_file import load
from hedgerow_launch.launch_schema import Restart
from hedgerow_launch.plan import Role, plan_processes


def test_the_advice_system_is_nine_processes() -> None:
    plans = plan_processes(load("advice"), {"HEDGEROW_HOME": "/h"}, port=0)
    assert [plan.role for plan in plans] == [Role.ORCHESTRATOR, Role.FRONTEND] + [Role.NODE] * 7
    assert plans[0].command == (sys.executable, "-m", "hedgerow_orchestrator", "--pipeline", "advice")
    assert plans[1].command == (sys.executable, "-m", "hedgerow_frontend", "--host", "127.0.0.1", "--port", "0")
    assert plans[2].command == (sys.executable, "-m", "hedgerow_nodes.app_requirements", "--name", "app_requirements")
    assert all(plan.environment["HEDGEROW_HOME"] == "/h" for plan in plans)
    assert [plan.restart for plan in plans[:2]] == [Restart.ALWAYS, Restart.ALWAYS]


def test_the_launch_files_port_counts_where_none_is_given() -> None:
    assert plan_processes(load("advice"), {})[1].command[-1] == "5001"


def test_the_three_ways_to_run_a_node(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    (tmp_path / "x.toml").write_text(
        """
        [nodes.a]
        script = "a.py"
        configuration = { shade = "red", parts = [1, 2] }
        arguments = ["--log-level", "DEBUG"]
        environment = { SHADE = "1" }
        working_directory = "."
        [nodes.b]
        command = ["./b", "--fast"]
        arguments = ["x"]
        restart = "never"
        memory_limit_bytes = 500_000_000
        cpus = [0, 2]
        """
    )
    script, command = plan_processes(load(str(tmp_path / "x.toml")), {"SHADE": "0", "KEPT": "1"})
    assert script.command[:4] == (sys.executable, str(tmp_path / "a.py"), "--log-level", "DEBUG")
    assert script.command[4:7] == ("--name", "a", "--configuration")
    assert json.loads(script.command[7]) == {"shade": "red", "parts": [1, 2]}
    assert (script.environment["SHADE"], script.environment["KEPT"]) == ("1", "1")
    assert (script.working_directory, script.own_process) == (tmp_path, True)
    assert (command.command, command.own_process) == (("./b", "--fast", "x"), False)
    assert command.restart is Restart.NEVER
    assert (script.memory_limit_bytes, command.memory_limit_bytes) == (None, 500_000_000)
    assert (script.cpus, command.cpus) == ((), (0, 2))
