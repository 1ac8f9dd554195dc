"""What a person is told survives a power cut: replies wait until the log is on the disk, and nothing else does."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from garden import Garden, Painter, Requirements

from hedgerow_idl import ReplyStatus
from hedgerow_idl.topics import BY_NAME
from hedgerow_orchestrator import replies
from hedgerow_orchestrator.store import log_sync
from hedgerow_orchestrator.store.errors import CommitUncertain
from hedgerow_orchestrator.store.power_cut import IDS_SKIPPED, ids_to_skip


class Disk:
    """Notes what it is asked to take in and what the client had been told by then; can refuse."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refusal: OSError | None = None
        self.files: list[str] = []
        self.told: list[int] = []
        self.at_work: list[bool] = []
        self.garden: Garden | None = None
        self._sync = os.fdatasync
        monkeypatch.setattr(log_sync.os, "fdatasync", self._fdatasync)

    def _fdatasync(self, descriptor: int) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.files.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        if self.garden is not None:
            self.told.append(len(self.garden.replies.take()))
            self.at_work.append(bool(self.garden.watched_commands.take()))
        self._sync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def garden(tmp_path: Path, disk: Disk) -> Iterator[Garden]:
    garden = Garden(tmp_path / "home")
    node = garden.start(Requirements)
    garden.start(Painter)
    garden.until(lambda: [row["state"] for row in garden.reader.nodes()] == ["IDLE", "IDLE"])
    garden.watched_commands = garden.client.reader(BY_NAME["hedgerow/command"], partition=node.identity.node_id)
    disk.garden = garden
    yield garden
    garden.orchestrator.close()


def submit(garden: Garden, request_id: str, **more: str) -> None:
    garden.send("problem.submit", {"problem": {"text": "slow disk"}, **more}, request_id)


def test_the_disk_is_asked_when_the_node_has_its_work_and_before_the_client_has_its_reply(
    garden: Garden, disk: Disk
) -> None:
    submit(garden, "first")
    garden.until(lambda: garden.reply("first") is not None)
    assert (disk.files, disk.told, disk.at_work) == (["hedgerow.sqlite-wal"], [0], [True])


def test_no_repetition_is_told_what_the_disk_does_not_have(garden: Garden, disk: Disk) -> None:
    submit(garden, "first")
    submit(garden, "first")
    submit(garden, "second", idempotency_key="first")
    garden.until(lambda: garden.reply("second") is not None)
    assert disk.told == [0]


def test_what_asks_for_nothing_to_be_kept_does_not_ask_the_disk(garden: Garden, disk: Disk) -> None:
    status, _ = garden.ask("health", {})
    assert status is ReplyStatus.OK
    assert disk.files == []


def test_many_submitters_have_their_replies_together(
    garden: Garden, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "GATHER_S", 3600.0)
    garden.nodes.clear()  # nothing ends, so more and more is at work
    answered = 0
    for number in range(3 * replies.FEW):
        submit(garden, f"request {number}")
        garden.turn(3)
        answered += len(garden.replies.take()) + sum(disk.told)
        disk.told.clear()
    assert answered == len(disk.files) == replies.FEW
    garden.orchestrator.close()
    assert len(disk.files) == replies.FEW + 1, "all the others with one more round"
    assert len(garden.replies.take()) == 2 * replies.FEW
    garden.orchestrator = garden.new_orchestrator()


def test_a_disk_that_refuses_ends_the_orchestrator(garden: Garden, disk: Disk) -> None:
    disk.refusal = OSError(errno.EIO, "input/output error")
    submit(garden, "first")
    with pytest.raises(CommitUncertain, match="input/output error"):
        garden.turn(100)
    assert garden.replies.take() == []
    garden.orchestrator = garden.new_orchestrator()
    disk.refusal = None
    submit(garden, "first")
    garden.until(lambda: garden.reply("first") is not None)


# --- ids after a power cut --------------------------------------------------------------------------------------------


def test_ids_are_left_out_only_where_the_machine_went_down_under_the_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    url = f"sqlite:///{path}"
    log = tmp_path / "store.sqlite-wal"
    assert ids_to_skip(url) == 0, "there is no store"
    log.write_bytes(b"")
    os.utime(log, (1000, 1000))
    assert ids_to_skip(url, lambda: 2000.0) == 0, "the log is empty"
    log.write_bytes(b"frames")
    os.utime(log, (1000, 1000))
    assert ids_to_skip(url, lambda: 500.0) == 0, "only the process ended"
    assert ids_to_skip(url, lambda: 2000.0) == IDS_SKIPPED
    assert ids_to_skip("postgresql://localhost/hedgerow") == 0


def test_after_a_power_cut_no_task_gets_ids_that_a_lost_one_may_have_had(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "home")
    garden.start(Requirements)
    garden.start(Painter)
    assert garden.finish(garden.submit("before"))["state"] == "SUCCEEDED"
    garden.orchestrator.close()
    garden.orchestrator = garden.new_orchestrator(skipped_ids=IDS_SKIPPED)

    def iterate(problem_id: int) -> int:
        status, body = garden.ask("problem.iterate", {"problem_id": problem_id})
        assert status is ReplyStatus.OK, body
        assert garden.finish((problem_id, body["task"]["iteration_id"]))["state"] == "SUCCEEDED"
        iteration_id: int = body["task"]["iteration_id"]
        return iteration_id

    assert [iterate(1), iterate(1)] == [IDS_SKIPPED + 2, IDS_SKIPPED + 3]
    new = garden.submit("after")
    assert new == (IDS_SKIPPED + 2, 1)
    assert garden.finish(new)["state"] == "SUCCEEDED"
    assert iterate(new[0]) == 2
    garden.orchestrator.close()
