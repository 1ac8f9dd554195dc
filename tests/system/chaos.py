"""Tasks offered at a steady rate to a system whose processes are killed at random."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPException

from kill_log import Chooser, Kill, KillLog
from running import LOOK_AGAIN, System
from up_system import PROCESSES, UpSystem

from hedgerow_idl import ReplyStatus
from hedgerow_nodes.core.request_client import OrchestratorUnreachable

OFFERING_THREADS = 24
ANSWER_S = 3.0
"""How long one try at a submission waits; then it is repeated under the same idempotency key."""


class Offerer:
    """Submits problems to a system until each has been answered.

    Args:
        system: which one.
        frontend_url: where its front end listens now; without it everything goes over the bus, else every fourth
            problem goes by REST.
    """

    def __init__(self, system: System, frontend_url: Callable[[], str] | None = None) -> None:
        self._system = system
        self._frontend_url = frontend_url

    def offer(self, number: int, text: str) -> tuple[int, int]:
        """Submit a problem until it is answered, always under the same idempotency key; its task."""
        key = f"offer-{number}"
        while True:
            by_rest = self._frontend_url if number % 4 == 0 else None
            task = self._post(by_rest(), key, text) if by_rest else self._ask_once(key, text)
            if task is not None:
                return task["problem_id"], task["iteration_id"]

    def _ask_once(self, key: str, text: str) -> dict[str, int] | None:
        try:
            answer = self._system.client.call(
                "problem.submit", {"problem": {"text": text}, "idempotency_key": key}, ANSWER_S
            )
        except OrchestratorUnreachable:
            return None
        assert answer.status is ReplyStatus.OK, answer.body
        task: dict[str, int] = answer.body["task"]
        return task

    def _post(self, url: str, key: str, text: str) -> dict[str, int] | None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        body = json.dumps({"text": text}).encode()
        try:
            request = urllib.request.Request(f"{url}/api/v1/problems", body, headers)
            with urllib.request.urlopen(request, timeout=10.0) as answer:
                task: dict[str, int] = json.load(answer)["task"]
                return task
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise RuntimeError(f"{error.code} {error.read()!r}") from error
        except (OSError, ValueError, HTTPException):
            pass  # it was killed before it listened, or before it answered
        LOOK_AGAIN.wait(0.1)
        return None

    def offer_all(
        self, per_s: float, more: Callable[[int], bool], text_of: Callable[[int], str]
    ) -> list[tuple[int, int]]:
        """Offer tasks at a steady rate while `more(offered)`; their ids, in order."""
        futures: list[Future[tuple[int, int]]] = []
        began_s = time.monotonic()
        with ThreadPoolExecutor(OFFERING_THREADS) as pool:
            while more(len(futures)):
                number = len(futures) + 1
                futures.append(pool.submit(self.offer, number, text_of(number)))
                LOOK_AGAIN.wait(max(0.0, began_s + number / per_s - time.monotonic()))
                for done in [future for future in futures[-100:] if future.done()]:
                    done.result()
            return [future.result() for future in futures]


class Killer:
    """Kills one process of a system after another, at a steady rate, in a thread of its own.

    Args:
        system: whose processes.
        seed: of the victims.
        every_s: the time between two kills.
        at_most: so many kills are enough.
    """

    def __init__(self, system: UpSystem, seed: int, every_s: float, at_most: int | None = None) -> None:
        self.log = KillLog(seed, PROCESSES)
        self._system = system
        self._chooser = Chooser(seed)
        self._every_s = every_s
        self._at_most = at_most
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="killer")

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        (self._system.environment.home / "logs" / "kills.jsonl").write_text(self.log.lines())

    def check(self) -> None:
        """Raise what ended the killing before its time."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        began_s = time.monotonic()
        due_s = began_s
        try:
            while not self._over.wait(max(0.0, due_s - time.monotonic())):
                due_s += self._every_s
                if self._at_most is None or len(self.log.kills) < self._at_most:
                    self._kill_one(began_s)
        except BaseException as error:  # noqa: BLE001 - the thread's outermost call; `check` raises it
            self._error = error

    def _kill_one(self, began_s: float) -> None:
        alive = self._system.children()
        name = self._chooser.choose(alive)
        if name is None:
            return
        process = alive[name]
        ran_s, at_work = time.time() - process.create_time(), self._system.at_work(name, process)
        in_flight, in_hand = self._system.open_tasks(), self._system.in_hand(name)
        process.kill()
        at_s = time.monotonic() - began_s
        self.log.kills.append(Kill(at_s, name, process.pid, ran_s, at_work, in_flight, in_hand))
