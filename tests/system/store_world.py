"""A system seen from outside while its store is in trouble: its front end, the doctor, and the trouble itself."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from running import KINDS, TRIVIAL_NODE, System, wait_for

Key = tuple[int, int]


def run_or_skip(*command: str) -> None:
    """Run a command that only root may run; where it fails the test is skipped, and in CI it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = f"{' '.join(command)}: {done.stderr.strip()}"
        if os.environ.get("HEDGEROW_CI") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Have something mounted on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    run_or_skip("mount", *options, str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Have a folder read-only for whoever opens something in it from now on."""
    with mounted(folder, "--bind", str(folder)):
        run_or_skip("mount", "-o", "remount,bind,ro", str(folder))
        yield


@contextmanager
def unchangeable(files: Sequence[Path]) -> Iterator[None]:
    """Have files read-only, for those who have them open too."""
    run_or_skip("chattr", "+i", *map(str, files))
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *map(str, files)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room on the disk of a folder; the file that took it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
    return ballast


class Watched:
    """A system of trivial nodes with a front end, and the tasks that it has acknowledged."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.acknowledged: dict[str, Key] = {}

    def start(self, kinds: Sequence[str] = KINDS) -> None:
        """Start everything, and wait until it is ready."""
        self.system.start_orchestrator()
        for kind in kinds:
            self.system.start_node(kind)
        self.system.start("frontend", ["-m", "hedgerow_frontend"])
        self.wait()

    def start_supervised(self, launch_file: Path) -> None:
        """Start everything by `hedgerow up`, and wait until it is ready."""
        self.system.start("up", ["-m", "hedgerow_launch", "up", str(launch_file)])
        self.wait()

    def wait(self) -> None:
        """Wait until the front end is there, and the system ready."""
        announced = self.system.environment.home / "run" / "frontend.json"
        wait_for(announced.exists, 60.0, self.system.logs)
        self.until_ready(60.0)

    @property
    def file(self) -> Path:
        """The store's file."""
        return self.system.environment.home / "hedgerow.sqlite"

    def submit(self, name: str) -> int:
        """Submit a problem under a name, which is its idempotency key too; the HTTP status."""
        return self._submit(name)[0]

    def refusal(self, name: str, word: str) -> str:
        """Submit further problems until the system refuses one for a reason with this word in it; what it says."""
        numbers = itertools.count(1)

        def refused() -> str:
            status, detail = self._submit(f"{name}-{next(numbers)}")
            return detail if status == 503 and word in detail else ""

        return wait_for(refused, 30.0, lambda: f"{self.acknowledged}\n{self.system.logs()}")

    def until_trouble(self, *words: str, timeout_s: float = 30.0) -> None:
        """Wait until `/readyz` names the trouble, and then until the doctor does."""

        def named(each: dict[str, Any] | None) -> bool:
            return each is not None and all(word in each["detail"] for word in words)

        def seen() -> bool:
            status, report = self._http("/readyz")
            component = next((each for each in report["components"] if each["name"] == "store"), None)
            return named(component) and (status, report["ready"], component["ok"]) == (503, False, False)

        def diagnosed() -> bool:
            code, said = self.doctor("--json")
            check = next((each for each in json.loads(said)["checks"] if each["name"] == "ready: store"), None)
            return named(check) and (code, check["verdict"]) == (1, "fail") and check["way_out"] != ""

        wait_for(seen, timeout_s, lambda: f"{self._http('/readyz')}\n{self.system.logs()}")
        wait_for(diagnosed, 30.0, lambda: str(self.doctor("--json")))

    def until_ready(self, timeout_s: float = 30.0) -> None:
        """Wait until `/readyz` says 200."""
        wait_for(
            lambda: self._http("/readyz")[0] == 200,
            timeout_s,
            lambda: f"{self._http('/readyz')}\n{self.system.logs()}",
        )

    def all_succeed(self) -> None:
        """Every task that was acknowledged ends well, once."""
        assert len(set(self.acknowledged.values())) == len(self.acknowledged), (
            f"{self.acknowledged}\n{self.system.logs()}"
        )
        for name, key in self.acknowledged.items():
            task = self.system.finish(key)
            assert (task["title"], task["state"]) == (name, "SUCCEEDED")
        assert self.system.projection_differences() == []

    def doctor(self, *words: str) -> tuple[int, str]:
        """Run `hedgerow doctor`; its exit code, and what it printed."""
        with self.running("doctor", *words) as process:
            said = "".join(process.communicate())
        return process.returncode, said

    def running(self, *words: str) -> subprocess.Popen[str]:
        """Run `hedgerow WORDS` meanwhile."""
        variables = {**os.environ, **self.system.environment.variables(), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "hedgerow_launch", *words]
        return subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def _submit(self, name: str) -> tuple[int, str]:
        status, body = self._http("/api/v1/problems", {"text": name}, {"Idempotency-Key": name})
        if status == 202:
            self.acknowledged[name] = body["task"]["problem_id"], body["task"]["iteration_id"]
            return status, ""
        assert (status, body["code"]) == (503, "unavailable"), body
        return status, str(body["detail"])

    def _http(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        url = json.loads((self.system.environment.home / "run" / "frontend.json").read_text())["url"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url + path, data, {"Content-Type": "application/json", **(headers or {})})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def holding_nodes(system: System, hold: Path, kind: str) -> None:
    """Start the trivial nodes; one of them works for as long as a file is there."""
    for each in KINDS:
        behaviour = {"hold_file": str(hold)} if each == kind else {}
        system.start(each, [TRIVIAL_NODE, each, "--configuration", json.dumps(behaviour)])
