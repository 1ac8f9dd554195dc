"""Draw an iteration's candidates, accuracy against a cost: the front, the chosen one, and why others are out."""

from __future__ import annotations

from markupsafe import Markup

from hedgerow_frontend.charts.candidates import Field, Point
from hedgerow_frontend.charts.labels import Box, place_label
from hedgerow_frontend.charts.scales import Scale, scale_over
from hedgerow_frontend.charts.svg import drawing, element, label, words
from hedgerow_frontend.formatting import quantity

WIDTH, HEIGHT = 760.0, 440.0
LEFT, RIGHT, TOP, BOTTOM = 74.0, 24.0, 52.0, 62.0
LEGEND = (("ring", "chosen", 74.0), ("front", "on the front", 164.0), ("behind", "behind it", 284.0))
REJECTED_AT = 384.0


def pareto_chart(found: Field, of: str, name: str, style: str = "") -> Markup:
    """The chart as SVG.

    Args:
        found: the candidates.
        of: what they are candidates of, such as "problem 1, iteration 2".
        name: begins the ids in the drawing.
        style: the sheet, where no page around the drawing has it.
    """
    title = f"Accuracy and {found.cost.name} of the candidates of {of}"
    return drawing(WIDTH, HEIGHT, name, title, described(found), *_content(found), style=style)


def described(found: Field) -> str:
    """The chart in words, for those who do not see it."""
    if not found.points:
        return f"No candidate has both an accuracy and a known {found.cost.name}.{_left_out(found)}"
    ordered = sorted(found.points, key=lambda point: point.cost)
    best = ", ".join(_told(found, point) for point in ordered if point.on_front)
    chosen = next((point for point in found.points if point.chosen), None)
    rejected = sum(bool(point.rejected) for point in found.points)
    said = [
        f"{_counted(len(found.points))} by {found.metric or 'accuracy'} and {found.cost.name}.",
        f"On the front, which no other usable candidate beats in both: {best}." if best else "None is usable.",
        f"Chosen: {_told(found, chosen)}." if chosen else "The chosen one is not among them.",
        f"{rejected} rejected." if rejected else "",
    ]
    return " ".join(filter(None, said)) + _left_out(found)


def summary(found: Field) -> str:
    """What stands below the chart: how many are drawn, the chosen one, and how many are not drawn."""
    if not found.points:
        return described(found)
    best = sum(point.on_front for point in found.points)
    rejected = sum(bool(point.rejected) for point in found.points)
    chosen = next((point for point in found.points if point.chosen), None)
    counts = f"{_counted(len(found.points))} by {found.metric or 'accuracy'}: {best} on the front, {rejected} rejected."
    return counts + (f" Chosen: {_told(found, chosen)}." if chosen else "") + _left_out(found)


def _content(found: Field) -> list[Markup]:
    if not found.points:
        return [label(WIDTH / 2, HEIGHT / 2, described(found), text_anchor="middle", class_="note")]
    ends = [end for point in found.points for end in (point.low, point.cost, point.high) if end is not None]
    across = scale_over(ends, LEFT, WIDTH - RIGHT)
    up = scale_over((point.accuracy for point in found.points), HEIGHT - BOTTOM, TOP)
    # The chosen one is drawn last, so that nothing hides it.
    ordered = sorted(found.points, key=lambda point: (point.chosen, point.on_front, not point.rejected, point.id))
    boxes = [Box(across(point.cost) - 6, up(point.accuracy) - 6, 12, 12) for point in found.points]
    # The chosen one comes first, so that it has its name.
    named = [point for point in reversed(ordered) if point.chosen or point.on_front]
    return [
        *_axes(found, across, up),
        *_legend(),
        _front_line(found, across, up),
        *(_dot(found, point, across, up) for point in ordered),
        *(
            place_label(point.id, across(point.cost), up(point.accuracy), boxes, _frame(), always=point.chosen)
            for point in named
        ),
    ]


def _frame() -> Box:
    return Box(LEFT, TOP - 8, WIDTH - LEFT - RIGHT + 16, HEIGHT - TOP - BOTTOM + 8)


def _axes(found: Field, across: Scale, up: Scale) -> list[Markup]:
    floor, parts = HEIGHT - BOTTOM, []
    for value in across.ticks():
        x = across(value)
        parts.append(element("line", x1=x, x2=x, y1=TOP, y2=floor, class_="grid"))
        parts.append(label(x, floor + 18, quantity(value, found.cost.unit), text_anchor="middle", class_="tick"))
    for value in up.ticks():
        y = up(value)
        parts.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(label(LEFT - 8, y + 4, quantity(value), text_anchor="end", class_="tick"))
    middle, centre = (LEFT + WIDTH - RIGHT) / 2, (TOP + floor) / 2
    steps = ", by factors" if across.by_factors else ""
    parts.append(label(middle, HEIGHT - 16, f"{found.cost.name} (less is better{steps})", text_anchor="middle"))
    turned = f"rotate(-90 18 {centre:.1f})"
    parts.append(label(18.0, centre, found.metric or "accuracy", text_anchor="middle", transform=turned))
    return parts


def _legend() -> list[Markup]:
    parts = []
    for kind, text, x in LEGEND:
        radius = 8.0 if kind == "ring" else 5.0
        parts += [element("circle", cx=x + 6, cy=22.0, r=radius, class_=kind), label(x + 18, 26.0, text, class_="tick")]
    cross = _cross(REJECTED_AT + 6, 22.0)
    return [*parts, cross, label(REJECTED_AT + 18, 26.0, "rejected, with its reason on hovering", class_="tick")]


def _front_line(found: Field, across: Scale, up: Scale) -> Markup:
    best = sorted({(p.cost, p.accuracy) for p in found.points if p.on_front})
    steps = [f"H{across(cost):.1f}V{up(accuracy):.1f}" for cost, accuracy in best[1:]]
    start = [f"M{across(cost):.1f} {up(accuracy):.1f}" for cost, accuracy in best[:1]]
    return element("path", d="".join([*start, *steps]), class_="line") if steps else Markup("")


def _dot(found: Field, point: Point, across: Scale, up: Scale) -> Markup:
    x, y = across(point.cost), up(point.accuracy)
    kind = "rejected" if point.rejected else "front" if point.on_front else "behind"
    parts = [element("title", words(_told(found, point)))]
    if point.low is not None and point.high is not None and (point.on_front or point.chosen):
        parts.append(element("line", x1=across(point.low), x2=across(point.high), y1=y, y2=y, class_="whisker"))
    if point.chosen:
        parts.append(element("circle", cx=x, cy=y, r=9.0, class_="ring"))
    parts.append(_cross(x, y) if point.rejected else element("circle", cx=x, cy=y, r=5.0, class_=kind))
    return element("g", *parts)


def _cross(x: float, y: float) -> Markup:
    path = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
    return element("path", d=path, class_="rejected")


def _told(found: Field, point: Point) -> str:
    cost = quantity(point.cost, found.cost.unit)
    within = ""
    if point.low is not None and point.high is not None:
        within = f" [{quantity(point.low, found.cost.unit)} – {quantity(point.high, found.cost.unit)}]"
    out = f"; rejected: {point.rejected}" if point.rejected else ""
    return f"{point.id}: {found.metric or 'accuracy'} {quantity(point.accuracy)}, {cost}{within}{out}"


def _left_out(found: Field) -> str:
    unknown = f"{_counted(found.unknown)} without accuracy or {found.cost.name}" if found.unknown else ""
    other = f"{_counted(found.other_metric)} judged by another metric" if found.other_metric else ""
    told = " and ".join(filter(None, (unknown, other)))
    return f" Not drawn: {told}." if told else ""


def _counted(count: int) -> str:
    return "1 candidate" if count == 1 else f"{count} candidates"
