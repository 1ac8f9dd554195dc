"""One `up` for each home and for each domain: two file locks that the kernel drops when the holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_POLL_S = 0.05


class AlreadyRunning(Exception):
    """Another `up` holds the home or the domain; the message names its pid and the way out."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: what the lock file says."""

    pid: int
    home: str = ""
    domain: int = 0


def home_lock(home: Path) -> Path:
    """The lock file of a home."""
    return home / "run" / "up.lock"


def domain_lock(domain: int) -> Path:
    """The lock file of a DDS domain on this host."""
    return Path(tempfile.gettempdir()) / f"hedgerow-domain-{domain}.lock"


class SystemLock:
    """The right to run a system in one home and one domain, from `acquire` to `release` or the process's death."""

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors

    @classmethod
    def acquire(cls, home: Path, domain: int) -> SystemLock:
        """Take both locks.

        Raises:
            AlreadyRunning: somebody else has one of them.
        """
        me = Holder(os.getpid(), str(home), domain)
        home_lock(home).parent.mkdir(parents=True, exist_ok=True)
        lock = cls([])
        try:
            lock._take(home_lock(home), me, "run `hedgerow down` first, or set HEDGEROW_HOME to another folder")
            lock._take(domain_lock(domain), me, "set HEDGEROW_DOMAIN to another number from 1 to 99")
        except AlreadyRunning:
            lock.release()
            raise
        return lock

    def release(self) -> None:
        """Give both locks back."""
        for descriptor in self._descriptors:
            # The file stays, since a waiting process may hold it open; emptied, it names nobody.
            os.ftruncate(descriptor, 0)
            os.close(descriptor)
        self._descriptors = []

    def _take(self, path: Path, me: Holder, way_out: str) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise AlreadyRunning(f"the lock file {path} cannot be opened ({error.strerror}); {way_out}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            other = _read(path)
            who = f"pid {other.pid} runs there (home {other.home}, domain {other.domain})" if other else "it starts now"
            raise AlreadyRunning(f"a system runs already: {who}; {way_out} [{path}]") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(asdict(me)).encode())
        self._descriptors.append(descriptor)


def holder(path: Path) -> Holder | None:
    """Who holds a lock file now, None if nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path)
    finally:
        os.close(descriptor)
    return None


def wait_until_free(path: Path, timeout_s: float) -> bool:
    """Wait until nobody holds a lock file; False if the time was over first."""
    gives_up_at = time.monotonic() + timeout_s
    while holder(path) is not None:
        if time.monotonic() >= gives_up_at:
            return False
        time.sleep(_POLL_S)
    return True


def _read(path: Path) -> Holder | None:
    # The holder writes right after it has locked, so the text may still be on its way.
    for _ in range(20):
        with suppress(OSError, ValueError, TypeError):
            return Holder(**json.loads(path.read_text(encoding="utf-8")))
        time.sleep(_POLL_S)
    return None
