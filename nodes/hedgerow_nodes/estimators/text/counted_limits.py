"""Limits other than a number with a unit: items per period, quality in per cent, batch sizes, flags such as offline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hedgerow_nodes.estimators.text.mentions import PERIOD_S
from hedgerow_nodes.estimators.text.quantities import NUMBER, scaled


@dataclass(frozen=True)
class Count:
    """A limit read at text[start:end]; which way it points is said around it."""

    name: str
    value: float
    start: int
    end: int


_ITEMS = (
    r"images?|imgs?|photos?|pictures?|frames?|requests?|reqs?|queries|query|sentences?|documents?|docs?|pages?|tokens?|inferences?"
    r"|predictions?|messages?|calls?|clips?|samples?|e-?mails?|records?|rows?|tickets?|transactions?|tweets?|reviews?|files?|scans?"
    r"|items?|parts?|products?|letters?|articles?|videos?|recordings?|users?|events?|detections?|classifications?|words?|parcels?"
)
_PERIODS = "|".join(sorted(PERIOD_S, key=len, reverse=True))
_RATE = re.compile(
    rf"(?P<number>{NUMBER})\s?(?:[\w-]{{1,20}}\s+){{0,2}}?(?P<item>{_ITEMS})"
    rf"\s?(?:per|/|an?\b|each|every)\s?(?P<period>{_PERIODS})\b",
    re.IGNORECASE,
)
_LONG_PERIOD_S = 86_400.0

_QUALITIES: Mapping[str, str] = MappingProxyType(
    {
        "accuracy": r"accuracy|accurate|correct(?:ly)?|hit rate",
        "precision": r"precision",
        "recall": r"recall|sensitivity",
        "f1": r"f1(?:[- ]?score)?|f-?score",
        "map": r"mAP(?:@[\w.:]{1,9})?|mean average precision",
        "auc": r"auc|roc[- ]auc|auroc",
        "iou": r"m?iou|intersection over union",
        "word_error_rate": r"wer|word error rate",
        "error_rate": r"error rate|errors?|misclassification",
    }
)
_NAMED = "|".join(rf"(?P<{name}>{words})" for name, words in _QUALITIES.items())
_NAMED_AFTER = "|".join(rf"(?P<{name}_after>{words})" for name, words in _QUALITIES.items())
_BETWEEN = (
    r"(?:\s+(?:of|is|must|should|be|has|to|at|least|most|above|over|below|under|than|more|less|better|not|reach|about|the)"
    r"|\s?[<>=:≥≤]){0,6}"
)
_QUALITY = re.compile(
    rf"\b(?:{_NAMED})\b{_BETWEEN}\s{{0,2}}(?P<number>{NUMBER})(?P<percent>\s?(?:%|per\s?cent|pct))?(?!\w|\.\d)"
    rf"|(?P<number_after>{NUMBER})(?P<percent_after>\s?(?:%|per\s?cent|pct))"
    rf"(?:\s+(?:of|or|better|more|higher|less|top-?\d|overall|classification|average)){{0,3}}\s+(?:{_NAMED_AFTER})\b",
    re.IGNORECASE,
)
_BATCH = re.compile(
    rf"\bbatch(?:es)?(?:\s+size)?(?:\s+(?:of|is|up|to|at|most|under)|\s?[:=]){{0,4}}\s{{0,2}}(?P<number>{NUMBER})",
    re.IGNORECASE,
)
_NETWORK = r"(?:internet|network|connectivity|connection)"
_KEPT_IN = r"(?:(?:may|must|can|should|shall)\s*(?:not|never)|(?:nothing|no\s+data)\s+(?:may|must|can))\s+leave"
_FLAGS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        name: re.compile(rf"(?<![\w-])(?:{words})(?!\w)", re.IGNORECASE)
        for name, words in {
            "offline": rf"off-?line|air-?gapped|not\s+connected|no\s+{_NETWORK}"
            rf"|without\s+(?:an?\s+|any\s+|the\s+)?{_NETWORK}(?:\s+(?:connection|access))?",
            "battery": r"batter(?:y|ies)[- ](?:powered|operated|driven|life)|coin[- ]cell|save\s+battery"
            r"|solar[- ]powered|(?:on|by|from)\s+(?:an?\s+|its\s+)?(?:\w+\s+)?batter(?:y|ies)",
            "on_device": r"on[- ]device|on\s+the\s+device(?:\s+itself)?|on[- ]prem(?:ises?)?|locally|no\s+cloud"
            rf"|without\s+(?:the\s+|a\s+)?cloud|{_KEPT_IN}",
            "private": rf"privacy|private|confidential(?:ity)?|gdpr|hipaa|{_KEPT_IN}",
            "real_time": r"(?:near[- ])?real[- ]?time",
        }.items()
    }
)
_NEGATED = re.compile(
    r"(?:\b(?:not|never|no\s+need)|n['’]t)(?:\s+(?:necessarily|have|needs?|to|be|run|work|in|for|of|required)){0,4}\s*$",
    re.IGNORECASE,
)
_REACH = 60


def find_rates(text: str) -> Iterator[Count]:
    """Items per period: "1000 requests per second", "a million images a day"."""
    for found in _RATE.finditer(text):
        period_s = PERIOD_S[found["period"].casefold()]
        name = "volume_per_s" if period_s >= _LONG_PERIOD_S else "throughput_per_s"
        if found["item"].casefold().startswith("token"):
            name = "tokens_per_s"
        yield Count(name, scaled(found["number"], 1 / period_s), found.start(), found.end())


def find_qualities(text: str) -> Iterator[Count]:
    """Accuracies and the like: "at least 95 % accuracy", "mAP above 0.5"; per cent become fractions."""
    for found in _QUALITY.finditer(text):
        groups = found.groupdict()
        named = (key.removesuffix("_after") for key, words in groups.items() if words)
        name = next(key for key in named if key in _QUALITIES)
        number = groups["number"] or groups["number_after"]
        value = scaled(number, 1.0)
        if groups["percent"] or groups["percent_after"] or 1 < value <= 100:
            value = scaled(number, 0.01)
        if 0 <= value <= 1:
            yield Count(name, value, found.start(), found.end())


def find_batches(text: str) -> Iterator[Count]:
    """Batch sizes: "in batches of 16"."""
    for found in _BATCH.finditer(text):
        yield Count("batch_items", scaled(found["number"], 1.0), found.start(), found.end())


def find_flags(text: str) -> Iterator[Count]:
    """Each flag that a text raises, once; "need not work offline" raises none."""
    for name, pattern in _FLAGS.items():
        for found in pattern.finditer(text):
            if not _NEGATED.search(text, max(0, found.start() - _REACH), found.start()):
                yield Count(name, 1.0, found.start(), found.end())
                break
