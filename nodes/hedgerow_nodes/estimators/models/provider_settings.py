"""What an operator may set of the node that chooses models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec


@dataclass
class Settings:
    """The configuration of `ml_model_provider`.

    Attributes:
        threads: of calibration and runs. One is what can be repeated on a busy host, and what a small device gives.
        time_budget_s: for the timed runs of one model, loading not counted.
        execution_timeout_s: for a whole execution; a model that needs longer is estimated instead.
        max_executed_bytes: weights above this are not executed but estimated.
        allowed_folders: where required models may be loaded from.
        allow_hub: whether weights of the catalogue's models may be fetched from the hub unasked; `hf:NAME` asks.
        hub_endpoint: address of the hub; empty is HF_ENDPOINT, or huggingface.co.
        hub_timeout_s: for what is asked of the hub before a choice, and again for the weights.
        hub_run_max_bytes: weights above this are not fetched from the hub to be run; 0 fetches none.
        candidates: how many different models of the whole catalogue the explanation suggests.
    """

    threads: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    time_budget_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    execution_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0
    max_executed_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1_500_000_000
    allowed_folders: tuple[str, ...] = ()
    allow_hub: bool = False
    hub_endpoint: str = ""
    hub_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 30.0
    hub_run_max_bytes: Annotated[int, msgspec.Meta(ge=0)] = 500_000_000
    candidates: Annotated[int, msgspec.Meta(ge=1, le=50)] = 3
