"""Words that compare: whether "not more than", "at least" or "30 fps or better" sets a limit above or below."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Sense(StrEnum):
    """Which way a comparison points; BETTER and WORSE depend on what is compared."""

    AT_MOST = "<="
    AT_LEAST = ">="
    EQUAL = "=="
    BETTER = "better"
    WORSE = "worse"


_OPPOSITE: Mapping[Sense, Sense] = {
    Sense.AT_MOST: Sense.AT_LEAST,
    Sense.AT_LEAST: Sense.AT_MOST,
    Sense.BETTER: Sense.WORSE,
    Sense.WORSE: Sense.BETTER,
    Sense.EQUAL: Sense.EQUAL,
}
_WORDS: Mapping[Sense, str] = {
    Sense.AT_MOST: r"under|below|(?:less|fewer|lower|smaller|shorter|cheaper|lighter|sooner)\s+than|within|inside"
    r"|at\s+(?:the\s+)?most|up\s+to|limit(?:ed)?\s+(?:to|of)|capped\s+at|a\s+cap\s+of|budget(?:\s+(?:of|is))?|only|<=|≤|<",
    Sense.AT_LEAST: r"over|above|(?:more|greater|larger|bigger|longer|higher)\s+than|at\s+(?:the\s+)?(?:very\s+)?least"
    r"|exceed(?:s|ing)?|beyond|>=|≥|>",
    Sense.EQUAL: r"exactly|precisely|equal\s+to|==",
    Sense.BETTER: r"(?:better|faster|quicker)\s+than",
    Sense.WORSE: r"(?:worse|slower)\s+than",
}
# These may stand a few words away: "a maximum latency of 50 ms".
_FAR_WORDS: Mapping[Sense, str] = {
    Sense.AT_MOST: r"max(?:imum|imal|\.)?|upper\s+limit|upper\s+bound",
    Sense.AT_LEAST: r"min(?:imum|imal|\.)?|lower\s+limit|lower\s+bound",
}
_DOING = r"(?:be|is|are|takes?|costs?|uses?|needs?|consume|draws?|have|go|weigh|emit|any|get|fall|drop|run|ever|it)"
_NEGATION = rf"(?:\b(?:not|no|never|cannot|without)|n['’]t)\s+(?:{_DOING}\s+){{0,3}}"
_FILLER = (
    r"\s*(?:(?:of|be|a|an|the|is|about|around|roughly|approximately|approx\.?|some|total\s+of)\s+|~\s*|[:=]\s*){0,3}"
)
_NEAR = "|".join(rf"(?P<{sense.name}>{words})" for sense, words in _WORDS.items())
_FAR = "|".join(rf"(?P<FAR_{sense.name}>\b(?:{words}))" for sense, words in _FAR_WORDS.items())
_BEFORE = re.compile(
    rf"(?P<negation>{_NEGATION})?(?:(?<![A-Za-z])(?:{_NEAR}){_FILLER}|(?:{_FAR})(?:\s+[\w-]{{1,20}}){{0,3}}\s?{_FILLER})$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:(?P<AT_MOST>or\s+(?:less|lower|below|under|fewer|cheaper|smaller)|max(?:imum|\.)?\b|at\s+(?:the\s+)?most|tops)"
    r"|(?P<AT_LEAST>or\s+(?:more|higher|above|over|greater)|and\s+(?:up|more|above)|min(?:imum|\.)?\b|at\s+least)"
    r"|(?P<BETTER>or\s+(?:better|faster|quicker)))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Comparison:
    """A comparison and the characters that say it, counted from the edge at the number."""

    sense: Sense
    length: int


def comparison_before(text: str) -> Comparison | None:
    """The comparison that ends a text, as in "must not take more than"; None if it ends in none."""
    found = _BEFORE.search(text)
    if found is None:
        return None
    sense = next(Sense[name.removeprefix("FAR_")] for name in _senses(found))
    return Comparison(_OPPOSITE[sense] if found["negation"] else sense, len(text) - found.start())


def comparison_after(text: str) -> Comparison | None:
    """The comparison that begins a text, as in "or less"; None if it begins with none."""
    found = _AFTER.match(text)
    if found is None:
        return None
    return Comparison(next(Sense[name] for name in _senses(found)), found.end())


def _senses(found: re.Match[str]) -> list[str]:
    return [name for name, words in found.groupdict().items() if words is not None and name != "negation"]
