"""The start while the store cannot be opened: whoever asks is told so, until the store can be opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hedgerow_idl import NodeInfo, ReplyStatus, Request
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.memory_bus import MemoryNetwork
from hedgerow_orchestrator import store_opening
from hedgerow_orchestrator.rivals import SERVING
from hedgerow_orchestrator.store.errors import StoreError, StoreUnavailable
from hedgerow_orchestrator.store_opening import wait_for_store


class Waiting:
    """A client that asks twice before each try at the store, of which the third succeeds."""

    def __init__(self) -> None:
        self.network = MemoryNetwork()
        self.client: Bus = self.network.bus()
        self.requests = self.client.writer(BY_NAME["hedgerow/request"])
        self.replies = self.client.reader(BY_NAME["hedgerow/reply"], partition="client")
        self.tries = 0

    def try_it(self) -> None:
        self.tries += 1
        if self.tries < 3:
            raise StoreUnavailable(f"locked, try {self.tries}")

    def ask(self) -> bool:
        for verb in ("health", "problem.submit"):
            self.requests.write(Request(request_id=f"{verb} {self.tries}", client_id="client", verb=verb, body="{}"))
        return False

    def wait(self, stopping: Callable[[], bool] | None = None) -> list[tuple[str, ReplyStatus, dict[str, Any]]]:
        """What was answered: request id, status, body."""
        wait_for_store("read-only", self.try_it, self.network.bus, stopping or self.ask)
        answers = [received.sample for received in self.replies.take()]
        return [(answer.request_id, answer.status, json.loads(answer.body)) for answer in answers]


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    monkeypatch.setattr(store_opening, "ROUND_S", 0.0)
    waiting = Waiting()
    yield waiting
    waiting.client.close()


def test_requests_are_answered_until_the_store_can_be_opened(waiting: Waiting) -> None:
    answers = waiting.wait()
    assert [answer[0] for answer in answers] == [
        f"{verb} {tries}" for tries in (0, 1, 2) for verb in ("health", "problem.submit")
    ]
    (_, status, health), (_, refused, body) = answers[0], answers[5]
    assert (status, health["ready"]) == (ReplyStatus.OK, False)
    assert {each["name"]: each["ok"] for each in health["components"]} == {"orchestrator": False, "store": False}
    assert health["components"][1]["detail"].startswith("cannot be opened since 20")
    assert health["components"][1]["detail"].endswith("read-only")
    assert refused is ReplyStatus.UNAVAILABLE
    assert "locked, try 2. Nothing was taken in" in body["message"]


def test_the_answers_are_left_to_an_orchestrator_that_serves(waiting: Waiting) -> None:
    infos = waiting.client.writer(BY_NAME["hedgerow/node_info"])
    infos.write(NodeInfo(node_id="other", kind="orchestrator", capabilities=[SERVING]))
    assert waiting.wait() == []
    infos.dispose(NodeInfo(node_id="other"))
    waiting.tries = 0
    assert len(waiting.wait()) == 6


def test_a_process_that_is_to_stop_stops(waiting: Waiting) -> None:
    assert waiting.wait(lambda: True) == []
    assert waiting.tries == 0


def test_what_waiting_does_not_help_is_raised(waiting: Waiting) -> None:
    def newer() -> None:
        raise StoreError("made by a newer version")

    waiting.try_it = newer  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="newer"):
        waiting.wait()
