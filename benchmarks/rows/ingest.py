"""Ingest: one process takes, decodes and commits typed samples to SQLite, with the sender on the other core.

One row for each sample, a column for each field; one transaction for each pass of the loop, in WAL with
`synchronous=NORMAL` and checkpoints in a thread of their own, as the orchestrator's store does it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import statistics
import time
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.cores import OURS, THE_PEERS, on_core
from benchmarks.figures import Figure, at_least
from benchmarks.peers import peer, system_of_its_own
from benchmarks.stream import Receiving, send_until_closed
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_orchestrator.store.checkpointer import Checkpointer

TRIALS = 3
WARM = 20_000
TRIAL_S = 3.0
COLUMNS = (
    "number",
    "stamped_at_s",
    "temperature_c",
    "voltage_v",
    "count",
    "mode",
    "is_valid",
    "node_id",
    "name",
    "status",
    "values",
)
CREATE = f"CREATE TABLE reading ({', '.join(f'[{column}]' for column in COLUMNS)})"
INSERT = f"INSERT INTO reading VALUES ({', '.join('?' * len(COLUMNS))})"
row_of = attrgetter(*COLUMNS)  # the driver takes the array's buffer as it is


def measure() -> list[Figure]:
    """Rows committed each second, counted in the database at the end."""
    trials, passes, costs = zip(*(_committed_per_s() for _ in range(TRIALS)), strict=True)
    details = {"samples_a_commit": passes, "cpu_us_a_sample": costs}
    return [Figure("ingest", statistics.median(trials), "samples/s", (at_least(100_000),), details, trials)]


def _committed_per_s() -> tuple[float, float, float]:
    with (
        on_core(OURS),
        system_of_its_own() as environment,
        TemporaryDirectory(prefix="hedgerow-bench-") as folder,
        _database(Path(folder) / "ingest.sqlite") as database,
        peer(send_until_closed, environment, core=THE_PEERS),
        CycloneBus(environment) as bus,
    ):
        receiving = Receiving(bus)
        while receiving.received < WARM:
            _one_pass(receiving, database)
        began_s, used_s, counted_from, passes = time.perf_counter(), time.process_time(), receiving.received, 0
        while (took_s := time.perf_counter() - began_s) < TRIAL_S:
            _one_pass(receiving, database)
            passes += 1
        committed, used_s = receiving.received - counted_from, time.process_time() - used_s
        stored, distinct = database.execute("SELECT count(*), count(DISTINCT number) FROM reading").fetchone()
        assert stored == distinct == receiving.received, f"{receiving.received} taken, {stored} stored"
        return committed / took_s, committed / passes, 1e6 * used_s / committed


def _one_pass(receiving: Receiving, database: sqlite3.Connection) -> None:
    rows = [row_of(received.sample) for received in receiving.next()]
    if rows:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(INSERT, rows)
        database.execute("COMMIT")


@contextlib.contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0"):
        database.execute(f"PRAGMA {pragma}")
    database.execute(CREATE)
    checkpointer = Checkpointer(path)
    checkpointer.start()
    try:
        yield database
    finally:
        checkpointer.stop()
        database.close()
