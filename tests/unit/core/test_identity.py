"""The identity of a node: kept over restarts, held by one process, growing whatever the wall clock does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hedgerow_nodes.core.environment import ConfigurationError
from hedgerow_nodes.core.identity import Identity


def claimed(home: Path) -> tuple[str, int]:
    """Claim an identity and give it back, as a process does that ends."""
    identity = Identity.claim(home, "carbon")
    assert identity._lock is not None
    identity._lock.close()
    return identity.node_id, identity.incarnation


def test_the_incarnation_grows_when_the_clock_was_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node_id, first = claimed(tmp_path)
    an_hour_ago = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: an_hour_ago)
    assert claimed(tmp_path) == (node_id, first + 1)
    assert claimed(tmp_path) == (node_id, first + 2)


def test_a_later_start_has_a_later_incarnation(tmp_path: Path) -> None:
    (node_id, first), (again, second) = claimed(tmp_path), claimed(tmp_path)
    assert again == node_id
    assert second > first


def test_a_file_without_an_incarnation_keeps_its_id(tmp_path: Path) -> None:
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "carbon.json").write_text('{"node_id": "abc", "pid": 1}')
    assert claimed(tmp_path)[0] == "abc"


def test_an_identity_is_held_by_one(tmp_path: Path) -> None:
    held = Identity.claim(tmp_path, "carbon")
    with pytest.raises(ConfigurationError, match="node 'carbon' already runs in"):
        Identity.claim(tmp_path, "carbon")
    assert held._lock is not None
    held._lock.close()
