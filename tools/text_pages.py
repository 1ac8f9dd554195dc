"""Draw pages of text with uneven light and noise, in the typeface that comes with Pillow (Aileron, CC0)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from text_reader import PAGE

SAMPLE_LINES = ("Hedgerow reads this page", "without any network.", "It took 3 lines, 1 model.")
CALIBRATION_PAGES = (
    ("Platform 4 to Harbour East", "departs at 17:52 today", "Mind the gap!"),
    ("The quick brown fox jumps", "over 13 lazy dogs (again)"),
    ("Invoice 2071-B", "Total: $1,204.50", "due within 30 days"),
    ("ENTRANCE ON THE LEFT", "Open 9 to 5, Mon-Fri"),
)


def page(lines: Sequence[str], seed: int) -> Image.Image:
    """A page of `text_reader.PAGE` pixels with one to three lines; the same seed gives the same page."""
    height, width = PAGE
    picture = Image.new("L", (width, height), 235)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(34)
    for row, text in enumerate(lines):
        draw.text((30, 14 + 58 * row), text, font=font, fill=40)
    noise = np.random.default_rng(seed).normal(0, 6, (height, width))
    light = np.linspace(1.0, 0.72, width)[None, :] * np.linspace(1.0, 0.9, height)[:, None]
    grey = (np.asarray(picture, dtype=np.float64) * light + noise).clip(0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")
