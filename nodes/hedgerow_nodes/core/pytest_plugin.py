"""Fixtures for node authors, there as soon as Hedgerow is installed: `hedgerow_domain`, `hedgerow_system`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import LaunchedSystem, free_domain


@pytest.fixture
def hedgerow_domain() -> Iterator[int]:
    """A DDS domain of the test's own."""
    with free_domain() as domain:
        yield domain


@pytest.fixture
def hedgerow_environment(hedgerow_domain: int, tmp_path: Path) -> Environment:
    """Settings with a domain and a home of the test's own."""
    return Environment.read({"HEDGEROW_HOME": str(tmp_path / "home"), "HEDGEROW_DOMAIN": str(hedgerow_domain)})


@pytest.fixture
def hedgerow_system(hedgerow_environment: Environment) -> Iterator[LaunchedSystem]:
    """A system of real processes, with none yet; what the test starts is ended with it."""
    system = LaunchedSystem(hedgerow_environment)
    yield system
    system.stop()
