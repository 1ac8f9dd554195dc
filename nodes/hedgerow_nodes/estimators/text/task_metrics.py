"""Which of a task's usual metrics say most where one class outnumbers the others."""

from __future__ import annotations

from collections.abc import Sequence

# The share of right answers that a model gets by naming the largest class is the largest for accuracy.
_MISLED = "accuracy"
_TELLING = ("f1", "macro f1", "recall", "precision")


def fitting_metrics(metrics: Sequence[str], *, imbalanced: bool) -> list[str]:
    """The metrics, the one to look at first in front: accuracy goes last where one class outnumbers the others."""
    if not imbalanced or _MISLED not in metrics:
        return list(metrics)
    telling = [name for name in _TELLING if name in metrics]
    rest = [name for name in metrics if name not in telling and name != _MISLED]
    return [*telling, *rest, _MISLED]
