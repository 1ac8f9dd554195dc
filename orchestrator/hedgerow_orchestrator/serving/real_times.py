"""What stages and links of a service take now, as its workers tell, beside what was predicted of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hedgerow_orchestrator.prediction_log import Times
from hedgerow_orchestrator.serving.service import Epoch
from hedgerow_orchestrator.serving.workers import Worker


def stage_times(epoch: Epoch, workers: Mapping[str, Worker]) -> Times:
    """Of each instance real and predicted processor seconds an item; NaN where one is not known."""
    predicted = epoch.plan.predicted.get("stages", {})
    found = {}
    for each in epoch.plan.instances:
        worker = workers.get(each.node_id)
        status = worker.instance(each.physical_id) if worker is not None and worker.is_here else None
        label = f"{each.name}#{each.replica}"
        expected = predicted.get(label, predicted.get(each.name, math.nan))
        found[label if label in predicted else each.name] = (math.nan if status is None else status.compute_s, expected)
    return found


def link_times(epoch: Epoch, workers: Mapping[str, Worker]) -> Times:
    """Of each pair of workers that items go between real and predicted seconds that an item occupies the link.

    The real one is what the sender saw until the receiver's answer, less one latency each way, of all items that went
    over this link lately, also those of other services.
    """
    by_name = {worker.label: worker for worker in workers.values() if worker.is_here}
    found = {}
    for link in epoch.plan.predicted.get("links", ()):
        sender, receiver = by_name.get(link["from"]), by_name.get(link["to"])
        figure = sender.link_to(receiver.node_id) if sender is not None and receiver is not None else None
        real = math.nan if figure is None else figure.transfer_s
        if figure is not None and math.isfinite(figure.latency_s):
            real = max(real - 2 * figure.latency_s, 0.0) if math.isfinite(real) else real
        found[f"{link['from']}>{link['to']}"] = (real, float(link["seconds"]))
    return found
