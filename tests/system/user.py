"""A person at a shell, for the system tests: types `hedgerow` commands in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from hedgerow_nodes.core.environment import Environment


class User:
    """Somebody at a shell, in an empty folder."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.variables = {**os.environ, **environment.variables(), "HEDGEROW_PORT": "0", "NO_COLOR": "1"}

    def types(self, *words: str, code: int = 0, timeout_s: float = 120.0) -> str:
        """Run `hedgerow WORDS`; what it prints on stdout, or on stderr where it is to fail."""
        done = self.run(*words, timeout_s=timeout_s)
        assert done.returncode == code, f"hedgerow {words} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *words: str, code: int = 0) -> Any:
        """Run a command with --json."""
        done = self.run(*words, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def run(self, *words: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run `hedgerow WORDS`."""
        command = [sys.executable, "-m", "hedgerow_launch", *words]
        return subprocess.run(
            command, env=self.variables, cwd=self.folder, capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def url(self) -> str:
        """Where the front end listens."""
        return str(json.loads((self.environment.home / "run" / "frontend.json").read_text())["url"])

    def processes(self) -> list[psutil.Process]:
        """What runs with this user's home."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("HEDGEROW_HOME") == str(self.environment.home)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        return found
