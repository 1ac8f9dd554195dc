"""Calibrate the roofline on one half of timm's published measurements and judge it by the other half.

`python -m hedgerow_nodes.estimators.devices.validation FOLDER` prints the table; it ends with 1 where a device misses
the promise: within a factor of two for 80 % of the models. FOLDER holds the CSV files of timm's `results/`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hedgerow_nodes.estimators.devices.assumptions import assumptions_for
from hedgerow_nodes.estimators.devices.catalogue import Device, load_devices
from hedgerow_nodes.estimators.devices.efficiency import TRANSFER_FACTOR
from hedgerow_nodes.estimators.devices.fitting import DISPATCHES_S, NO_DISPATCH_S, AtPeak, Fit, fit
from hedgerow_nodes.estimators.devices.layer_kinds import ANY, KINDS
from hedgerow_nodes.estimators.devices.throughput import RUNS, Measured, Run, UnreadableResults, read_run

PROMISED_SHARE = 0.8
PROMISED_FACTOR = 2.0

Fits = dict[tuple[str, str, str], Fit]


@dataclass(frozen=True)
class Row:
    """How one device's measurements were met: shares are 0 to 1, the ratio is measured over predicted time."""

    device: str
    kind: str
    models: int
    within_2x: float
    median_ratio: float
    in_interval: float

    @property
    def kept(self) -> bool:
        """The promise holds."""
        return self.within_2x >= PROMISED_SHARE


def at_peak(measured: Sequence[Measured], run: Run, device: Device) -> AtPeak:
    """The measurements beside the catalogue's peaks of their device."""
    peak, bandwidth = device.peak_flops_per_s[run.peak], device.bandwidth_bytes_per_s
    streamed = bandwidth * assumptions_for(device.device_class, device.classes).memory_efficiency.value
    return AtPeak(
        compute_s=np.array([one.flops / peak for one in measured]),
        weights_s=np.array([one.weights_bytes / streamed for one in measured]),
        activations_s=np.array([one.activation_bytes / bandwidth for one in measured]),
        sample_s=np.array([one.sample_s for one in measured]),
        batch=np.array([float(one.batch) for one in measured]),
    )


def calibrate(runs: Mapping[Run, Sequence[Measured]]) -> Fits:
    """Fit every kind of layers, and all together, for each processor and peak, on the calibrating half."""
    devices = {device.id: device for device in load_devices()}
    fits: Fits = {}
    for processor, peak in dict.fromkeys((run.processor, run.peak) for run in runs):
        dispatches_s = NO_DISPATCH_S if processor == "gpu" else DISPATCHES_S
        for kind in (*KINDS, ANY):
            parts = []
            for run, measured in runs.items():
                if (run.processor, run.peak) == (processor, peak):
                    half = [one for one in measured if one.calibrates and kind in (one.kind, ANY)]
                    parts.append(at_peak(half, run, devices[run.device_id]))
            fits[processor, peak, kind] = fit(AtPeak.joined(parts), dispatches_s)
    return fits


def judge(runs: Mapping[Run, Sequence[Measured]], fits: Fits, widened: float = 1.0) -> list[Row]:
    """One row for each device with all kinds, then one for each of its kinds, all on the half that did not calibrate.

    `widened` is the factor by which the interval is wider than the calibration's own.
    """
    devices = {device.id: device for device in load_devices()}
    rows = []
    for run, measured in runs.items():
        judged = [one for one in measured if not one.calibrates]
        kinds = np.array([one.kind for one in judged])
        at = at_peak(judged, run, devices[run.device_id])
        ratios, inside = np.zeros(len(judged)), np.zeros(len(judged), dtype=bool)
        for kind in dict.fromkeys(kinds):
            mask = kinds == kind
            fitted = fits[run.processor, run.peak, str(kind)]
            ratios[mask] = at.sample_s[mask] / fitted.predicted_s(at.only(mask))
            low, high = fitted.ratio_low / widened, fitted.ratio_high * widened
            inside[mask] = (ratios[mask] >= low) & (ratios[mask] <= high)
        rows.append(_row(run.device_id, "all", ratios, inside))
        rows += [_row(run.device_id, kind, ratios[kinds == kind], inside[kinds == kind]) for kind in KINDS]
    return rows


def transferred(runs: Mapping[Run, Sequence[Measured]]) -> list[Row]:
    """Each GPU judged by what the other GPUs alone were calibrated to, with the interval of an unmeasured device."""
    gpus = [run for run in runs if run.processor == "gpu"]
    rows = []
    for run in gpus:
        others = {other: runs[other] for other in gpus if other != run}
        if others:
            judged = judge({run: runs[run]}, calibrate(others), TRANSFER_FACTOR["gpu"])
            rows += [row for row in judged if row.kind == "all"]
    return rows


def _row(device: str, kind: str, ratios: np.ndarray, inside: np.ndarray) -> Row:
    if not ratios.size:
        return Row(device, kind, 0, float("nan"), float("nan"), float("nan"))
    within = float((np.abs(np.log(ratios)) <= np.log(PROMISED_FACTOR)).mean())
    return Row(device, kind, int(ratios.size), within, float(np.median(ratios)), float(inside.mean()))


def table(rows: Iterable[Row], transfer: Iterable[Row] = ()) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| device | layers | models judged | within 2x | median measured / predicted | in the interval |",
        "|---|---|---|---|---|---|",
    ]
    for suffix, group in (("", rows), (", calibrated on the other GPU", transfer)):
        lines += [
            f"| {row.device}{suffix} | {row.kind} | {row.models} | {row.within_2x:.1%} | {row.median_ratio:.2f} "
            f"| {row.in_interval:.1%} |"
            for row in group
        ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 where every device keeps the promise, 1 where one does not, 2 where a file is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with the CSV files of timm's results")
    folder = parser.parse_args(arguments).folder
    try:
        runs = {run: read_run(folder, run) for run in RUNS}
    except UnreadableResults as unreadable:
        print(unreadable, file=sys.stderr)
        return 2
    rows = judge(runs, calibrate(runs))
    print(table(rows, transferred(runs)))
    missed = [row for row in rows if row.kind == "all" and not row.kept]
    for row in missed:
        print(f"{row.device}: {row.within_2x:.1%} of the models within 2x, {PROMISED_SHARE:.0%} are promised")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
