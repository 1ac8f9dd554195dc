"""`python -m hedgerow_orchestrator`: the orchestrator as a process."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from hedgerow_idl import NodeInfo
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_nodes.core.garbage import collect_seldom
from hedgerow_nodes.core.identity import Identity
from hedgerow_orchestrator.orchestrator import Orchestrator
from hedgerow_orchestrator.pipeline import Pipeline, PipelineError, load, packaged
from hedgerow_orchestrator.presence import Presence
from hedgerow_orchestrator.rivals import rival_sentence
from hedgerow_orchestrator.store.errors import StoreError, StoreUnavailable
from hedgerow_orchestrator.store.migrate import upgrade
from hedgerow_orchestrator.store.power_cut import ids_to_skip
from hedgerow_orchestrator.store.writer import Store
from hedgerow_orchestrator.store_opening import wait_for_store

log = logging.getLogger("hedgerow.orchestrator")

EXIT_FAILED = 1
EXIT_USAGE = 2
BUSY_TIMEOUT_MS = 200
"""While a lock is waited for nobody is answered."""


def main() -> int:
    """Run until SIGINT or SIGTERM; the exit code."""
    parser = argparse.ArgumentParser(prog="hedgerow_orchestrator", description="Run the orchestrator.")
    parser.add_argument("--pipeline", default="advice", help=f"one of {', '.join(packaged())}, or a .toml file")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    options = parser.parse_args()
    logging.basicConfig(level=options.log_level, format="%(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        return _run(load(options.pipeline), Environment.read())
    except (PipelineError, ConfigurationError) as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        return EXIT_USAGE
    except StoreError as error:
        print(f"orchestrator: {error}", file=sys.stderr)
        return EXIT_FAILED


def _run(pipeline: Pipeline, environment: Environment) -> int:
    stopping = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    skipped_ids = ids_to_skip(environment.store_url)
    if skipped_ids:
        log.warning("orchestrator: the machine went down under the store; %d ids are left out", skipped_ids)
    while not stopping.is_set():
        try:
            _serve(pipeline, environment, stopping, skipped_ids)
            break
        except StoreUnavailable as error:
            reason = str(error)
        wait_for_store(reason, lambda: _try_store(environment), lambda: CycloneBus(environment), stopping.is_set)
    return 0


def _serve(pipeline: Pipeline, environment: Environment, stopping: threading.Event, skipped_ids: int) -> None:
    with _claim(environment.home), closing(_identity(environment.home)) as identity, CycloneBus(environment) as bus:
        # Announced first, so that two orchestrators find each other while the store is being opened.
        presence = Presence(bus, identity, environment.home)
        upgrade(environment.store_url, busy_timeout_ms=BUSY_TIMEOUT_MS)
        with closing(Store(environment.store_url, environment.blob_url)) as store:
            _refuse(presence.look(CycloneBus(environment)), environment)
            orchestrator = Orchestrator(bus, store, pipeline, presence, skipped_ids=skipped_ids)
            collect_seldom()
            orchestrator.run(stopping)
            orchestrator.close()
            _refuse(orchestrator.rival, environment)


def _identity(home: Path) -> Identity:
    try:
        return Identity.claim(home, "orchestrator")
    except OSError as error:
        raise StoreUnavailable(f"home {home} cannot be written: {error}") from error


def _try_store(environment: Environment) -> None:
    """Do nothing if the home and the store can be written."""
    with _claim(environment.home), closing(_identity(environment.home)):
        upgrade(environment.store_url, busy_timeout_ms=BUSY_TIMEOUT_MS)


def _refuse(rival: NodeInfo | None, environment: Environment) -> None:
    """Leave the domain to another orchestrator, if there is one."""
    if rival is not None:
        raise ConfigurationError(rival_sentence(rival, environment.domain))


def _claim(home: Path) -> TextIO:
    """Hold the home's store: two writers would each believe that they own it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "orchestrator.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable(f"home {home} cannot be written: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        raise ConfigurationError(f"an orchestrator already runs in {home} with pid {holder}; stop it first") from None
    try:
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
    except OSError as error:
        # What is buffered would be written, and fail, once more.
        with suppress(OSError):
            lock.close()
        raise StoreUnavailable(f"home {home} cannot be written: {error}") from error
    return lock


if __name__ == "__main__":
    sys.exit(main())
