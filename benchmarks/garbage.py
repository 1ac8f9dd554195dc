"""The garbage collector set as in every process of a node, for the length of a row."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from hedgerow_nodes.core.garbage import collect_seldom


@contextlib.contextmanager
def collecting_as_in_a_node() -> Iterator[None]:
    """What `run` sets before a node's loop; as it was before, afterwards."""
    before = gc.get_threshold()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
