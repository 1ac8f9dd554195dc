"""SVG elements as text; whatever comes from outside is escaped, and nothing is in it that XML cannot hold."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from markupsafe import Markup

NAMESPACE = "http://www.w3.org/2000/svg"
# A drawing wider than this many pixels may be made smaller to fit the page.
BROAD = 1000.0
# What XML 1.0 has no character for, section 2.2.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, *children: Markup, **attributes: object) -> Markup:
    """An element; `class_` is the attribute `class`, `stroke_width` is `stroke-width`, floats get one decimal."""
    told = "".join(f" {key.rstrip('_').replace('_', '-')}={quoteattr(_value(at))}" for key, at in attributes.items())
    inner = "".join(children)
    return Markup(f"<{name}{told}>{inner}</{name}>" if inner else f"<{name}{told}/>")


def words(text: object) -> Markup:
    """Text as content of an element."""
    return Markup(escape(_clean(str(text))))


def label(x: float, y: float, text: object, **attributes: object) -> Markup:
    """A piece of text at a place."""
    return element("text", words(text), x=x, y=y, **attributes)


def drawing(
    width: float, height: float, name: str, title: str, description: str, *children: Markup, style: str = ""
) -> Markup:
    """A whole chart: `name` makes its ids, `style` is its sheet where no page around it has one."""
    alone = (element("style", Markup(style)), element("rect", width=width, height=height, class_="paper"))
    return element(
        "svg",
        element("title", words(title), id=f"{name}-title"),
        element("desc", words(description), id=f"{name}-desc"),
        *(alone if style else ()),
        *children,
        xmlns=NAMESPACE,
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        class_="chart broad" if width > BROAD else "chart",
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
    )


def _value(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else _clean(str(value))


def _clean(text: str) -> str:
    return _NOT_XML.sub("�", text)
