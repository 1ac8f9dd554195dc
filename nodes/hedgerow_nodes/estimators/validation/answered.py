"""What `hw_resources` would answer for timm's models, known by parameters and FLOPs alone, beside timm's times.

`python -m hedgerow_nodes.estimators.validation.answered FOLDER` prints the table; FOLDER holds the CSV files of timm's
`results/`. The validation of the devices counts the activations of each model; here they are guessed from its kind of
layers, the stream of weights and a GPU's dispatch are those that are assumed, as in an answer. Only the half of the
models counts on which nothing was calibrated.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hedgerow_nodes.estimators.devices.catalogue import Device, load_devices
from hedgerow_nodes.estimators.devices.efficiency import efficiency_for
from hedgerow_nodes.estimators.devices.need import activation_traffic_bytes
from hedgerow_nodes.estimators.devices.roofline import Roofs, roofline_time, work_of
from hedgerow_nodes.estimators.devices.throughput import RUNS, Measured, Run, UnreadableResults, read_run
from hedgerow_nodes.estimators.validation.comparison import Pair, farthest, row, table

PRECISIONS = {2: "float16", 4: "float32"}


def answered(measured: Measured, run: Run, device: Device) -> Pair:
    """Seconds of one sample by the roofline of an answer, beside the time that was measured."""
    reached = efficiency_for(device, run.peak, measured.kind)
    roofs = Roofs(
        device.peak_flops_per_s[run.peak],
        device.bandwidth_bytes_per_s,
        reached.compute,
        reached.weights,
        reached.activations,
        reached.dispatch_s,
    )
    # The peak of live activations is not published; 0 leaves the guess from the kind of layers alone.
    traffic = activation_traffic_bytes(measured.flops, measured.kind, PRECISIONS[run.bytes_per_element], 0.0)
    batch = measured.batch
    time = roofline_time(work_of(measured.flops, measured.weights_bytes * batch, traffic, batch=batch), roofs)
    each_s = time.latency_s / float(batch)
    return Pair(measured.model, each_s.value, measured.sample_s, each_s)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row for each device, and one for each kind of its layers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with the CSV files of timm's results")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="name the N farthest of each device")
    asked = parser.parse_args(arguments)
    devices = {device.id: device for device in load_devices()}
    rows, worst = [], []
    for run in RUNS:
        try:
            judged = [one for one in read_run(asked.folder, run) if not one.calibrates]
        except UnreadableResults as unreadable:
            print(unreadable, file=sys.stderr)
            return 2
        pairs = [answered(one, run, devices[run.device_id]) for one in judged]
        rows.append(row(f"{run.device_id}, all", "timm", pairs))
        for kind in sorted({one.kind for one in judged}):
            of_kind = [pair for pair, one in zip(pairs, judged, strict=True) if one.kind == kind]
            rows.append(row(f"{run.device_id}, {kind}", "timm", of_kind))
        worst += [f"{run.device_id}: {pair.case} {pair.ratio:.3g}" for pair in farthest(pairs, asked.worst)]
    print(table(rows))
    for line in worst:
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
