"""Published measurements of a model's throughput (timm's CSV files) as work and time of one sample."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hedgerow_nodes.estimators.devices.layer_kinds import layer_kind

SPLIT_SEED = "hedgerow-1"
SOURCE = "timm results: huggingface/pytorch-image-models, folder results (Apache-2.0)"


class UnreadableResults(Exception):
    """A file of measurements is missing or not of the known form; the message says which and why."""


@dataclass(frozen=True)
class Run:
    """One file of measurements: on which device of the catalogue, at which of its peaks, with how long elements."""

    file: str
    device_id: str
    processor: str
    peak: str
    bytes_per_element: int
    software: str


RUNS: tuple[Run, ...] = (
    Run(
        "benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv",
        "nvidia-rtx-3090",
        "gpu",
        "fp16_tensor",
        2,
        "PyTorch 2.4.0, CUDA 12.4, automatic mixed precision",
    ),
    Run(
        "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv",
        "nvidia-rtx-4090",
        "gpu",
        "fp16_tensor",
        2,
        "PyTorch 2.4.0, CUDA 12.4, automatic mixed precision",
    ),
    Run(
        "benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv",
        "intel-core-i9-10940x",
        "cpu",
        "fp32",
        4,
        "PyTorch 2.4.0 with dynamo, all cores",
    ),
)


@dataclass(frozen=True)
class Measured:
    """One sample of a model within a batch: FLOPs = 2 x MACs, bytes = weights / batch and 2 x activations, seconds.

    The activations are the outputs of convolutions and matrix products, as timm counts them; each is written once and
    read once, which makes the factor 2. Both are scaled by the bytes of one element.
    """

    model: str
    kind: str
    batch: int
    flops: float
    weights_bytes: float
    activation_bytes: float
    activations: float
    sample_s: float

    @property
    def calibrates(self) -> bool:
        """Whether the model is in the half that calibrates; the other half judges."""
        return in_calibration_half(self.model)


def in_calibration_half(model: str) -> bool:
    """Split by name: the lowest bit of SHA-256("hedgerow-1:" + the name before its first dot) is 0.

    Weights of one architecture that differ in their training have one speed, so they stay on one side.
    """
    digest = hashlib.sha256(f"{SPLIT_SEED}:{model.partition('.')[0]}".encode()).digest()
    return digest[-1] % 2 == 0


def read_run(folder: Path, run: Run) -> list[Measured]:
    """Every measurement of a file that has MACs and activations above zero.

    Raises:
        UnreadableResults: no such file, no such columns, or no number where one should be.
    """
    path = folder / run.file
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(measurements(csv.DictReader(file), run))
    except OSError as error:
        raise UnreadableResults(
            f"{path} cannot be read ({error}); give the folder that holds timm's results"
        ) from error
    except KeyError as error:
        raise UnreadableResults(f"{path} has no column {error}; it is no result of timm's benchmark") from error
    except ValueError as error:
        raise UnreadableResults(f"{path} holds no number where one should be: {error}") from error


def measurements(rows: Iterable[dict[str, str]], run: Run) -> Iterable[Measured]:
    """The rows of a table as measurements; a row without MACs or activations tells no work and is left out."""
    for row in rows:
        if not (row["infer_gmacs"] and row["infer_macts"] and row["infer_samples_per_sec"]):
            continue
        flops = 2e9 * _number(row["infer_gmacs"])
        activations = 1e6 * _number(row["infer_macts"])
        rate_per_s = _number(row["infer_samples_per_sec"])
        if not (flops > 0 and activations > 0 and rate_per_s > 0):
            continue
        batch = int(row["infer_batch_size"])
        weights = 1e6 * _number(row["param_count"])
        yield Measured(
            model=row["model"],
            kind=layer_kind(row["model"]),
            batch=batch,
            flops=flops,
            weights_bytes=weights / batch * run.bytes_per_element,
            activation_bytes=2 * activations * run.bytes_per_element,
            activations=activations,
            sample_s=1 / rate_per_s,
        )


def _number(text: str) -> float:
    return float(text.replace(",", ""))
