"""The front end as a process: `python -m hedgerow_frontend [--host H] [--port P]`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import waitress

from hedgerow_frontend import create_app, openapi_document
from hedgerow_frontend.settings import Settings
from hedgerow_frontend.sse import EventHub
from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_nodes.core.request_client import RequestClient
from hedgerow_orchestrator.store.errors import StoreError
from hedgerow_orchestrator.store.reader import StoreReader

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
SIGNALS = (signal.SIGINT, signal.SIGTERM)
PLAIN_THREADS = 64
CONNECTIONS_MAX = 1000
UPLOAD_SLACK_BYTES = 1024 * 1024
FAREWELL_S = 1.0
logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(message)s", stream=sys.stderr)
    logging.getLogger("waitress").setLevel(logging.WARNING)  # it tells of every browser that goes away
    if options.openapi:
        print(json.dumps(openapi_document(), indent=2))
        return EXIT_DONE
    try:
        environment = Environment.read()
        settings = Settings.read(options.host, options.port)
        reader = StoreReader(environment.store_url, environment.blob_url)
        listener = listen(settings)
    except (ConfigurationError, StoreError) as error:
        print(f"frontend: {error}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        print(f"frontend: {error}", file=sys.stderr)
        return EXIT_FAILED
    # Blocked before any thread starts, so that every thread leaves the signals to `sigwait` in `serve`.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    settings = replace(settings, port=listener.getsockname()[1], home=environment.home)
    client = RequestClient(environment, "frontend")
    try:
        serve(reader, client, settings, listener, environment.home / "run" / "frontend.json")
    finally:
        client.close()
    return EXIT_DONE


def listen(settings: Settings) -> socket.socket:
    """Open the port.

    Raises:
        OSError: it cannot be had; the message says which and what to do.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=CONNECTIONS_MAX)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise OSError(
            f"cannot listen at {settings.url}: {reason.lower()}; stop the process that has it, or set HEDGEROW_PORT "
            "to another port (0 is any free one)"
        ) from None


def serve(
    reader: StoreReader, client: RequestClient, settings: Settings, listener: socket.socket, announcement: Path
) -> None:
    """Answer requests at an open port until a signal comes, then end the streams and what is being answered."""
    hub = EventHub(reader, clients_max=settings.sse_clients_max, queue_rows=settings.sse_queue_rows)
    app = create_app(reader=reader, client=client, settings=settings, hub=hub)
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=PLAIN_THREADS + settings.sse_clients_max + settings.previews_max,
        connection_limit=CONNECTIONS_MAX,
        channel_request_lookahead=1,  # lets a stream see that its client has left
        # What is larger than its address allows is refused by the app, with a reason; above this by the server.
        max_request_body_size=settings.model_max_bytes + UPLOAD_SLACK_BYTES,
        ident=None,
    )
    hub.start()
    threading.Thread(target=server.run, name="http", daemon=True).start()
    announce(announcement, settings.url)
    print(f"frontend: listening at {settings.url}", flush=True)
    try:
        signal.sigwait(SIGNALS)
    finally:
        hub.stop()
        server.task_dispatcher.shutdown(timeout=FAREWELL_S)
        withdraw(announcement)


def announce(path: Path, url: str) -> None:
    """Write where the front end listens, so that the command finds it."""
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        logger.warning("frontend: %s; `hedgerow` will need HEDGEROW_URL=%s", error, url)


def withdraw(path: Path) -> None:
    """Remove the announcement, unless another front end has written its own since."""
    try:
        if json.loads(path.read_text(encoding="utf-8"))["pid"] == os.getpid():
            path.unlink()
    except FileNotFoundError:
        pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hedgerow_frontend", description="REST, events and pages.")
    parser.add_argument("--host", help="address to listen at (default: 127.0.0.1; any other needs HEDGEROW_TOKEN)")
    parser.add_argument("--port", type=int, help="port to listen at; 0 is any free one (default: $HEDGEROW_PORT, 5001)")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    parser.add_argument("--openapi", action="store_true", help="print the OpenAPI document and leave")
    return parser


if __name__ == "__main__":
    sys.exit(main())
