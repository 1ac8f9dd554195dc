"""Makes the orchestrator tests' own modules importable, and starts PostgreSQL for the first test that needs it."""

import os
import sys
from pathlib import Path

import pytest

from hedgerow_orchestrator.store.testing import POSTGRES_VARIABLE
from tests.debian_postgres import Postgres

sys.path.insert(0, str(Path(__file__).parent))

_servers: list[Postgres] = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture, for those of a module need the server too."""
    callspec = getattr(item, "callspec", None)
    wants = callspec is not None and any(value == "postgresql" for value in callspec.params.values())
    if wants and not os.environ.get(POSTGRES_VARIABLE):
        _servers.append(Postgres())
        os.environ[POSTGRES_VARIABLE] = _servers[0].url


def pytest_sessionfinish() -> None:
    """The server ends with the tests."""
    while _servers:
        _servers.pop().close()
        del os.environ[POSTGRES_VARIABLE]
