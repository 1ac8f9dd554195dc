"""The runs of a process that need not be repeated: the last used ones, by what would make them the same."""

from __future__ import annotations

from collections import OrderedDict

from hedgerow_nodes.estimators.models.execution import ExecutionReport

MOST_RUNS = 64
# Name of the model, where its weights come from, calibration, precision.
Key = tuple[str, str, str, str]


class RememberedRuns:
    """Reports by key; the one that was not asked for longest makes room."""

    def __init__(self) -> None:
        self._reports: OrderedDict[Key, ExecutionReport] = OrderedDict()

    def find(self, key: Key) -> ExecutionReport | None:
        """The report of that run, if it was made."""
        if key in self._reports:
            self._reports.move_to_end(key)
        return self._reports.get(key)

    def remember(self, key: Key, report: ExecutionReport) -> None:
        """Keep a report."""
        self._reports[key] = report
        while len(self._reports) > MOST_RUNS:
            self._reports.popitem(last=False)
