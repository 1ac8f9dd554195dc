"""Which device, or which class of device, a text says the model shall run on."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_ARTICLES = r"(?:an?|the|my|our|his|her|its|their|your|this|one|single|every|each)"
# "on a small": what stands before the device that does the work; "with a phone" may be how the picture was taken.
_RUNS_ON = rf"\b(?:on|onto|inside)\s+(?:{_ARTICLES}\s+)?(?:[\w-]{{1,20}}\s+){{0,2}}?"
_COMPUTER = "computer|device|box|server|node|gateway|hardware|unit|machine|board|pc"
_CLASS_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    # class: (words that mean it wherever they stand, words that mean it only behind "on a" and the like)
    {
        "microcontroller": (
            r"micro-?controllers?|mcus?|arduino|esp32(?:-\w+)?|esp8266|stm32\w*|cortex-m\d*|tiny ?ml|rp2040|pi pico",
            r"wearable|smart ?watch|hearing aid|sensor node",
        ),
        "edge": (
            r"raspberry\s?pi|rpi|jetson(?:\s+\w+)?|coral(?: dev)? board|edge tpu|hailo|rockchip|intel nuc"
            rf"|edge[- ](?:{_COMPUTER})s?|single[- ]board(?: computer)?s?"
            r"|embedded (?:computer|device|system|board|hardware|pc)s?|industrial pc|smart camera|at the edge",
            rf"drone|uav|robot|edge(?:[- ](?:{_COMPUTER})s?)?|gateway|camera itself",
        ),
        "mobile": (
            r"smart-?phones?|iphone|android(?: (?:phone|device|app))?|mobile (?:phone|device|app)s?|phone app"
            r"|snapdragon \d\w*",
            r"phones?|tablets?|ipad|mobile",
        ),
        "laptop": (r"macbook(?: \w+)?|ultrabook", r"laptops?|notebook computers?|notebook"),
        "desktop": (r"desktop (?:pc|computer|machine)|workstations?", r"desktop|pc|office computer|gaming pc"),
        "server": (
            r"data ?cent(?:er|re)|in the cloud|cloud (?:server|instance|service|vm|machine)s?"
            r"|(?:aws|azure|gcp) (?:instance|vm)",
            r"servers?|cloud|cluster|kubernetes|rack|virtual machine|vm|aws|azure|mainframe",
        ),
        "gpu": (
            r"gpus?|cuda|graphics cards?|(?:rtx|gtx) ?a?\d{3,4}(?: ti)?|[ahv][12]00|nvidia t4|tesla \w\d+",
            r"nvidia card",
        ),
        "cpu": (r"cpu[- ]only|no gpu|without (?:an? |any )?gpu|cpus? only|only (?:an? )?cpu", r"cpus?|processor"),
    }
)
# The form of the machine says more than its parts; "a GPU server" is the exception below.
_FORMS = ("microcontroller", "edge", "mobile", "laptop", "desktop")
_NEGATED = re.compile(
    r"(?:\b(?:no|not|never|without|instead of|rather than)|n['’]t)"
    r"(?:\s+(?:run|running|use|using|need|have|be|send|sent|on|in|to|an?|any|the|my|our|require|expensive)){0,4}\s*$",
    re.IGNORECASE,
)
_REACH = 40
_PATTERNS = MappingProxyType(
    {
        name: re.compile(
            rf"(?<![\w-])(?:{always})(?![\w-])|(?P<placed>{_RUNS_ON})(?P<word>{placed})(?![\w-])", re.IGNORECASE
        )
        for name, (always, placed) in _CLASS_WORDS.items()
    }
)
_BEFORE_DEVICE = re.compile(
    rf"\b(?:on|onto|to|using|with|have|has|own|use|for)\s+(?:{_ARTICLES}\s+)?(?:[\w-]{{1,20}}\s+){{0,2}}$",
    re.IGNORECASE,
)
_SHORT_NAME = 3


@dataclass(frozen=True)
class Found:
    """What was found, and the words that said it."""

    name: str
    excerpt: str
    start: int


def device_class_in(text: str) -> Found | None:
    """The class of device that a text asks for, None if it names none.

    The form of the machine (edge, laptop, …) goes before `server`, `gpu` and `cpu`; of several forms the first named
    counts. A server with a GPU is a `gpu`, since that is what has to be there.
    """
    found = {name: one for name, pattern in _PATTERNS.items() if (one := _first(name, pattern, text)) is not None}
    forms = [found[name] for name in _FORMS if name in found]
    if forms:
        return min(forms, key=lambda one: one.start)
    for name in ("cpu", "gpu", "server"):
        if name in found:
            return found[name]
    return None


def device_in(text: str, names: Mapping[str, Iterable[str]]) -> Found | None:
    """The device that a text says to use, as in "on a Jetson Nano": the longest name wins, None if there is none.

    Args:
        text: the problem.
        names: the names of each device by its id.
    """
    best: Found | None = None
    # Nearly every name has a number, and nearly no text has it: that spares a pass over a long text for each name.
    numbers = frozenset(re.findall(r"\d+", text))
    for id_, aliases in names.items():
        for alias in aliases:
            if not _numbers(alias) <= numbers:
                continue
            for match in _pattern(alias).finditer(text):
                ahead = text[max(0, match.start() - _REACH) : match.start()]
                if not _BEFORE_DEVICE.search(ahead) or _NEGATED.search(ahead):
                    continue
                if best is None or len(match.group()) > len(best.excerpt):
                    best = Found(id_, match.group(), match.start())
    return best


def _first(name: str, pattern: re.Pattern[str], text: str) -> Found | None:
    for match in pattern.finditer(text):
        start = match.start("word") if match["word"] else match.start()
        ahead = text[max(0, match.start() - _REACH) : match.start()]
        refused = name != "cpu" and _NEGATED.search(ahead)
        if not refused and not _is_data(text, match):
            return Found(name, text[start : match.end()], start)
    return None


def _is_data(text: str, match: re.Match[str]) -> bool:
    """Is the device what the data are about, as in "phone calls" and "server logs"?"""
    behind = text[match.end() : match.end() + 20]
    return (
        re.match(
            r"\s+(?:calls?|conversations?|numbers?|logs?|records?|images|data|screens?|displays?|cases?)\b", behind
        )
        is not None
    )


@functools.cache
def _numbers(alias: str) -> frozenset[str]:
    return frozenset(re.findall(r"\d+", alias))


@functools.cache
def _pattern(alias: str) -> re.Pattern[str]:
    """A name with any spaces and hyphens; one as short as "A10" or "M2" only where it is written in capitals."""
    spelled = r"[\s-]?".join(re.escape(part) for part in re.findall(r"[A-Za-z]+|\d+|\+", alias))
    return re.compile(rf"(?<![\w-]){spelled}(?![\w-])", re.IGNORECASE if len(alias) > _SHORT_NAME else 0)
