"""`python -m hedgerow_orchestrator`: the orchestrator as a process."""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
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
from hedgerow_orchestrator.store.errors import StoreError
from hedgerow_orchestrator.store.migrate import upgrade
from hedgerow_orchestrator.store.writer import Store

EXIT_FAILED = 1
EXIT_USAGE = 2


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
    with _claim(environment.home), CycloneBus(environment) as bus:
        # Announced first, so that two orchestrators find each other while the store is being opened.
        presence = Presence(bus, Identity.claim(environment.home, "orchestrator"), environment.home)
        upgrade(environment.store_url)
        store = Store(environment.store_url, environment.blob_url)
        _refuse(presence.look(CycloneBus(environment)), environment)
        orchestrator = Orchestrator(bus, store, pipeline, presence)

        def on_signal(number: int, frame: FrameType | None) -> None:
            orchestrator.stopping = True

        signal.signal(signal.SIGINT, on_signal)
        signal.signal(signal.SIGTERM, on_signal)
        collect_seldom()
        orchestrator.run()
        orchestrator.close()
        _refuse(orchestrator.rival, environment)
    return 0


def _refuse(rival: NodeInfo | None, environment: Environment) -> None:
    """Leave the domain to another orchestrator, if there is one."""
    if rival is not None:
        raise ConfigurationError(rival_sentence(rival, environment.domain))


def _claim(home: Path) -> TextIO:
    """Hold the home's store: two writers would each believe that they own it."""
    home.mkdir(parents=True, exist_ok=True)
    lock = (home / "orchestrator.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        raise ConfigurationError(f"an orchestrator already runs in {home} with pid {holder}; stop it first") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


if __name__ == "__main__":
    sys.exit(main())
