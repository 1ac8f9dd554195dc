"""A scripted source of telemetry for the system tests: writes batches of packets at a rate, then waits to be ended."""

from __future__ import annotations

import argparse
import sys
import threading
import time

from hedgerow_idl.telemetry import PacketRow, SystemRow, TelemetryBatch, TraceEvent
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.signals import leave_on_signals

SERVICE, LOGICAL, PHYSICAL = (f"{letter * 8}-1111-4111-8111-111111111111" for letter in "abc")


def main() -> int:
    """Write `--batches` of `--rows` every `--every-s`; it says DONE when all are written."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--source-id", required=True)
    parser.add_argument("--batches", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--every-s", type=float, required=True)
    options = parser.parse_args()
    leaving = threading.Event()
    with CycloneBus(Environment.read()) as bus:
        leave_on_signals(leaving.set, bus.wake)
        writer = bus.writer(BY_NAME["hedgerow/telemetry"])
        next_row = 1
        for number in range(options.batches):
            writer.write(_batch(options.source_id, number, next_row, options.rows))
            next_row += options.rows
            bus.flush()
            bus.wait(options.every_s)
            if leaving.is_set():
                return 0
        print("DONE", flush=True)
        while not leaving.is_set():
            bus.wait(0.2)
    return 0


def _batch(source_id: str, number: int, first_row: int, rows: int) -> TelemetryBatch:
    now_s = time.time()
    events = tuple(TraceEvent)
    return TelemetryBatch(
        source_id=source_id,
        node_id=source_id,
        incarnation=1,
        batch=number,
        first_row=first_row,
        systems=[SystemRow(at_s=now_s, cpu_percent=1.0)],
        packets=[
            PacketRow(
                at_s=now_s,
                sequence_number=row,
                epoch=1,
                event=events[row % len(events)],
                service_id=SERVICE,
                logical_id=LOGICAL,
                physical_id=PHYSICAL,
                port_name="image",
            )
            for row in range(first_row + 1, first_row + rows)
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
