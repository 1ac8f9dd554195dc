"""Ends a test run in CI as failed if a test that docs/parity.md names was skipped in it."""

from __future__ import annotations

import os
from collections.abc import Collection

import pytest

from tests.parity.checks import named


class SkipWatch:
    """A pytest plugin that looks at the session's reports.

    Args:
        tests: the node ids that must not be skipped where HEDGEROW_CI is 1.
    """

    def __init__(self, tests: Collection[str]) -> None:
        self._tests = tests
        self._skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember those that were skipped, whichever way: by a fixture, by a mark, by themselves."""
        if report.skipped and any(named(test, report.nodeid) for test in self._tests):
            self._skipped.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run."""
        if self._skipped and os.environ.get("HEDGEROW_CI") == "1":
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why, in every run."""
        for test in self._skipped:
            terminalreporter.write_line(f"docs/parity.md names a test that was skipped: {test}", red=True)
