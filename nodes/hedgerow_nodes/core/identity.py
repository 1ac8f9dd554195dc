"""Who a node is: an id that outlives restarts, a readable name, and an incarnation for each start."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from hedgerow_nodes.core.environment import ConfigurationError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass
class Identity:
    """A node's ids. `incarnation` is the time of the start in ns, or more if the clock was set back: a later start
    has a larger one.
    """

    node_id: str
    name: str
    incarnation: int
    started_at_s: float = field(default_factory=time.time)
    _lock: TextIO | None = field(default=None, repr=False)

    @classmethod
    def fresh(cls, name: str) -> Identity:
        """An identity that is written nowhere, for tests and short-lived clients."""
        return cls(str(uuid.uuid4()), name, time.time_ns())

    @classmethod
    def claim(cls, home: Path, name: str) -> Identity:
        """The identity kept under this name in the home; made at the first start, held until the process ends.

        Raises:
            ConfigurationError: the name cannot be used, or another process holds it.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"node name {name!r} refused; use letters, digits, '_', '.' and '-', 64 at most")
        folder = home / "nodes"
        folder.mkdir(parents=True, exist_ok=True)
        # The lock stays with the open file, so even kill -9 gives it back.
        lock = (folder / f"{name}.json").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = _kept(lock.read()).get("pid", "unknown")
            lock.close()
            raise ConfigurationError(f"node {name!r} already runs in {home} with pid {holder}; stop it first") from None
        lock.seek(0)
        kept = _kept(lock.read())
        node_id = kept.get("node_id") or str(uuid.uuid4())
        last = kept.get("incarnation")
        incarnation = max(time.time_ns(), last + 1 if isinstance(last, int) else 0)
        lock.seek(0)
        lock.truncate()
        json.dump({"node_id": node_id, "pid": os.getpid(), "incarnation": incarnation}, lock)
        lock.flush()
        return cls(str(node_id), name, incarnation, _lock=lock)

    def close(self) -> None:
        """Give the name back; otherwise it is held until the process ends."""
        if self._lock is not None:
            self._lock.close()


def _kept(text: str) -> dict[str, object]:
    # A process killed between truncating and writing leaves half a file; a new id is then right.
    try:
        kept = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return kept if isinstance(kept, dict) else {}
