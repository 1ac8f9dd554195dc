"""Draw one figure of several iterations as bars from zero, each with its interval as a whisker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hedgerow_frontend.charts.scales import Scale, scale_over
from hedgerow_frontend.charts.svg import drawing, element, label, words
from hedgerow_frontend.formatting import quantity

WIDTH = 420.0
LEFT, RIGHT, TOP, ROW = 62.0, 112.0, 10.0, 26.0
BAR = 14.0
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Bar:
    """One iteration's figure; None where it is unknown. `mark` is `best`, `worst` or empty."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    mark: str = ""


def bar_chart(bars: Sequence[Bar], unit: str, title: str, name: str, style: str = "") -> Markup:
    """The chart as SVG.

    Args:
        bars: from top to bottom.
        unit: of the values, as `formatting.quantity` knows it.
        title: what is drawn.
        name: begins the ids in the drawing.
        style: the sheet, where no page around the drawing has it.
    """
    ends = [end for bar in bars for end in (bar.value, bar.low, bar.high) if end is not None]
    across = scale_over(ends, LEFT, WIDTH - RIGHT, from_zero=True)
    parts: list[Markup] = []
    for place, bar in enumerate(bars):
        y = TOP + ROW * place
        parts.append(label(LEFT - 8, y + 15, bar.label, text_anchor="end"))
        parts.append(_bar(bar, y, across, unit))
        shown = UNKNOWN if bar.value is None else quantity(bar.value, unit)
        parts.append(label(WIDTH - RIGHT + 8, y + 15, shown, class_="tick"))
    zero = across(0.0)
    height = TOP * 2 + ROW * len(bars)
    parts.append(element("line", x1=zero, x2=zero, y1=TOP - 4, y2=height - TOP + 4, class_="axis"))
    told = "; ".join(_told(bar, unit) for bar in bars)
    return drawing(WIDTH, height, name, title, told, *parts, style=style)


def _bar(bar: Bar, y: float, across: Scale, unit: str) -> Markup:
    if bar.value is None:
        return Markup("")
    begin, end = sorted((across(0.0), across(bar.value)))
    parts = [
        element("title", words(_told(bar, unit))),
        element("rect", x=begin, y=y + 4, width=max(end - begin, 1.0), height=BAR, class_=f"bar {bar.mark}".rstrip()),
    ]
    if bar.low is not None and bar.high is not None and bar.low < bar.high:
        low, high, middle = across(bar.low), across(bar.high), y + 4 + BAR / 2
        path = f"M{low:.1f} {middle - 4:.1f}v8m0 -4H{high:.1f}m0 -4v8"
        parts.append(element("path", d=path, class_="whisker"))
    return element("g", *parts)


def _told(bar: Bar, unit: str) -> str:
    if bar.value is None:
        return f"{bar.label}: {UNKNOWN}"
    within = ""
    if bar.low is not None and bar.high is not None and bar.low < bar.high:
        within = f" [{quantity(bar.low, unit)} – {quantity(bar.high, unit)}]"
    return f"{bar.label}: {quantity(bar.value, unit)}{within}{f', {bar.mark}' if bar.mark else ''}"
