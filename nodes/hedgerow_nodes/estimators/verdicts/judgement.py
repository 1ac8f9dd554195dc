"""Judge each limit that a user stated by what an iteration answered: met, missed and by how much, or unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from hedgerow_idl import Limit
from hedgerow_nodes.estimators.text.limit_names import LIMIT_NAMES, amount, describe
from hedgerow_nodes.estimators.verdicts.answered import Answered, Outputs, answers_of, per_day
from hedgerow_nodes.estimators.verdicts.hardware import judge_wishes
from hedgerow_nodes.estimators.verdicts.verdict import Judgement, Verdict

_PER_DAY: Mapping[str, str] = {"energy_j_per_day": "energy_j", "carbon_gco2e_per_day": "carbon_gco2e"}
_WORDS = ("name", "comparison", "unit", "found_in", "excerpt")


def judge_outputs(outputs: Outputs) -> tuple[Judgement, ...]:
    """Judge the limits that `app_requirements` and `hw_constraints` found, by the outputs of one iteration.

    Args:
        outputs: stage → output as JSON, as the store holds them; stages may be missing.
    """
    limits = [*_limits(outputs.get("app_requirements", {})), *_limits(outputs.get("hw_constraints", {}))]
    unlike = {(one.name, one.comparison, one.value): one for one in reversed(limits)}
    ordered = [one for one in limits if unlike.pop((one.name, one.comparison, one.value), None) is not None]
    return (*judge_limits(ordered, answers_of(outputs)), *judge_wishes(outputs))


def judge_limits(limits: Iterable[Limit], answers: Mapping[str, Answered]) -> tuple[Judgement, ...]:
    """Judge limits by figures that answer them by name."""
    known = list(limits)
    volume = max((one.value for one in known if one.name == "volume_per_s"), default=None)
    return tuple(_judged(limit, _answer(limit.name, answers, volume)) for limit in known)


def _answer(name: str, answers: Mapping[str, Answered], volume_per_s: float | None) -> Answered | None:
    single = answers.get(_PER_DAY.get(name, ""))
    if single is not None and volume_per_s is not None:
        return per_day(single, volume_per_s)
    return answers.get(name)


def _judged(limit: Limit, answer: Answered | None) -> Judgement:
    wanted = describe(limit)
    if answer is None or limit.comparison not in ("<=", ">="):
        said = f"{wanted}: unknown, for the outputs hold no figure that tells it."
        return Judgement(limit, Verdict.UNKNOWN, answer, False, None, said)
    met = _keeps(limit, answer.value)
    certain = met == _keeps(limit, answer.low) == _keeps(limit, answer.high)
    figure = amount(answer.value, limit.unit)
    how = ", ".join(filter(None, (answer.method, answer.remark)))
    doubt = "" if certain else f"; the interval {_interval(answer, limit.unit)} holds the limit, so it may be otherwise"
    if met:
        said = f"{wanted}: met with {figure} ({how}){doubt}."
        return Judgement(limit, Verdict.MET, answer, certain, None, said)
    distance = abs(answer.value - limit.value)
    times = f", {_times(limit, answer.value)}" if limit.value > 0 and answer.value > 0 else ""
    said = f"{wanted}: missed by {amount(distance, limit.unit)}{times}, with {figure} ({how}){doubt}."
    return Judgement(limit, Verdict.MISSED, answer, certain, distance, said)


def _keeps(limit: Limit, value: float) -> bool:
    return value <= limit.value if limit.comparison == "<=" else value >= limit.value


def _times(limit: Limit, value: float) -> str:
    factor = value / limit.value if limit.comparison == "<=" else limit.value / value
    return f"{factor:.3g} times {'the limit' if limit.comparison == '<=' else 'too little'}"


def _interval(answer: Answered, unit: str) -> str:
    return f"{amount(answer.low, unit)} to {amount(answer.high, unit)}"


def _limits(output: Mapping[str, Any]) -> list[Limit]:
    """The limits of an output; what is no limit that Hedgerow knows is somebody else's, and left out."""
    entries = output.get("limits")
    found = (_limit(entry) for entry in (entries if isinstance(entries, list) else ()))
    return [limit for limit in found if limit is not None]


def _limit(entry: Any) -> Limit | None:
    if not isinstance(entry, Mapping):
        return None
    words = {key: entry.get(key, "") for key in _WORDS}
    value = entry.get("value")
    known = LIMIT_NAMES.get(words["name"]) if all(isinstance(word, str) for word in words.values()) else None
    if known is None or words["unit"] != known.unit or words["comparison"] not in ("<=", ">=", "=="):
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return Limit(value=float(value), **words)
