"""Multiplies large matrices on the first GPU: `python busy.py [SECONDS]`; without seconds until its input ends.

It says `works` once the GPU works. A line `rest` or `work` on its input holds it or lets it go on, and is answered.
"""

from __future__ import annotations

import itertools
import queue
import sys
import threading
import time

import numpy as np
from onnx import TensorProto, helper

from hedgerow_nodes.partition.runtime import CPU, CUDA, open_session, run_session

SIDE, PRODUCTS = 4096, 16


def model() -> bytes:
    """One number in, one out; products of square matrices in between, 2.2 TFLOP in all."""
    names = ["m", *(f"p{index}" for index in range(PRODUCTS))]
    nodes = [
        helper.make_node("Expand", ["x", "sides"], ["m"]),
        *(helper.make_node("MatMul", ["m", given], [gives]) for given, gives in itertools.pairwise(names)),
        helper.make_node("Slice", [names[-1], "begin", "end"], ["y"]),
    ]
    kept = {"sides": [SIDE, SIDE], "begin": [0, 0], "end": [1, 1]}
    weights = [helper.make_tensor(name, TensorProto.INT64, [2], value) for name, value in kept.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "busy", ends[:1], ends[1:], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def heard() -> queue.Queue[str]:
    """The lines of the input as they come; an empty one is its end."""
    lines: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line.strip())
        lines.put("")

    threading.Thread(target=listen, daemon=True).start()
    return lines


def main() -> None:
    """Work."""
    session = open_session(model(), "busy", (CUDA, CPU))
    # A row times a column of 1 / SIDE each is 1 / SIDE again: no number grows.
    feed = {"x": np.full((1, 1), 1 / SIDE, np.float32)}
    run_session(session, ["y"], feed, "busy")
    print("works", flush=True)
    if len(sys.argv) > 1:
        end_s = time.monotonic() + float(sys.argv[1])
        while time.monotonic() < end_s:
            run_session(session, ["y"], feed, "busy")
        return
    lines, works = heard(), True
    while True:
        if works:
            run_session(session, ["y"], feed, "busy")
        try:
            line = lines.get(block=not works)
        except queue.Empty:
            continue
        if not line:
            return
        works = line == "work"
        print("works" if works else "rests", flush=True)


if __name__ == "__main__":
    main()
