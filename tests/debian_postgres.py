"""Debian's PostgreSQL for tests: a server of their own, in a temporary folder, on a unix socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_USER = "hedgerow"


def programs() -> Path:
    """The folder of the newest PostgreSQL's programs; where there is none the test is skipped, and in CI it fails."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    reason = "PostgreSQL is not installed; on Debian: apt-get install postgresql"
    if os.environ.get("HEDGEROW_CI") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Postgres:
    """A server that can be stopped and started again; `close` ends it and removes its folder."""

    def __init__(self) -> None:
        self._programs = programs()
        # Not in pytest's own folder: the path of a unix socket may have 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="hedgerow-pg-"))
        # PostgreSQL refuses to run as root.
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
            self._as_user = ["runuser", "-u", "postgres", "--"]
        self._run(
            "initdb", "--pgdata", self._data, "--username", _USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync"
        )
        self.start()

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"postgresql://{_USER}@/postgres?host={self._folder}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        # No fsync: what these tests are about is not the power cut.
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "--wait", "--pgdata", self._data, "--log", log, "--options", options)

    def stop(self) -> None:
        """Cut every connection and end the server."""
        self._run("pg_ctl", "stop", "--wait", "--mode", "fast", "--pgdata", self._data)

    def close(self) -> None:
        """End the server, if it runs, and remove what it kept."""
        if (Path(self._data) / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(self._programs / program), *arguments]
        # The server inherits what pg_ctl writes to: a pipe would never end.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/", check=False)
            output.seek(0)
            assert done.returncode == 0, f"{program}: {output.read()}"
