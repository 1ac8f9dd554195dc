"""What an instance is told of its epochs: who sends to it, and how much it may send. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hedgerow_nodes.serve.frames import Head
from hedgerow_nodes.serve.router import Router


def epoch_heads(
    routers: Sequence[Router], logical_id: str, present_epoch: int
) -> tuple[list[Head], dict[str, int | None]]:
    """One order for each epoch, the present one first, and the windows of the outputs over all of them."""
    joined: dict[str, set[str]] = {}
    windows: dict[str, int | None] = {}
    for router in routers:
        for link in router.plan.links:
            if link.receiver == logical_id and link.sender in router.instances:
                joined.setdefault(link.input, set()).add(router.instances[link.sender].physical_id)
        for output in router.outputs(logical_id):
            sizes = [size for size in (windows.get(output), router.window(logical_id, output)) if size is not None]
            windows[output] = min(sizes, default=None)
    heads: list[Head] = [
        {
            "do": "epoch",
            "epoch": router.plan.epoch,
            "senders": router.senders(logical_id),
            "gaps": router.is_before_join(logical_id),
            "joined": {port: len(senders) for port, senders in joined.items()},
        }
        for router in sorted(routers, key=lambda router: router.plan.epoch != present_epoch)
    ]
    return heads, windows
