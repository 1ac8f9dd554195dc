"""How often the garbage collector runs in a process whose loop makes many objects and hardly any cycles."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 50_000
"""A pass under load makes ten thousand objects that die with it; by default the collector looks after every 700."""


def collect_seldom() -> None:
    """Leave what was made so far to itself and look for cycles only after many new objects; call it before the loop."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
