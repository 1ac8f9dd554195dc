"""Build `estimators/data/efficiencies.json`: efficiencies by kind of layers, fitted to half of timm's results.

Run it from the repository root with the folder that holds timm's CSV files (`results/` of
huggingface/pytorch-image-models): `python tools/fit_device_efficiency.py FOLDER`. The files are read and not kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
import numpy as np

from hedgerow_nodes.estimators.devices.efficiency import (
    ActivationRate,
    CalibratedEfficiency,
    EfficiencyTable,
    Validation,
)
from hedgerow_nodes.estimators.devices.fitting import HIGH, LOW
from hedgerow_nodes.estimators.devices.layer_kinds import ANY, KINDS
from hedgerow_nodes.estimators.devices.throughput import RUNS, SOURCE, Measured, in_calibration_half, read_run
from hedgerow_nodes.estimators.devices.validation import calibrate, judge, table

TARGET = Path(__file__).parents[1] / "nodes" / "hedgerow_nodes" / "estimators" / "data" / "efficiencies.json"


def main() -> None:
    """Write the table and print how the other half was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    runs = {run: read_run(arguments.folder, run) for run in RUNS}
    fits = calibrate(runs)
    rows = judge(runs, fits)
    document = EfficiencyTable(
        source=f"{SOURCE}: " + "; ".join(f"{run.file} ({run.software})" for run in RUNS),
        split=" ".join((in_calibration_half.__doc__ or "").split()),
        efficiencies=tuple(
            CalibratedEfficiency(
                processor=processor,
                peak=peak,
                kind=kind,
                models=fit.models,
                compute=_rounded(fit.compute),
                activations=_rounded(fit.activations),
                dispatch_s=fit.dispatch_s,
                ratio_low=_rounded(fit.ratio_low),
                ratio_high=_rounded(fit.ratio_high),
                devices=tuple(run.device_id for run in RUNS if (run.processor, run.peak) == (processor, peak)),
            )
            for (processor, peak, kind), fit in fits.items()
        ),
        activation_rates=_activation_rates([one for measured in runs.values() for one in measured if one.calibrates]),
        validation=tuple(
            Validation(
                device=row.device,
                models=row.models,
                within_2x=_rounded(row.within_2x),
                median_ratio=_rounded(row.median_ratio),
                in_interval=_rounded(row.in_interval),
            )
            for row in rows
            if row.kind == "all"
        ),
    )
    text = msgspec.json.format(msgspec.json.encode(document), indent=1)
    arguments.target.write_bytes(text + b"\n")
    print(table(rows))
    print(f"{len(document.efficiencies)} efficiencies written to {arguments.target}")


def _activation_rates(measured: list[Measured]) -> tuple[ActivationRate, ...]:
    rates = []
    for kind in (*KINDS, ANY):
        values = [one.activations / one.flops for one in measured if kind in (one.kind, ANY)]
        low, value, high = (_rounded(float(np.quantile(values, share))) for share in (LOW, 0.5, HIGH))
        rates.append(ActivationRate(kind=kind, value=value, low=low, high=high))
    return tuple(rates)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


if __name__ == "__main__":
    main()
