"""Gather the rows that workers report on their machines, instances and items, and have them stored, each once."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from hedgerow_nodes.collecting.announcement import KIND
from hedgerow_nodes.collecting.configuration import CollectorConfiguration
from hedgerow_nodes.collecting.loop import CollectorLoop
from hedgerow_nodes.compat.report_desk import ReportDesk
from hedgerow_nodes.compat.report_server import ReportServer, report_address
from hedgerow_nodes.core.configuration import ConfigurationInvalid, changed_by_json
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_nodes.core.garbage import collect_seldom
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.runner import EXIT_DONE, EXIT_USAGE
from hedgerow_nodes.core.signals import leave_on_signals


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until TERMINATE, SIGINT or SIGTERM; the exit code: 2 if it cannot start as it was told to."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(message)s", stream=sys.stderr)
    try:
        environment = Environment.read()
        settings = changed_by_json(CollectorConfiguration(), options.configuration)
        identity = Identity.claim(environment.home, options.name)
        bus = CycloneBus(environment)
    except (ConfigurationError, ConfigurationInvalid) as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        return EXIT_USAGE
    loop = CollectorLoop(bus, identity, settings)
    try:
        address = report_address(os.environ)
        reports = None if address is None else ReportServer(address, ReportDesk(loop.post))
    except ConfigurationError as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        loop.close()
        return EXIT_USAGE
    leave_on_signals(loop.ask_to_leave, bus.wake)
    collect_seldom()
    loop.run()
    if reports is not None:
        reports.close()
    loop.close()
    return EXIT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("--name", default=KIND, help=f"the node's readable name (default: {KIND})")
    parser.add_argument("--configuration", default="", metavar="JSON", help="configuration to start with")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
