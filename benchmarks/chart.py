"""Draw the rows about growth as one SVG: `python -m benchmarks.chart RESULTS.json docs/growth.svg`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 56
BAR = 34
SMALL, LARGE = "#9db8a5", "#2f6b47"
TITLES = {"growth nodes": "nodes registered", "growth stored tasks": "tasks stored"}


def chart(figures: dict[str, dict[str, Any]]) -> str:
    """The SVG: for each size the rate with few, measured by turns in the same run, beside the rate with that many."""
    groups = [
        (f"{int(size):,} {title}", few, many)
        for name, title in TITLES.items()
        for size, (few, many) in figures[name]["details"]["tasks_per_s_small_and_large"].items()
    ]
    top = max(max(few, many) for _, few, many in groups) * 1.15
    step = (WIDTH - LEFT - RIGHT) / len(groups)
    parts = [_line(value, top) for value in _ticks(top)]
    for at, (label, few, many) in enumerate(groups):
        middle = LEFT + step * (at + 0.5)
        parts += [_bar(middle - BAR, few, top, SMALL), _bar(middle, many, top, LARGE)]
        number, _, what = label.partition(" ")
        parts.append(_text(middle, HEIGHT - BOTTOM + 18, number) + _text(middle, HEIGHT - BOTTOM + 34, what))
    parts.append(_text(WIDTH / 2, 18, "tasks a second: light, with few (by turns in the same run); dark, with so many"))
    style = "font: 12px sans-serif; fill: #333"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" style="{style}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _height(value: float, top: float) -> float:
    return value / top * (HEIGHT - TOP - BOTTOM)


def _bar(x: float, value: float, top: float, colour: str) -> str:
    height = _height(value, top)
    y = HEIGHT - BOTTOM - height
    bar = f'<rect x="{x:.1f}" y="{y:.1f}" width="{BAR - 2}" height="{height:.1f}" fill="{colour}"/>'
    return bar + _text(x + BAR / 2, y - 5, f"{value:.0f}")


def _line(value: int, top: float) -> str:
    y = HEIGHT - BOTTOM - _height(value, top)
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
    return line + _text(LEFT - 8, y + 4, f"{value:,}", "end")


def _ticks(top: float) -> list[int]:
    step = 500 if top > 1500 else 100
    return list(range(0, int(top) + 1, step))


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def main(results: str, target: str) -> None:
    """Draw what a run of `make bench-long` has left."""
    recorded = json.loads(Path(results).read_text(encoding="utf-8"))
    figures = {figure["name"]: figure for row in recorded["rows"].values() for figure in row["figures"]}
    Path(target).write_text(chart(figures), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
