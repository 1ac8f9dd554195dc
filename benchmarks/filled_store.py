"""Fill a store with finished tasks as if they had been answered, from a seed: what a long life leaves behind."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import msgspec

from benchmarks.trivial_node import GRAPH, PIPELINE, answer
from hedgerow_idl import Baselines, Header, TaskId, UserInput
from hedgerow_idl.codec import codec_of
from hedgerow_idl.plain import to_json
from hedgerow_idl.topics import topic_of
from hedgerow_nodes.core.environment import Environment
from hedgerow_orchestrator.pipeline import load
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store.changes import AttemptRow, Change, EventAdded, OutputAdded, RequestAdded, StageRow
from hedgerow_orchestrator.store.errors import StoreUnavailable
from hedgerow_orchestrator.store.migrate import upgrade
from hedgerow_orchestrator.store.writer import Store
from hedgerow_orchestrator.submission import task_row

TASKS_PER_COMMIT = 500
LONGEST_LOCK_S = 60.0
BEGAN_AT_S = 1_700_000_000.0
_BODY = msgspec.json.encode({"attempt": 1}).decode()


def fill(environment: Environment, tasks: int, seed: int = 1) -> None:
    """Make the store of an environment and write so many finished tasks into it."""
    upgrade(environment.store_url)
    store = Store(environment.store_url, environment.blob_url)
    generate = _Tasks(random.Random(seed))
    try:
        for first in range(1, tasks + 1, TASKS_PER_COMMIT):
            numbers = range(first, min(first + TASKS_PER_COMMIT, tasks + 1))
            _commit(store, [row for number in numbers for row in generate.rows(number)])
    finally:
        store.close()


def _commit(store: Store, rows: list[Change]) -> None:
    """Commit as the orchestrator does, which tries again while the checkpoints, say, hold the lock."""
    give_up_at_s = time.monotonic() + LONGEST_LOCK_S
    while True:
        try:
            store.commit(rows)
        except StoreUnavailable:
            if time.monotonic() > give_up_at_s:
                raise
            time.sleep(0.02)
        else:
            return


class _Tasks:
    """The rows of one task after another."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._pipeline = load(str(PIPELINE))
        self._nodes = {kind: self._uuid() for kind in GRAPH}
        self._last_event_id = 0

    def rows(self, number: int) -> Iterator[Change]:
        """All rows of a task that succeeded at the first try, in the order of the foreign keys."""
        task = TaskId(problem_id=number, iteration_id=1)
        at_s = BEGAN_AT_S + number * 0.01
        user_input = UserInput(text=f"task {number} {self._chance.randbytes(8).hex()}")
        row = task_row(task, user_input, Baselines(), self._pipeline, at_s)
        row.state, row.finished_at_s = TaskState.SUCCEEDED, at_s + 0.02
        yield row
        yield self._event(number, "task.submitted", at_s)
        yield self._event(number, "task.running", at_s)
        made: dict[type, object] = {UserInput: user_input}
        for position, (kind, (inputs, output_type)) in enumerate(GRAPH.items()):
            node_id = self._nodes[kind]
            yield StageRow(number, 1, kind, position, StageState.SUCCEEDED, 1, node_id, at_s, at_s + 0.003, "", "")
            command_id = self._uuid()
            done = StageState.SUCCEEDED
            yield AttemptRow(number, 1, kind, 1, done, node_id, 1, command_id, at_s, at_s + 60, at_s + 0.003, "", "")
            output = answer(kind, tuple(made[each] for each in inputs))
            output.header = Header(task=task, attempt=1, stamped_at_s=at_s, node_id=node_id, stage=kind)
            made[output_type] = output
            yield OutputAdded(
                problem_id=number,
                iteration_id=1,
                stage=kind,
                attempt=1,
                accepted=True,
                type_name=str(output_type.__idl_typename__),
                topic=topic_of(output_type).name,
                node_id=node_id,
                at_s=at_s,
                cdr=codec_of(output_type).encode(output),
                plain=to_json(output),
            )
            for what in ("stage.running", "stage.succeeded"):
                yield self._event(number, what, at_s, kind, node_id, _BODY)
        yield self._event(number, "task.succeeded", at_s)
        yield RequestAdded(self._uuid(), "problem.submit", self._chance.randbytes(32).hex(), "{}", at_s)

    def _event(
        self, number: int, kind: str, at_s: float, stage: str = "", node_id: str = "", body: str = "{}"
    ) -> EventAdded:
        self._last_event_id += 1
        return EventAdded(
            self._last_event_id, at_s, kind, TaskId(problem_id=number, iteration_id=1), stage, node_id, body
        )

    def _uuid(self) -> str:
        text = self._chance.randbytes(16).hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
