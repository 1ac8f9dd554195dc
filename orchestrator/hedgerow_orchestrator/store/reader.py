"""The only way to read the store outside the orchestrator: read-only, thread-safe, plain dictionaries, UTC times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.exc import SQLAlchemyError

from hedgerow_orchestrator.store import queries, views
from hedgerow_orchestrator.store.blobs import Blob, BlobStore
from hedgerow_orchestrator.store.engine import open_for_reading, sorted_error
from hedgerow_orchestrator.store.pages import Page, capped, cut, decode_cursor
from hedgerow_orchestrator.store.telemetry_reader import TelemetryReader


class StoreReader(TelemetryReader):
    """Reads while the orchestrator writes; each call sees the store as it was at one moment.

    Every method may raise StoreMissing (the orchestrator has not made the store yet), StoreUnavailable or StoreError.

    Raises:
        StoreError: a URL cannot be used.
    """

    def __init__(self, store_url: str, blob_url: str) -> None:
        self._engine = open_for_reading(store_url)
        self._blobs = BlobStore(blob_url)

    def problems(self, limit: int = 50, cursor: str | None = None) -> Page:
        """List problems, newest first.

        Raises:
            BadCursor: the cursor is not from this list.
        """
        before = decode_cursor("problems", cursor, 1)
        limit = capped(limit)
        rows = self._rows(queries.problems(before[0] if before else None, limit + 1))
        return cut("problems", rows, limit, lambda row: (row["problem_id"],), views.problem_light)

    def problem(self, problem_id: int) -> views.View | None:
        """Give a problem with all its iterations, None when there is no such problem."""
        tasks = self._whole((problem_id,))
        if not tasks:
            return None
        head = {"problem_id": problem_id, "title": tasks[0]["title"], "created_at": tasks[0]["created_at"]}
        return {**head, "iterations": tasks}

    def task(self, problem_id: int, iteration_id: int) -> views.View | None:
        """Give a task with its stages and their outputs, None when there is no such task."""
        return next(iter(self._whole((problem_id, iteration_id))), None)

    def attempts(self, problem_id: int, iteration_id: int) -> list[views.View]:
        """List the attempts of a task, in order of stage and number; empty when there is no such task."""
        if not _storable(problem_id, iteration_id):
            return []
        return [views.attempt_view(row) for row in self._rows(queries.attempts((problem_id, iteration_id)))]

    def tasks(self, state: str | None = None, limit: int = 50, cursor: str | None = None) -> Page:
        """List tasks without stages, newest first, all or those in one state; none for a state that does not exist.

        Raises:
            BadCursor: the cursor is not from this list.
        """
        before = decode_cursor("tasks", cursor, 2)
        limit = capped(limit)
        rows = self._rows(queries.tasks(state, before, limit + 1))
        return cut("tasks", rows, limit, lambda row: (row["problem_id"], row["iteration_id"]), views.task_light)

    def nodes(self) -> list[views.View]:
        """List every node that was ever seen, by name."""
        return [views.node_view(row) for row in self._rows(queries.nodes())]

    def node(self, name_or_id: str) -> views.View | None:
        """Give a node; of several with one name one that is there, then the one seen last."""
        return next((views.node_view(row) for row in self._rows(queries.one_node(name_or_id))), None)

    def events(
        self, after_id: int = 0, limit: int = 200, problem_id: int | None = None, iteration_id: int | None = None
    ) -> list[views.View]:
        """List events with ids above `after_id`, oldest first, all or those of a problem or of one iteration."""
        if not _storable(max(after_id, 0), problem_id or 0, iteration_id or 0):
            return []
        query = queries.events(max(after_id, 0), capped(limit), problem_id, iteration_id)
        return [views.event_view(row) for row in self._rows(query)]

    def last_event_id(self) -> int:
        """Give the id of the newest event, 0 when there is none."""
        return self._rows(queries.newest_event())[0]["newest"] or 0

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _whole(self, key: Sequence[int]) -> list[views.View]:
        """Read one task, or all iterations of one problem."""
        if not _storable(*key):
            return []
        stages: dict[int, list[views.Row]] = defaultdict(list)
        outputs: dict[int, dict[str, views.Row]] = defaultdict(dict)
        with self._reading() as connection:
            tasks = _fetch(connection, queries.whole_tasks(key))
            for row in _fetch(connection, queries.stages(key)):
                stages[row["iteration_id"]].append(row)
            for row in _fetch(connection, queries.accepted_outputs(key)):
                outputs[row["iteration_id"]][row["stage"]] = row
        views_of_tasks = []
        for row in tasks:
            texts = {name: self._text(each) for name, each in outputs[row["iteration_id"]].items()}
            views_of_tasks.append(views.task_whole(row, stages[row["iteration_id"]], texts))
        return views_of_tasks

    def _text(self, row: views.Row) -> str:
        if row["plain"] is not None:
            return str(row["plain"])
        return self._blobs.get(Blob(row["plain_url"], row["plain_sha256"], row["plain_size_bytes"])).decode()

    def _rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self._reading() as connection:
            return _fetch(connection, query)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise sorted_error(error, self._engine) from error


def _fetch(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()]


def _storable(*ids: int) -> bool:
    """No row has another number, and a database refuses to look for it."""
    return all(0 <= each < 2**63 for each in ids)
