"""Build networks of torchvision and timm on the meta device, without weights, and count them."""

from __future__ import annotations

import csv
import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

# torchvision states the crop of its clips, and not of how many frames its operations are. With 16 all agree; the paper
# of Swin3D has 32, which would double our count of it.
CLIPS = ("r3d_18", "mc3_18", "r2plus1d_18", "mvit", "s3d", "swin3d")
FRAMES = 16
THROUGHPUT = "benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv"


@dataclass(frozen=True)
class Built:
    """Parameters, and FLOPs of one inference (2 x MAC); None where the size of its input is not known."""

    parameters: float
    flops: float | None


def count(model: Any, shape: tuple[int, ...] | None) -> Built:
    """Count a network that lies on the meta device."""
    parameters = float(sum(parameter.numel() for parameter in model.parameters()))
    if shape is None:
        return Built(parameters, None)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(torch.empty(shape, device="meta"))
    return Built(parameters, float(counter.get_total_flops()))


def _on_meta(make: Callable[[], Any]) -> Any:
    """Make a network without memory for its weights; one that looks at numbers as it is made is emptied afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device("meta"):
                return make()
        except NotImplementedError:
            return make().to("meta")


@cache
def torchvision_count(name: str, crop: tuple[int, ...]) -> Built:
    """A model of torchvision by its builder's name, at a square crop."""
    from torchvision.models import get_model, get_model_builder

    options: dict[str, Any] = {"weights": None}
    accepted = inspect.signature(get_model_builder(name)).parameters
    if "weights_backbone" in accepted:
        options["weights_backbone"] = None  # else it is downloaded
    if name in ("googlenet", "inception_v3"):
        # The parameters of heads that only training uses are published with the second and not with the first.
        options |= {"aux_logits": name == "inception_v3", "init_weights": False}
    if name.startswith(("deeplabv3", "fcn")):
        options["aux_loss"] = True  # published with it
    if name.startswith("vit_") and crop:
        options["image_size"] = crop[-1]
    model = _on_meta(lambda: get_model(name, **options))
    shape = None
    if crop:
        shape = (1, 3, *((FRAMES,) if name.startswith(CLIPS) else ()), crop[-1], crop[-1])
    return count(model, shape)


def timm_counts(folder: Path, every: int) -> Iterator[tuple[str, Built | None, float, float]]:
    """Name, our count (None where it cannot be built), and parameters and FLOPs as timm's results state them.

    Args:
        every: 1 takes all models, n every n-th of them by name.
    """
    import timm

    with (folder / THROUGHPUT).open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["model"])
    known: dict[tuple[str, int], Built | None] = {}
    for row in rows[::every]:
        if not (row["infer_gmacs"] and row["param_count"]):
            continue
        side = int(row["infer_img_size"])
        key = (row["model"].partition(".")[0], side)
        if key not in known:
            known[key] = _timm_count(timm, *key)
        parameters, macs = (float(row[name].replace(",", "")) for name in ("param_count", "infer_gmacs"))
        yield row["model"], known[key], 1e6 * parameters, 2e9 * macs


def _timm_count(timm: Any, name: str, side: int) -> Built | None:
    """None where this timm has no such model, or not at that size."""
    for options in ({}, {"img_size": side}):
        try:
            model = _on_meta(partial(timm.create_model, name, **options))
            return count(model, (1, 3, side, side))
        except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError):
            continue
    return None
