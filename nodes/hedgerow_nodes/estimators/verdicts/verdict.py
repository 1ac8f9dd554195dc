"""The words for how an iteration stands to a limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hedgerow_idl import Limit
from hedgerow_nodes.estimators.verdicts.answered import Answered


class Verdict(StrEnum):
    """How an iteration stands to a limit."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judgement:
    """A limit and how an iteration stands to it.

    `answer` is None where the iteration holds no such figure. The value decides; `certain` says that the whole interval
    lies on the same side of the limit. `missed_by` is the distance in the limit's unit, None unless missed.
    """

    limit: Limit
    verdict: Verdict
    answer: Answered | None
    certain: bool
    missed_by: float | None
    said: str
