"""Fixtures of the system tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgerow_nodes.core.environment import Environment

sys.path.insert(0, str(Path(__file__).parent))

from running import System


@pytest.fixture
def system(hedgerow_environment: Environment) -> Iterator[System]:
    """A system with no process yet; what the test starts ends with it."""
    system = System(hedgerow_environment)
    yield system
    system.stop()
