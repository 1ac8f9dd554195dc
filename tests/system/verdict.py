"""What must hold of a store after a run with faults: nothing lost, nothing doubled, the same answers as a quiet run."""

from __future__ import annotations

from collections import Counter

from running import KINDS, System, wait_for

from hedgerow_idl import Header
from hedgerow_idl.codec import codec_of
from hedgerow_idl.topics import BY_NAME

Outputs = dict[tuple[int, str], bytes]


def wait_until_all_ended(system: System, timeout_s: float) -> None:
    """Wait until no accepted task is open."""
    wait_for(lambda: system.open_tasks() == 0, timeout_s, lambda: _still_open(system))


def check_store(system: System, tasks: list[tuple[int, int]]) -> None:
    """Exactly these tasks are stored, each ended well once; events and tables agree; the file is sound."""
    assert len(set(tasks)) == len(tasks), "two offers were given the same task"
    stored = system.query("SELECT problem_id, iteration_id, state, error_code, reason FROM task")
    assert sorted(row[:2] for row in stored) == sorted(tasks), "lost or doubled tasks"
    assert [row for row in stored if row[2] != "SUCCEEDED"] == []
    assert _twice(system.query("SELECT problem_id FROM event WHERE kind = 'task.succeeded'")) == []
    for table, state in (("output", "accepted"), ("attempt", "state = 'SUCCEEDED'")):
        rows = system.query(f"SELECT problem_id, iteration_id, stage FROM {table} WHERE {state}")
        assert _twice(rows) == [], f"stages with two accepted rows in {table}"
        assert len(rows) == len(tasks) * len(KINDS), f"stages without an accepted row in {table}"
    assert system.query("SELECT count(*) FROM attempt WHERE state IN ('WAITING', 'RUNNING')") == [(0,)]
    newest, events = system.query("SELECT max(event_id), count(*) FROM event")[0]
    assert newest == events, "event ids have gaps"
    assert system.projection_differences() == []
    assert system.query("PRAGMA integrity_check") == [("ok",)]
    assert system.query("PRAGMA foreign_key_check") == []


def accepted_outputs(system: System, tasks: list[tuple[int, int]]) -> Outputs:
    """The accepted output of each offer and stage, encoded again without what is never the same: its header."""
    numbers = {task: number for number, task in enumerate(tasks, start=1)}
    outputs: Outputs = {}
    rows = system.query("SELECT problem_id, iteration_id, stage, topic, cdr FROM output WHERE accepted")
    for problem_id, iteration_id, stage, topic, cdr in rows:
        codec = codec_of(BY_NAME[topic].type)
        sample = codec.decode(cdr)
        sample.header = Header()
        outputs[numbers[problem_id, iteration_id], stage] = codec.encode(sample)
    return outputs


def restarts(system: System) -> int:
    """How often the orchestrator has begun."""
    return int(system.query("SELECT count(*) FROM event WHERE kind = 'orchestrator.started'")[0][0])


def retried_stages(system: System) -> int:
    """How many stages needed more than one attempt."""
    return int(system.query("SELECT count(*) FROM stage_now WHERE attempt > 1")[0][0])


def _twice(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [row for row, times in Counter(rows).items() if times > 1]


def _still_open(system: System) -> str:
    stages = system.query(
        "SELECT problem_id, stage, now.state, attempt, node_id"
        " FROM stage_now AS now JOIN task USING (problem_id, iteration_id)"
        " WHERE task.state IN ('WAITING', 'RUNNING') AND now.state <> 'SUCCEEDED' ORDER BY 1 LIMIT 40"
    )
    logs = "\n".join(system.log_of(name)[-3000:] for name in system.processes if name in ("up", "orchestrator"))
    return f"{system.open_tasks()} tasks are open\n{stages}\n{logs}"
