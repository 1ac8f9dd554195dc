"""A judgement as plain JSON values: the one form in which every face shows it."""

from __future__ import annotations

from typing import Any

from hedgerow_nodes.estimators.verdicts.answered import Answered
from hedgerow_nodes.estimators.verdicts.verdict import Judgement


def verdict_object(judgement: Judgement) -> dict[str, Any]:
    """`{limit, verdict, certain, missed_by, answer, said}`; `missed_by` is in the limit's unit, null unless missed."""
    limit = judgement.limit
    return {
        "limit": {
            "name": limit.name,
            "comparison": limit.comparison,
            "value": limit.value,
            "unit": limit.unit,
            "found_in": limit.found_in,
            "excerpt": limit.excerpt,
        },
        "verdict": str(judgement.verdict),
        "certain": judgement.certain,
        "missed_by": judgement.missed_by,
        "answer": None if judgement.answer is None else _answer_object(judgement.answer),
        "said": judgement.said,
    }


def _answer_object(answer: Answered) -> dict[str, Any]:
    return {
        "value": answer.value,
        "low": answer.low,
        "high": answer.high,
        "method": answer.method,
        "source": answer.source,
        "remark": answer.remark,
    }
