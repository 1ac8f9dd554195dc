"""A node as a process of its own: `run(MyNode)` for module nodes, `run_loop` for the other kinds."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.configuration import ConfigurationInvalid, changed_by_json
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_nodes.core.garbage import collect_seldom
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.module_node import ModuleNode, first_sentence
from hedgerow_nodes.core.node_loop import NodeLoop
from hedgerow_nodes.core.qos import LEASE_S
from hedgerow_nodes.core.signals import leave_on_signals

EXIT_DONE = 0
EXIT_USAGE = 2


class Loop(Protocol):
    """What runs until the node leaves."""

    def run(self) -> None:
        """Go round until the node leaves."""

    def ask_to_leave(self) -> None:
        """Leave soon; called in the main thread, between two of its instructions."""

    def close(self) -> None:
        """Say goodbye and leave the bus."""


def run(node_class: type[ModuleNode], arguments: Sequence[str] | None = None) -> None:
    """Run a module node until it is told to leave, then end the process.

    The process ends with 0 after TERMINATE, SIGINT or SIGTERM, and with 2 if it cannot start as it was told to.
    """

    def loop(environment: Environment, configuration: Any, bus: Bus, identity: Identity) -> Loop:
        return NodeLoop(node_class(environment, configuration), bus, identity)

    run_loop(loop, node_class.kind, first_sentence(node_class), node_class.Configuration, arguments)


def run_loop(
    make_loop: Callable[[Environment, Any, Bus, Identity], Loop],
    kind: str,
    sentence: str,
    configuration_class: type,
    arguments: Sequence[str] | None = None,
    lease_s: Callable[[Any], float] = lambda _configuration: LEASE_S,
) -> None:
    """Run a node of any kind as `run` does.

    Args:
        make_loop: makes what runs, from the settings, the configuration, the bus and the identity; of what they hold it
            may refuse a part with ConfigurationInvalid.
        kind: the node's kind, and its name where none is given.
        sentence: what the command's help says.
        configuration_class: a dataclass, as `ModuleNode.Configuration`.
        arguments: of the command line; those of the process if not given.
        lease_s: how long the node may be silent, by the configuration that it starts with.
    """
    options = _parser(kind, sentence).parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(message)s", stream=sys.stderr)
    try:
        environment = Environment.read()
        configuration = changed_by_json(configuration_class(), options.configuration)
        identity = Identity.claim(environment.home, options.name)
        bus = CycloneBus(environment, lease_s(configuration))
        loop = make_loop(environment, configuration, bus, identity)
    except (ConfigurationError, ConfigurationInvalid) as error:
        print(f"{options.name}: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    leave_on_signals(loop.ask_to_leave, bus.wake)
    collect_seldom()
    loop.run()
    loop.close()
    sys.exit(EXIT_DONE)


def _parser(kind: str, sentence: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=sentence)
    parser.add_argument("--name", default=kind, help="the node's readable name (default: its kind)")
    parser.add_argument("--configuration", default="", metavar="JSON", help="configuration to start with")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    return parser
