"""Waits for a service to be in some state: listens to events, and looks at the service whenever there may be news."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from hedgerow_launch.follow import ServerEvent, read_events
from hedgerow_launch.rest_client import RestClient, TimedOut, Unreachable

LOOK_S = 2.0
PATIENCE_S = 20.0
RETRY_S = 0.25
OVER = frozenset({"FAILED", "DELETED", "ENDED"})
"""The states that nothing follows by itself."""

Service = dict[str, Any]
_GROUPS = frozenset({"service", "instance", "worker", "epoch"})


class ServiceWatch:
    """Waits for services.

    Args:
        client: the front end.
        on_event: gets every event about serving while waiting, to show progress.
        on_trouble: gets a service that finds no place, once for each reason: it may be waited for in vain.
        clock, sleep: time in seconds.
    """

    def __init__(
        self,
        client: RestClient,
        on_event: Callable[[ServerEvent], None] = lambda event: None,
        on_trouble: Callable[[Service], None] = lambda service: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._on_event, self._on_trouble = on_event, on_trouble
        self._told = ""
        self._clock = clock
        self._sleep = sleep

    def wait(self, service: str, states: Collection[str], timeout_s: float | None = None) -> Service:
        """Return the service once it is in one of the states, or in one that nothing follows.

        Raises:
            TimedOut: the time is over.
            Unreachable: the front end stays away.
        """
        ends_at = None if timeout_s is None else self._clock() + timeout_s
        answered_at = self._clock()
        wanted = frozenset(states) | OVER
        while True:
            found: Service = {}
            try:
                found = self._listen(service, wanted, ends_at)
                answered_at = self._clock()
            except Unreachable:
                # A front end or an orchestrator that is being restarted comes back; the service goes on meanwhile.
                if self._clock() - answered_at > PATIENCE_S:
                    raise
                self._sleep(RETRY_S)
            if found.get("state") in wanted:
                return found
            if ends_at is not None and self._clock() >= ends_at:
                stands = f"is {found['state']}" if found else "was not heard of"
                reason = f" ({found['reason']})" if found.get("reason") else ""
                raise TimedOut(
                    f"service {service!r} {stands}{reason} after {timeout_s:g} s; it goes on: "
                    f"`hedgerow service show {service}`"
                )

    def _listen(self, service: str, wanted: Collection[str], ends_at: float | None) -> Service:
        """Follow one event stream for a while; the service as it was seen last."""
        listens_s = LOOK_S if ends_at is None else max(0.05, min(LOOK_S, ends_at - self._clock()))
        until = self._clock() + listens_s
        try:
            with self._client.stream("events", timeout_s=listens_s) as lines:
                # Only now that the stream is open can nothing be missed between looking and listening.
                found = self._look(service)
                if found["state"] in wanted:
                    return found
                for event in read_events(lines):
                    if event.kind in ("resync", "") or event.kind.partition(".")[0] in _GROUPS:
                        if concerns(event, found):
                            self._on_event(event)
                        found = self._look(service)
                        if found["state"] in wanted:
                            return found
                    if self._clock() >= until:
                        return found
        except TimeoutError:
            pass
        except (Unreachable, TimedOut):
            # No stream to be had (too many listeners, a restart): looking now and then does as well.
            self._sleep(RETRY_S)
        return self._look(service)

    def _look(self, service: str) -> Service:
        found: Service = self._client.get("services", service)
        if found["state"] == "DEGRADED" and found["reason"] != self._told:
            self._told = found["reason"]
            self._on_trouble(found)
        return found


def concerns(event: ServerEvent, service: Service) -> bool:
    """Tell whether an event is about this service, or about workers, which concern every one."""
    body = event.data.get("body")
    named = body.get("service_id") if isinstance(body, dict) else None
    return event.kind.startswith("worker.") or named in (service["service_id"], None)


def told(event: ServerEvent) -> str:
    """An event in one line: its kind and what its body says in words."""
    body = event.data.get("body")
    fields = body if isinstance(body, dict) else {}
    parts = [str(fields[name]) for name in ("name", "handler", "node", "worker", "state", "cause") if fields.get(name)]
    reason = fields.get("reason")
    return f"  {event.kind}: {' '.join(parts)}{f' ({reason})' if reason else ''}".rstrip(": ")
