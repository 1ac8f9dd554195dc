"""The system of the rows of serving: orchestrator, front end and workers in processes of their own, asked by REST."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import psutil

from benchmarks.measuring import ROOT
from hedgerow_launch.rest_client import RestClient, read_announcement
from hedgerow_launch.scenes.service_play import ServicePlay
from hedgerow_launch.scenes.shaped_network import in_namespace
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import LaunchedSystem, free_domain

Found = TypeVar("Found")
Handlers: TypeAlias = dict[str, tuple[str, dict[str, Any], Sequence[str]]]
"""By name a handler's type, parameters, and the workers that it may be on, none for any."""

HANDLERS = "benchmarks.served_handlers"
READY_S = 60.0


@dataclass(frozen=True)
class Tallied:
    """One item at its end, by the clock that all processes share."""

    sequence: int
    epoch: int
    at_s: float


class ServingSystem:
    """Real processes, ready for services.

    Attributes:
        home: where files of the row may go.
        client: asks the front end.
        play: deploys, waits, deletes.
        launched: the processes by name; the workers among them may be killed and started again.
    """

    def __init__(
        self, launched: LaunchedSystem, hosts: Mapping[str, str], variables: Mapping[str, Any], log_level: str
    ) -> None:
        self.launched, self.home = launched, launched.environment.home
        self._hosts, self._configuration = hosts, {"handler_modules": [HANDLERS], **variables}
        self._log_level = log_level
        self.client: RestClient
        self.play: ServicePlay

    def start_worker(self, name: str) -> None:
        """Start one, on its host if it has one."""
        told = json.dumps(self._configuration)
        command = ["-m", "hedgerow_nodes.worker", "--name", name, "--configuration", told]
        command += ["--log-level", self._log_level]
        self.launched.start(name, _in_host(self._hosts[name], command) if name in self._hosts else command)

    def meet(self, workers: int) -> None:
        """Find the front end and wait for the workers.

        Raises:
            TimeoutError: the front end did not come up.
            TimedOut: the workers did not.
        """
        found = until(lambda: read_announcement(self.home), READY_S, "the front end")
        self.client = RestClient(found.url)
        self.play = ServicePlay(self.client, lambda line: None)
        until(lambda: self.client.readiness().get("ready"), READY_S, "the system to be ready")
        self.play.wait_for_workers(workers, READY_S)

    def tally(self, name: str) -> Path:
        """The file that a sink `bench_tally` writes."""
        return self.home / f"{name}.tally"

    def pid(self, name: str) -> int:
        """The process id, which the node itself tells."""
        return int(self.client.get("nodes", name)["info"]["pid"])

    def cpu_s(self, *names: str) -> float:
        """Processor time of these processes and all that live below them."""
        every = [process for name in names for process in _family(self.launched.processes[name].pid)]
        return sum(map(_cpu_s, every))


@contextlib.contextmanager
def serving_system(
    home: Path,
    workers: Sequence[str],
    *,
    hosts: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    collector: bool = False,
    log_level: str = "WARNING",
    **configuration: Any,
) -> Iterator[ServingSystem]:
    """Start everything in a home and end it with the block.

    Args:
        home: an empty folder.
        workers: their names.
        hosts: the network namespace of each worker that has one.
        variables: of the environment, such as `HEDGEROW_DISCOVERY`.
        collector: start one, which stores traces.
        log_level: of the workers.
        configuration: of all workers.
    """
    with free_domain() as domain:
        told = {"HEDGEROW_HOME": str(home), "HEDGEROW_DOMAIN": str(domain), **(variables or {})}
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        launched = LaunchedSystem(Environment.read(told), {"PYTHONPATH": path})
        system = ServingSystem(launched, hosts or {}, configuration, log_level)
        try:
            quiet = ["--log-level", "WARNING"]
            launched.start("orchestrator", ["-m", "hedgerow_orchestrator", "--pipeline", "serving", *quiet])
            launched.start("frontend", ["-m", "hedgerow_frontend", "--port", "0", *quiet])
            if collector:
                launched.start("collector", ["-m", "hedgerow_nodes.collector", *quiet])
            for name in workers:
                system.start_worker(name)
            system.meet(len(workers))
            yield system
        finally:
            launched.stop()


def blueprint(name: str, handlers: Handlers, links: str, **more: Any) -> dict[str, Any]:
    """A service that moves by command only.

    Args:
        handlers: what they are, and where they may be.
        links: as `a.record > b.record, b.record > out.value`.
        more: keys of the blueprint, such as `trace` and `networks`.
    """
    made: list[dict[str, Any]] = []
    for one, (kind, given, nodes) in handlers.items():
        requires = {"requires": {"nodes": list(nodes)}} if nodes else {}
        made.append({"name": one, "type": kind, "parameters": given, **requires})
    ends = (link.split(" > ") for link in links.split(", "))
    written = [{"from": sender, "to": receiver} for sender, receiver in ends]
    return {"name": name, "placement": {"replace": "never"}, "handlers": made, "links": written, **more}


def read_tally(path: Path, offset: int = 0) -> list[Tallied]:
    """The whole lines of a tally behind an offset in bytes."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(offset)
        lines = file.read().split(b"\n")[:-1]
    return [Tallied(int(one), int(two), float(three)) for one, two, three in map(bytes.split, lines)]


def until(there: Callable[[], Found | None], timeout_s: float, what: str, every_s: float = 0.02) -> Found:
    """Look again and again.

    Raises:
        TimeoutError: it did not come.
    """
    gives_up_at_s = time.monotonic() + timeout_s
    while not (found := there()):
        if time.monotonic() > gives_up_at_s:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(every_s)
    return found


def _in_host(host: str, arguments: Sequence[str]) -> list[str]:
    """Arguments of Python: Python again, in a host's namespace and with the same pid."""
    return ["-c", f"import os; os.execvp('nsenter', {in_namespace(host, sys.executable, *arguments)!r})"]


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
        return float(times.user + times.system)
    except psutil.NoSuchProcess:
        return 0.0
