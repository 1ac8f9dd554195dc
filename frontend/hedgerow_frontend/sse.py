"""The event hub: one thread reads new events from the store and hands them to every listening client."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from hedgerow_orchestrator.store.errors import StoreError

READ_ROWS = 200
logger = logging.getLogger(__name__)

Row = dict[str, Any]
Matches = Callable[[Row], bool]


class EventSource(Protocol):
    """Where events are read from."""

    def events(
        self, after_id: int = 0, limit: int = 200, problem_id: int | None = None, iteration_id: int | None = None
    ) -> list[Row]: ...
    def last_event_id(self) -> int: ...


class HubFullError(Exception):
    """As many clients listen as the hub takes."""


class Subscription:
    """One client's bounded queue between the hub's thread and its own.

    Attributes:
        start_id: every matching event after this one comes through the queue; those up to it are in the store.
    """

    def __init__(self, start_id: int, depth: int, matches: Matches) -> None:
        self.start_id = start_id
        self._depth = depth
        self._matches = matches
        self._rows: deque[Row] = deque()
        self._skipped_to: int | None = None
        self._closed = False
        self._changed = threading.Condition()

    @property
    def closed(self) -> bool:
        """The hub has stopped: nothing follows."""
        return self._closed

    @property
    def pending(self) -> int:
        """How many events wait to be taken."""
        return len(self._rows)

    def offer(self, row: Row) -> None:
        """Add an event; a queue that is full is emptied, and the client learns that it has to look anew."""
        if row["id"] <= self.start_id or not self._matches(row):
            return
        with self._changed:
            if self._skipped_to is not None or len(self._rows) >= self._depth:
                self._rows.clear()
                self._skipped_to = row["id"]
            else:
                self._rows.append(row)
            self._changed.notify()

    def take(self, timeout_s: float) -> Row | int | None:
        """The next event; the id up to which events were skipped, where some were; None when nothing came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._rows or self._skipped_to is not None or self._closed, timeout_s)
            if self._skipped_to is not None:
                skipped_to, self._skipped_to = self._skipped_to, None
                return skipped_to
            return self._rows.popleft() if self._rows else None

    def close(self) -> None:
        """Wake whoever waits in `take` and give him nothing more."""
        with self._changed:
            self._closed = True
            self._rows.clear()
            self._changed.notify()


class EventHub:
    """Reads each event once, however many clients listen, and nothing while none does."""

    def __init__(
        self, source: EventSource, *, clients_max: int = 64, queue_rows: int = 512, poll_s: float = 1.0
    ) -> None:
        self._source = source
        self._clients_max = clients_max
        self._queue_rows = queue_rows
        self._poll_s = poll_s
        self._last_id = 0
        self._subscriptions: set[Subscription] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Start the reading thread."""
        self._thread.start()

    def wake(self, _event: object = None) -> None:
        """Say that there may be new events: the request client's `on_event` calls this."""
        self._wake.set()

    def stop(self) -> None:
        """End every stream at once, and the thread."""
        with self._lock:
            self._stopped = True
            for subscription in self._subscriptions:
                subscription.close()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._poll_s)

    def subscribe(self, matches: Matches) -> Subscription:
        """Begin to queue events for one client.

        Raises:
            HubFullError: `clients_max` listen already, or the hub has stopped.
            StoreError: the store cannot be read.
        """
        with self._lock:
            if self._stopped or len(self._subscriptions) >= self._clients_max:
                raise HubFullError
            if not self._subscriptions:
                self._last_id = self._source.last_event_id()
            subscription = Subscription(self._last_id, self._queue_rows, matches)
            self._subscriptions.add(subscription)
            return subscription

    def leave(self, subscription: Subscription) -> None:
        """Forget a client."""
        with self._lock:
            self._subscriptions.discard(subscription)

    def step(self) -> int:
        """Hand on what is new in the store, once; the number of events read."""
        with self._lock:
            if not self._subscriptions:
                return 0
            last_id = self._last_id
        rows = self._source.events(after_id=last_id, limit=READ_ROWS)
        with self._lock:
            for row in rows:
                for subscription in self._subscriptions:
                    subscription.offer(row)
            if rows:
                self._last_id = max(self._last_id, rows[-1]["id"])
        return len(rows)

    def _run(self) -> None:
        reachable = True
        while not self._stopped:
            self._wake.wait(self._poll_s)
            self._wake.clear()
            try:
                while self.step() == READ_ROWS and not self._stopped:
                    pass
                reachable = True
            except StoreError as error:
                if reachable:
                    logger.warning("frontend: no new events: %s", error)
                reachable = False
            except Exception:
                logger.exception("frontend: the event hub failed at a pass and goes on")
