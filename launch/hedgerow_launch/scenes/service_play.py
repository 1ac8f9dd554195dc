"""A service in a scene: deployed, watched until it ends, its results read, deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hedgerow_launch.failures import FAILED, CommandFailure
from hedgerow_launch.rest_client import Refused, RestClient, TimedOut

LOOK_EVERY_S = 0.2
PLACED_WITHIN_S = 90.0

Say = Callable[[str], None]
Found = TypeVar("Found")


class ServicePlay:
    """Runs blueprints on a running system, as a person would by the command."""

    def __init__(self, client: RestClient, say: Say) -> None:
        self._client = client
        self._say = say

    def wait_for_workers(self, count: int, timeout_s: float = 30.0) -> list[dict[str, Any]]:
        """Return the workers once so many are there.

        Raises:
            TimedOut: they are not.
        """

        def there() -> list[dict[str, Any]] | None:
            found = [each for each in self._client.get("workers")["items"] if each["state"] in ("IDLE", "RUNNING")]
            return found if len(found) >= count else None

        return self._until(there, timeout_s, f"{count} workers")

    def deploy(self, blueprint: dict[str, Any]) -> str:
        """Deploy, wait until it works, tell where everything runs; the service's id.

        Raises:
            CommandFailure: it cannot, for the reason told.
        """
        accepted = self._client.post("services", body={"blueprint": blueprint, "start": True})
        service_id = str(accepted["service_id"])
        self.wait(service_id, {"RUNNING", "ENDED"}, PLACED_WITHIN_S)
        self.tell_placement(service_id)
        return service_id

    def wait(self, service_id: str, states: set[str], timeout_s: float) -> dict[str, Any]:
        """Return the service once it is in one of the states.

        Raises:
            CommandFailure: it FAILED.
            TimedOut: the time is over.
        """

        def there() -> dict[str, Any] | None:
            service: dict[str, Any] = self._client.get("services", service_id)
            if service["state"] == "FAILED" and "FAILED" not in states:
                raise CommandFailure(f"service {service['name']} FAILED: {service['reason']}", FAILED)
            return service if service["state"] in states else None

        return self._until(there, timeout_s, f"service {service_id} to be {' or '.join(sorted(states))}")

    def tell_placement(self, service_id: str) -> None:
        """Say who runs where, and why."""
        service = self._client.get("services", service_id)
        workers: dict[str, list[str]] = {}
        for instance in service["instances"]:
            workers.setdefault(instance["node"] or instance["node_id"], []).append(instance["name"])
        self._say(f"service {service['name']}, epoch {service['epoch']}: {service['state']}")
        for worker, names in sorted(workers.items()):
            self._say(f"  {worker}: {', '.join(names)}")
        reason = (service["placement"] or {}).get("reason", "")
        if reason:
            self._say(f"  why: {reason}")

    def worker_of(self, service_id: str, handler: str) -> str:
        """The name of the worker that runs a handler now."""
        for instance in self._client.get("services", service_id)["instances"]:
            if instance["name"] == handler and instance["state"] == "RUNNING":
                return str(instance["node"] or instance["node_id"])
        return ""

    def wait_for_instance(self, service_id: str, handler: str, worker: str, timeout_s: float = 30.0) -> None:
        """Wait until a handler runs on a worker."""
        self._until(
            lambda: self.worker_of(service_id, handler) == worker or None, timeout_s, f"{handler} to run on {worker}"
        )

    def wait_for_move(self, service_id: str, handler: str, worker: str, timeout_s: float = 30.0) -> None:
        """Wait until a handler runs on another worker than this one."""
        self._until(
            lambda: self.worker_of(service_id, handler) not in ("", worker) or None,
            timeout_s,
            f"{handler} to run elsewhere than on {worker}",
        )

    def epochs(self, service_id: str) -> list[dict[str, Any]]:
        """The service's epochs, oldest first."""
        return list(reversed(self._client.get("services", service_id, "epochs")["items"]))

    def delete(self, service_id: str) -> None:
        """End it, and wait until nothing of it is left."""
        self._client.delete("services", service_id)
        try:
            self.wait(service_id, {"DELETED"}, 30.0)
        except Refused:
            return  # gone from the list already

    def _until(self, there: Callable[[], Found | None], timeout_s: float, what: str) -> Found:
        gives_up_at_s = time.monotonic() + timeout_s
        while (found := there()) is None:
            if time.monotonic() > gives_up_at_s:
                raise TimedOut(f"waited {timeout_s:g} s for {what}")
            time.sleep(LOOK_EVERY_S)
        return found


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file of lines; none if it is not there."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    # The last line may be on its way.
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
