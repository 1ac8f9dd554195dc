"""What a plain output says, field by field: numbers in their intervals and words, also of a type never seen before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEEPEST = 4
STATED = "stated"
PUBLISHED = "published"
ESTIMATE_KEYS = frozenset({"value", "low", "high", "method", "source"})
# Explanations differ by every digit, the header is the framework's, limits are compared by their verdicts, trials are
# what a loop remembers of the other iterations, and free memory is another at every moment.
_LEFT_OUT = frozenset({"header", "explanation", "limits", "previous", "trials", "available_memory_bytes"})
_ORIGIN = ("metric", "source")
_NOT_OF_THE_CHOSEN = frozenset({"id", "name", "rejected", "source", "explanation"})
# What a model's one field `counted_by` is the source of.
_COUNTED = frozenset({"parameters", "flops_per_inference", "weights_bytes", "activation_bytes"})
_COUNTED_BY = "counted_by"


@dataclass(frozen=True)
class Cell:
    """One thing that an iteration says: a number in its interval with method and source, or words.

    `value` is None where the number is unknown and where there are words; `low` and `high` are None where no interval
    is known. `verdict` is `met`, `missed` or `unknown` in a row about a limit, and empty elsewhere.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: str = ""
    source: str = ""
    text: str = ""
    verdict: str = ""

    @property
    def empty(self) -> bool:
        """Nothing is known."""
        return self.value is None and not self.text


def cells_of(output: Mapping[str, Any], stage: str) -> dict[str, Cell]:
    """The fields of an output by their path, such as `latency_s`, `host.cpu` or `parts.GPU.energy_kwh`.

    Lists of candidates are left out, but for what they say of the chosen one.

    Args:
        output: plain JSON.
        stage: who said it; the source of numbers that carry none themselves.
    """
    found = dict(_fields(output, stage, "", 0))
    for path, cell in _of_the_chosen(output, stage):
        found.setdefault(path, cell)
    return found


def is_estimate(value: Any) -> bool:
    """Tell whether a JSON value is an estimate."""
    return isinstance(value, Mapping) and value.keys() == ESTIMATE_KEYS


def number(value: Any) -> float | None:
    """A JSON value as a number, None where it is none or not finite."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None


def _fields(output: Mapping[str, Any], stage: str, before: str, depth: int) -> Iterator[tuple[str, Cell]]:
    told = {f"{key}_{what}" for key, value in output.items() if number(value) is not None for what in _ORIGIN}
    told |= {_COUNTED_BY} if output.keys() & _COUNTED else set()
    for key, value in output.items():
        if key in _LEFT_OUT or key in told or key.endswith("_at_s"):
            continue
        yield from _field(output, key, value, stage, f"{before}{key}", depth)


def _field(
    output: Mapping[str, Any], key: str, value: Any, stage: str, path: str, depth: int
) -> Iterator[tuple[str, Cell]]:
    if is_estimate(value):
        yield path, _estimated(value)
    elif isinstance(value, bool):
        yield path, Cell(text="yes" if value else "no")
    elif value is None:
        yield path, Cell()
    elif isinstance(value, int | float):
        yield path, _stated(output, key, stage)
    elif isinstance(value, str):
        yield path, Cell(text=value)
    elif depth >= DEEPEST:
        return
    elif isinstance(value, Mapping):
        yield from _fields(value, stage, f"{path}.", depth + 1)
    elif isinstance(value, Sequence):
        yield from _listed(value, stage, path, depth)


def _listed(items: Sequence[Any], stage: str, path: str, depth: int) -> Iterator[tuple[str, Cell]]:
    if not all(isinstance(item, Mapping) for item in items):
        yield path, Cell(text=", ".join(str(item) for item in items if not isinstance(item, Mapping | list)))
    elif items and "id" in items[0]:
        if "score" in items[0]:
            yield path, Cell(text=str(items[0]["id"]))
    elif any(is_estimate(value) for item in items for value in item.values()):
        taken: set[str] = set()
        for place, item in enumerate(items, start=1):
            name = next((value for value in item.values() if isinstance(value, str) and value), str(place))
            name = name if name not in taken else f"{name} {place}"
            taken.add(name)
            yield from _fields(item, stage, f"{path}.{name}.", depth + 1)
    elif len(items) == 1:
        yield from _fields(items[0], stage, f"{path}.", depth + 1)


def _of_the_chosen(output: Mapping[str, Any], stage: str) -> Iterator[tuple[str, Cell]]:
    chosen, candidates = output.get("chosen"), output.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if isinstance(candidate, Mapping) and chosen and candidate.get("id") == chosen:
            kept = {key: value for key, value in candidate.items() if key not in _NOT_OF_THE_CHOSEN}
            yield from _fields(kept, stage, "", DEEPEST)
            return


def _estimated(found: Mapping[str, Any]) -> Cell:
    value = number(found["value"])
    if value is None:
        return Cell(method=str(found["method"] or ""), source=str(found["source"] or ""))
    low, high = number(found["low"]), number(found["high"])
    known = low is not None and high is not None and low <= value <= high
    return Cell(
        value,
        low if known else None,
        high if known else None,
        str(found["method"] or ""),
        str(found["source"] or ""),
    )


def _stated(output: Mapping[str, Any], key: str, stage: str) -> Cell:
    """A bare number: exact as far as it is told, with the origin that its neighbours `KEY_source` and so on name."""
    value = number(output[key])
    metric, source = (str(output.get(f"{key}_{what}") or "") for what in _ORIGIN)
    method = f"{PUBLISHED} {metric}" if metric else STATED
    if key in _COUNTED:
        source = source or str(output.get(_COUNTED_BY) or "")
    return Cell(value, value, value, method, source or stage)
