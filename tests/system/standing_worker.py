"""A worker whose loop stands still as long as a file is there, while the threads of the bus go on."""

import os
import time
from pathlib import Path

from hedgerow_nodes import worker as node
from hedgerow_nodes.core.runner import run_loop
from hedgerow_nodes.worker_side.configuration import WorkerConfiguration
from hedgerow_nodes.worker_side.loop import KIND, WorkerLoop

HOLD = Path(os.environ["HEDGEROW_HOME"]) / "stand-still"


class Standing(WorkerLoop):
    """Goes round only while nobody holds it up."""

    def step(self, timeout_s: float) -> None:
        while HOLD.exists():
            time.sleep(0.02)
        super().step(timeout_s)


if __name__ == "__main__":
    node.WorkerLoop = Standing
    run_loop(node.worker, KIND, "Stand still when told.", WorkerConfiguration)
