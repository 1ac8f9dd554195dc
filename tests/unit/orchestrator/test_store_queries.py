"""A store grows for years: every query of the reader finds its rows by an index, however long the tables are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Select, text

from hedgerow_orchestrator.store import queries
from hedgerow_orchestrator.store.testing import new_place

# Pages read one of these from its end and stop after a page.
IN_ORDER = r"SCAN task USING (COVERING )?INDEX sqlite_autoindex_task_1"


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with new_place(tmp_path_factory.mktemp("plans")) as place, place.reader() as reader:
        with reader._engine.connect() as connection:
            yield connection


@pytest.mark.parametrize(
    ("query", "in_order"),
    [
        (queries.problems(None, 51), True),
        (queries.problems(7, 51), True),
        (queries.tasks(None, None, 51), True),
        (queries.tasks(None, (5, 1), 51), True),
        (queries.tasks("RUNNING", None, 51), True),
        (queries.tasks("RUNNING", (5, 1), 51), True),
        (queries.whole_tasks((1,)), True),
        (queries.whole_tasks((1, 1)), True),
        (queries.stages((1,)), False),
        (queries.stages((1, 1)), False),
        (queries.accepted_outputs((1,)), False),
        (queries.accepted_outputs((1, 1)), False),
        (queries.attempts((1, 1)), False),
        (queries.events(5, 200, None, None), True),
        (queries.events(5, 200, 1, None), False),
        (queries.events(5, 200, 1, 1), True),
        (queries.newest_event(), True),
    ],
)
def test_no_table_is_read_whole(connection: Connection, query: Select[Any], in_order: bool) -> None:
    sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
    plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]
    scans = [step for step in plan if re.match(r"SCAN (task|stage|attempt|output|event)", step)]
    assert [step for step in scans if not re.match(IN_ORDER, step)] == []
    if in_order and "anon_1" not in " ".join(plan):
        # Sorting would read all that matches before it shows a page; a page of problems is sorted once more.
        assert not [step for step in plan if "TEMP B-TREE" in step]
