"""Moments as people write them on a command line: an age such as `15m`, or a time of ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hedgerow_launch.failures import USAGE, CommandFailure

_AGE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhdw])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def moment_s(text: str, option: str, now_s: float) -> float:
    """The moment in seconds since the Unix epoch, not before it; a time without a zone is UTC, as all that is printed.

    Args:
        text: an age (`90s`, `15m`, `12h`, `30d`, `4w`), or a time such as `2026-11-27T05:00`.
        option: is named where the text is neither.
        now_s: from which an age counts back.

    Raises:
        CommandFailure: it is neither.
    """
    age = _AGE.fullmatch(text.strip())
    if age is not None:
        return max(0.0, now_s - float(age["number"]) * _SECONDS[age["unit"]])
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CommandFailure(
            f"{option} {text}: write an age as 90s, 15m, 12h, 30d or 4w, or a time (UTC) as 2026-11-27T05:00", USAGE
        ) from None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
