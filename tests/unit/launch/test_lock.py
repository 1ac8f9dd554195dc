"""One system for each home and each domain, whoever asks second."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from hedgerow_launch.lock import AlreadyRunning, Holder, SystemLock, domain_lock, holder, home_lock, wait_until_free


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Domain locks lie in the temporary folder; a running system's must not matter here."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))


def test_the_holder_is_who_took_it(tmp_path: Path) -> None:
    assert holder(home_lock(tmp_path)) is None
    lock = SystemLock.acquire(tmp_path, 7)
    me = Holder(os.getpid(), str(tmp_path), 7)
    assert holder(home_lock(tmp_path)) == me
    assert holder(domain_lock(7)) == me
    assert json.loads(home_lock(tmp_path).read_text())["pid"] == os.getpid()
    lock.release()
    assert holder(home_lock(tmp_path)) is None
    assert holder(domain_lock(7)) is None


def test_a_second_system_in_the_same_home_is_refused_with_the_pid(tmp_path: Path) -> None:
    lock = SystemLock.acquire(tmp_path, 7)
    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()} .*hedgerow down.*HEDGEROW_HOME"):
        SystemLock.acquire(tmp_path, 8)
    lock.release()
    SystemLock.acquire(tmp_path, 8).release()


def test_a_second_system_in_the_same_domain_is_refused_and_its_home_left_free(tmp_path: Path) -> None:
    lock = SystemLock.acquire(tmp_path / "one", 7)
    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()} .*one.*HEDGEROW_DOMAIN"):
        SystemLock.acquire(tmp_path / "two", 7)
    assert holder(home_lock(tmp_path / "two")) is None
    lock.release()


def test_what_a_killed_system_left_behind_holds_nothing(tmp_path: Path) -> None:
    path = home_lock(tmp_path)
    path.parent.mkdir()
    path.write_text('{"pid": 1, "home": "/x", "domain": 1, "and": "much more text than the next holder writes"}')
    assert holder(path) is None
    lock = SystemLock.acquire(tmp_path, 7)
    assert holder(path) == Holder(os.getpid(), str(tmp_path), 7)
    lock.release()


def test_a_link_in_the_temporary_folder_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    domain_lock(7).symlink_to(victim)
    with pytest.raises(AlreadyRunning, match="cannot be opened"):
        SystemLock.acquire(tmp_path, 7)
    assert victim.read_text() == "precious"


def test_waiting_ends_when_the_lock_is_free_or_the_time_over(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert wait_until_free(path, 0.0)
    with path.open("w") as held:
        held.write('{"pid": 1}')
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not wait_until_free(path, 0.0)
    assert wait_until_free(path, 0.0)
