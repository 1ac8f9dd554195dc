"""What holds for all tests: how hypothesis works, and that no test which the page of parity names is skipped in CI."""

import pytest
from hypothesis import settings

from tests.parity.page import PAGE, PageInvalid, read_rows, shown_by
from tests.parity.skips import SkipWatch

# hypothesis looks for wrong answers, and leaves their time to the benchmarks.
settings.register_profile("hedgerow", deadline=None)
settings.load_profile("hedgerow")


def pytest_configure(config: pytest.Config) -> None:
    try:
        rows = read_rows(PAGE.read_text(encoding="utf-8"))
    except PageInvalid:
        rows = ()  # tests/parity/test_page.py fails and says why; the other tests run
    config.pluginmanager.register(SkipWatch(shown_by(rows)))
