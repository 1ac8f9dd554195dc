"""A plain question to spoil, and the one line of a command that refuses it."""

from __future__ import annotations

import copy
from typing import Any

from typer.testing import Result

PLAIN: dict[str, Any] = {
    "nodes": [{"name": "a", "memory_bytes": 100}, {"name": "b", "memory_bytes": 100}],
    "links": [{"from": "a", "to": "b", "bandwidth_bytes_per_s": 1e6, "latency_s": 0.001}],
    "stages": [
        {"name": "one", "seconds": {"a": 0.1, "b": 0.2}, "memory_bytes": 60},
        {"name": "two", "seconds": {"a": 0.1, "b": 0.1}, "memory_bytes": 30},
        {"name": "three", "seconds": {"a": 0.1, "b": 0.1}, "memory_bytes": 60},
    ],
    "flows": [{"from": "one", "to": "two", "bytes": 1000}, {"from": "two", "to": "three", "bytes": 10}],
}
GONE = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The plain question with another value at a path such as `stages.0.pin`."""
    question = copy.deepcopy(PLAIN)
    *above, last = path.split(".")
    place: Any = question
    for key in above:
        place = place[int(key)] if key.isdigit() else place[key]
    if value is GONE:
        del place[last]
    elif isinstance(place, list):
        place[int(last) :] = [value]
    else:
        place[last] = value
    return question


def refused(result: Result, code: int) -> str:
    """The only line of a command that failed, without the name of the file."""
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.count("\n") == 1
    begin, _, rest = result.stderr.strip().partition(": ")
    assert begin == "error"
    return rest.partition(": ")[2]
