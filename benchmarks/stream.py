"""A stream of messages over the bus, batched and without loss: the sender goes as far ahead as the ring allows."""

from __future__ import annotations

from typing import Any

from benchmarks.bus_peers import BusSilent, wait_matched
from benchmarks.garbage import collecting_as_in_a_node
from benchmarks.message import ECHOES, READINGS, Reading, reading
from hedgerow_idl.topics import RING_DEPTH
from hedgerow_nodes.core.bus import Bus, Received
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment

MOST_AHEAD = RING_DEPTH - 512
"""What lies further back in the writer's ring than its depth is overwritten."""

AT_ONCE = 128
"""Written between two looks for acknowledgements, as a pass of the orchestrator writes for many tasks."""

ACKNOWLEDGED_EVERY = 512


def send_until_closed(pipe: Any, environment: Environment) -> None:
    """The sender's process: write readings, numbered from 0, until the pipe is closed."""
    with CycloneBus(environment) as bus, collecting_as_in_a_node():
        writer, reader = bus.writer(READINGS), bus.reader(ECHOES)
        wait_matched(bus, writer)
        message = reading(0)
        sent = acknowledged = 0
        while True:
            for arrived in reader.take():
                acknowledged = arrived.sample.number
            if sent - acknowledged > MOST_AHEAD - AT_ONCE:
                bus.wait(1.0)
                if pipe.poll():
                    return
                continue
            for number in range(sent, sent + AT_ONCE):
                message.number = number
                writer.write(message)
            sent += AT_ONCE
            bus.flush()


class Receiving:
    """The receiver's end: a bus, and what has arrived on it so far, nothing missing."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._reader = bus.reader(READINGS)
        self._acknowledgements = bus.writer(ECHOES)
        self._acknowledged = 0
        self.received = 0

    def next(self) -> list[Received[Reading]]:
        """Wait, take, acknowledge; a pass of a node's loop.

        Raises:
            BusSilent: nothing came, or not what was due.
        """
        self._bus.flush()
        self._bus.wait(1.0)
        arrived = self._reader.take()
        if arrived and arrived[0].sample.number < self.received:
            # The sender was silent for its lease; its ring was sent again to a reader that was taken for a new one.
            arrived = [received for received in arrived if received.sample.number >= self.received]
        due = self.received
        for received in arrived:
            if received.sample.number != due:
                raise BusSilent(f"message {received.sample.number} came where {due} was due")
            due += 1
        self.received = due
        if self.received - self._acknowledged >= ACKNOWLEDGED_EVERY:
            self._acknowledged = self.received
            self._acknowledgements.write(Reading(number=self.received))
        return arrived
