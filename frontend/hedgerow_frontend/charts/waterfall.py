"""Draw the way of one packet as a waterfall: what worked on it and which links carried it, from first to last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hedgerow_frontend.charts.scales import Scale
from hedgerow_frontend.charts.svg import drawing, element, label, words
from hedgerow_frontend.formatting import quantity

WIDTH = 860.0
LEFT, RIGHT, TOP, FOOT, ROW = 250.0, 84.0, 14.0, 26.0, 24.0
BAR = 14.0
LABEL_CHARACTERS = 36


@dataclass(frozen=True)
class Span:
    """One row: `kind` is work (of an instance), link (between two) or drop (a moment: given up here).

    Times are seconds on one clock; an `end_s` of None says that the end was never reported.
    """

    label: str
    kind: str
    begin_s: float
    end_s: float | None
    note: str = ""


def waterfall(spans: Sequence[Span], title: str, name: str, style: str = "") -> Markup:
    """The chart as SVG; rows stand in the order of their beginnings.

    Args:
        spans: at least one.
        title: what is drawn.
        name: begins the ids in the drawing.
        style: the sheet, where no page around the drawing has it.
    """
    rows = sorted(spans, key=lambda span: (span.begin_s, span.kind == "work"))
    zero = rows[0].begin_s
    last = max(end for span in rows for end in (span.begin_s, span.end_s or span.begin_s))
    across = Scale(0.0, (last - zero) * 1.02 or 1e-3, LEFT, WIDTH - RIGHT)
    height = TOP + ROW * len(rows) + FOOT
    parts = [_tick(at, across, height) for at in across.ticks()]
    parts += [_row(span, TOP + ROW * place, zero, across) for place, span in enumerate(rows)]
    told = "; ".join(_told(span, zero) for span in rows)
    return drawing(WIDTH, height, name, title, told, *parts, style=style)


def _tick(at: float, across: Scale, height: float) -> Markup:
    x = across(at)
    line = element("line", x1=x, x2=x, y1=TOP - 4, y2=height - FOOT, class_="grid")
    return element(
        "g", line, label(x, height - 8, quantity(at, "s") if at else "0", class_="tick", text_anchor="middle")
    )


def _row(span: Span, y: float, zero: float, across: Scale) -> Markup:
    begin = across(span.begin_s - zero)
    end = begin if span.end_s is None else across(span.end_s - zero)
    shown = span.label if len(span.label) <= LABEL_CHARACTERS else f"{span.label[: LABEL_CHARACTERS - 1]}…"
    side = "end unknown" if span.end_s is None else quantity(span.end_s - span.begin_s, "s")
    if span.kind == "drop":
        side = "dropped"
    return element(
        "g",
        element("title", words(_told(span, zero))),
        label(LEFT - 10, y + 16, shown, text_anchor="end", class_="" if span.kind == "work" else "tick"),
        element("rect", x=begin, y=y + 5, width=max(end - begin, 2.0), height=BAR, rx=2, class_=f"span {span.kind}"),
        label(max(end, begin + 2) + 6, y + 16, side, class_="tick"),
    )


def _told(span: Span, zero: float) -> str:
    at = quantity(span.begin_s - zero, "s") if span.begin_s > zero else "0 s"
    note = f", {span.note}" if span.note else ""
    if span.kind == "drop":
        return f"{span.label}: dropped at {at}{note}"
    lasted = "end unknown" if span.end_s is None else f"took {quantity(span.end_s - span.begin_s, 's')}"
    return f"{span.label}: at {at}, {lasted}{note}"
