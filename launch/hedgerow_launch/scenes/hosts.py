"""The scene `cut` among its hosts: the demo runs on in the hub's namespace, with a worker in each other one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hedgerow_launch.failures import FAILED, CommandFailure
from hedgerow_launch.scenes.cut import HOSTS, RATE_BIT_PER_S
from hedgerow_launch.scenes.shaped_network import NoShapedNetwork, ShapedNetwork, in_namespace


def run_among_hosts(arguments: Sequence[str]) -> int:
    """Make the hosts, run `hedgerow demo cut` with these arguments in the hub, take the hosts away; its exit code.

    Raises:
        CommandFailure: hosts cannot be made here.
    """
    try:
        with ShapedNetwork(HOSTS, RATE_BIT_PER_S) as network:
            variables = {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": ",".join(network.all_addresses)}
            hosts = ",".join(network.hosts)
            command = [sys.executable, "-m", "hedgerow_launch", "demo", "cut", "--hosts", hosts, *arguments]
            return subprocess.run(in_namespace(network.hub, *command), env={**os.environ, **variables}).returncode
    except NoShapedNetwork as error:
        raise CommandFailure(f"the scene 'cut' needs hosts of its own: {error}", FAILED) from error


def launch_file(folder: Path, hosts: Sequence[str]) -> Path:
    """Write a launch file that has a worker on each host."""
    lines = ["[orchestrator]", 'pipeline = "serving"', "[frontend]", "port = 0"]
    for number, host in enumerate(hosts, 1):
        command = in_namespace(host, sys.executable, "-m", "hedgerow_nodes.worker", "--name", f"worker-{number}")
        quoted = ", ".join(f'"{word}"' for word in command)
        lines += [f"[nodes.worker-{number}]", f"command = [{quoted}]"]
    path = folder / "cut.toml"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path
