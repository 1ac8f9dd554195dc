"""A bus for each test, on Cyclone DDS and in memory; and the core tests' own modules made importable."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.memory_bus import MemoryNetwork
from hedgerow_nodes.core.testing import free_domain

sys.path.insert(0, str(Path(__file__).parent))

NewBus = Callable[[], Bus]


@pytest.fixture(params=["memory", "cyclone"])
def new_bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewBus]:
    buses: list[Bus] = []

    def keep(bus: Bus) -> Bus:
        buses.append(bus)
        return bus

    if request.param == "memory":
        network = MemoryNetwork()
        yield lambda: keep(network.bus())
    else:
        with free_domain() as domain:
            environment = Environment.read({"HEDGEROW_HOME": str(tmp_path), "HEDGEROW_DOMAIN": str(domain)})
            yield lambda: keep(CycloneBus(environment))
            for bus in buses:
                bus.close()
