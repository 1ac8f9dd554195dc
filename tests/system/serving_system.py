"""Serving as real processes: orchestrator, front end, collector and workers, asked over REST and by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from running import wait_for

from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import LaunchedSystem, free_domain

ROOT = Path(__file__).parents[2]
HANDLERS = "tests.system.serve_handlers"
PATIENCE_S = 40.0


@contextmanager
def served(
    home: Path,
    settings: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    through: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Serving]:
    """A system in a domain of its own, of which nothing is started yet; all that is ends with it."""
    with free_domain() as domain:
        own = {"HEDGEROW_HOME": str(home), "HEDGEROW_DOMAIN": str(domain)}
        system = Serving(Environment.read({**own, **(settings or {})}), variables, through)
        try:
            yield system
        finally:
            system.stop()


class Serving(LaunchedSystem):
    """A system without advice nodes; each of its processes can be killed and started again by name.

    Args:
        environment: its home and domain.
        variables: of the environment, beside those.
        through: by a process's name the script, with its arguments, that becomes it, as `in_namespace.py` does.
    """

    def __init__(
        self,
        environment: Environment,
        variables: Mapping[str, str] | None = None,
        through: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        super().__init__(environment, {"PYTHONPATH": path, "HEDGEROW_PORT": "0", "NO_COLOR": "1", **(variables or {})})
        self._through = through or {}

    def up(self, *workers: str, **configuration: Mapping[str, Any]) -> None:
        """Start everything and wait for the workers; `configuration` by a worker's name, with `_` for `-`."""
        self.start_orchestrator()
        self.start("frontend", ["-m", "hedgerow_frontend"])
        self.start("collector", ["-m", "hedgerow_nodes.collector"])
        for name in workers:
            self.start_worker(name, **configuration.get(name.replace("-", "_"), {}))
        wait_for(lambda: (self.environment.home / "run" / "frontend.json").exists(), PATIENCE_S, self.logs)
        self.until(lambda: set(workers) <= set(self.here()), "the workers")

    def start(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start `python ARGUMENTS`, through another script where one was given for the name."""
        return super().start(name, [*self._through.get(name, ()), *arguments])

    def start_orchestrator(self) -> None:
        """Start the orchestrator."""
        self.start("orchestrator", ["-m", "hedgerow_orchestrator", "--pipeline", "serving"])

    def start_worker(self, name: str, **configuration: Any) -> None:
        """Start a worker, which knows the tests' handlers too."""
        told = json.dumps({"handler_modules": [HANDLERS], **configuration})
        self.start(name, ["-m", "hedgerow_nodes.worker", "--name", name, "--configuration", told])

    def logs(self) -> str:
        """The end of what each process wrote."""
        return "\n".join(f"{name}: {self.log_of(name)[-1500:]}" for name in self.processes)

    def until(self, what: Callable[[], Any], wanted: str = "that", timeout_s: float = PATIENCE_S) -> Any:
        """Look until there is something to see."""
        return wait_for(what, timeout_s, lambda: f"{wanted}\n{self.logs()}")

    # --- by REST ----------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A request; status and JSON of the answer."""
        try:
            url = json.loads((self.environment.home / "run" / "frontend.json").read_text())["url"]
        except (OSError, ValueError):
            return 0, {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}/api/v1/{path}", data, {"Content-Type": "application/json"})
        request.method = method
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, {}

    def get(self, path: str) -> Any:
        """What is there; an error is a failure."""
        status, answer = self.ask("GET", path)
        assert status == 200, (path, status, answer)
        return answer

    def post(self, path: str, body: Any = None) -> Any:
        """An order that is taken."""
        status, answer = self.ask("POST", path, {} if body is None else body)
        assert status in (200, 202), (path, status, answer)
        return answer

    def here(self) -> dict[str, dict[str, Any]]:
        """The workers that are there, by name."""
        status, answer = self.ask("GET", "workers")
        found = answer.get("items", []) if status == 200 else []
        return {each["name"]: each for each in found if each["state"] in ("IDLE", "RUNNING") and each["catalogue"]}

    def deploy(self, blueprint: Mapping[str, Any], state: str = "RUNNING") -> str:
        """Deploy and wait for the state; the service's name."""
        name = str(self.post("services", {"blueprint": blueprint})["name"])
        self.until_state(name, state)
        return name

    def until_state(self, service: str, *states: str) -> dict[str, Any]:
        """The service, once it is in one of the states."""
        found: dict[str, Any] = {}

        def seen() -> dict[str, Any] | None:
            found.update(self.get(f"services/{service}"))
            return found if found["state"] in states else None

        shown: dict[str, Any] = wait_for(
            seen, PATIENCE_S, lambda: f"{states}: {found.get('state')} {found.get('reason')}\n{self.logs()}"
        )
        return shown

    def instance(self, service: str, name: str) -> dict[str, Any]:
        """The start of a handler that works now; empty between two starts."""
        found = self.get(f"services/{service}")["instances"]
        return next((each for each in found if each["name"] == name and each["state"] == "RUNNING"), {})

    def pid_of(self, service: str, name: str, other_than: int = 0) -> int:
        """The process of an instance once its worker's status tells one, and another one than the one given."""

        def seen() -> int:
            physical_id = self.instance(service, name).get("physical_id")
            told = (one for each in self.here().values() for one in each["status"].get("instances", []))
            pid = int(next((one["pid"] for one in told if one["physical_id"] == physical_id), 0))
            return 0 if pid == other_than else pid

        return int(self.until(seen, f"a process of {name}"))

    def causes(self, service: str) -> list[str]:
        """Why each of its placements came, oldest first."""
        return [each["cause"] for each in reversed(self.get(f"services/{service}/epochs")["items"])]

    def delete(self, *services: str) -> None:
        """End services, and wait until they are gone."""
        for service in services:
            self.ask("DELETE", f"services/{service}")
        names = set(services)
        self.until(lambda: not names & {each["name"] for each in self.get("services")["items"]}, "their end")

    # --- by the command ---------------------------------------------------------------------------------------------

    def types(self, *words: str, code: int = 0) -> str:
        """Run `hedgerow WORDS`; what it prints."""
        command = [sys.executable, "-m", "hedgerow_launch", *words]
        done = subprocess.run(command, env=self._variables, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == code, f"{words} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr
