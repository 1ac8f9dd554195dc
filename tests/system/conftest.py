"""Fixtures of the system tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgerow_nodes.core.environment import Environment

sys.path.insert(0, str(Path(__file__).parent))

from running import System
from user import User


@pytest.fixture
def user(hedgerow_environment: Environment, tmp_path: Path) -> Iterator[User]:
    """A user whose system is taken down at the end, and leaves nothing."""
    user = User(hedgerow_environment, tmp_path)
    yield user
    user.run("down")
    assert user.processes() == []


@pytest.fixture
def system(hedgerow_environment: Environment) -> Iterator[System]:
    """A system with no process yet; what the test starts ends with it."""
    system = System(hedgerow_environment)
    yield system
    system.stop()
