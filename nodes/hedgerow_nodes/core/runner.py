"""`run(MyNode)`: a module node as a process of its own."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from hedgerow_nodes.core.configuration import ConfigurationInvalid, changed_by_json
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_nodes.core.garbage import collect_seldom
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.module_node import ModuleNode
from hedgerow_nodes.core.node_loop import NodeLoop
from hedgerow_nodes.core.signals import leave_on_signals

EXIT_DONE = 0
EXIT_USAGE = 2


def run(node_class: type[ModuleNode], arguments: Sequence[str] | None = None) -> None:
    """Run a node until it is told to leave, then end the process.

    The process ends with 0 after TERMINATE, SIGINT or SIGTERM, and with 2 if it cannot start as it was told to.
    """
    options = _parser(node_class).parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(message)s", stream=sys.stderr)
    try:
        environment = Environment.read()
        configuration = changed_by_json(node_class.Configuration(), options.configuration)
        identity = Identity.claim(environment.home, options.name)
        bus = CycloneBus(environment)
    except (ConfigurationError, ConfigurationInvalid) as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    loop = NodeLoop(node_class(environment, configuration), bus, identity)
    leave_on_signals(loop.ask_to_leave, bus.wake)
    collect_seldom()
    loop.run()
    loop.close()
    sys.exit(EXIT_DONE)


def _parser(node_class: type[ModuleNode]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(node_class.__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--name", default=node_class.kind, help="the node's readable name (default: its kind)")
    parser.add_argument("--configuration", default="", metavar="JSON", help="configuration to start with")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    return parser
