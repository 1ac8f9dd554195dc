"""What the rows about messages share on the bus: matched ends, and the loop that a node runs."""

from __future__ import annotations

import time
from typing import Any

from hedgerow_nodes.core.bus import Bus, Reader, Received, Writer

MATCH_S = 10.0
PATIENCE_S = 20.0


class BusSilent(Exception):
    """Nobody came, or nothing arrived."""


def wait_matched(bus: Bus, *writers: Writer[Any]) -> None:
    """Wait until each writer has a reader.

    Raises:
        BusSilent: one has none.
    """
    give_up_at_s = time.monotonic() + MATCH_S
    while not all(writer.matched() for writer in writers):
        if time.monotonic() > give_up_at_s:
            raise BusSilent(f"no reader on {[w.topic.name for w in writers if not w.matched()]} within {MATCH_S:g} s")
        bus.wait(0.01)


def next_arrivals(bus: Bus, reader: Reader[Any]) -> list[Received[Any]]:
    """What arrives next, as a node's loop gets it: flush, wait, take.

    Raises:
        BusSilent: nothing came for a long time.
    """
    bus.flush()
    give_up_at_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at_s:
        bus.wait(1.0)
        arrived = reader.take()
        if arrived:
            return arrived
    raise BusSilent(f"nothing on {reader.topic.name} for {PATIENCE_S:g} s")
