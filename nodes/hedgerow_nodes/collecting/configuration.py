"""The collector's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

MOST_REPORT_BYTES = 256 * 1024
"""Encoded as text they are a third more, and requests may have 512 KiB."""


@dataclass(frozen=True)
class CollectorConfiguration:
    """How rows are held and handed over.

    Attributes:
        held_bytes: how many bytes of rows are held while they cannot be stored; then the oldest are dropped, and
            counted. A row of a packet has some 170.
        report_bytes: how many bytes of rows one request carries at most.
        report_period_s: how often rows are handed over; what has piled up goes at once.
    """

    held_bytes: Annotated[int, Meta(ge=64 * 1024, le=2**33)] = 64 * 1024 * 1024
    report_bytes: Annotated[int, Meta(ge=4096, le=MOST_REPORT_BYTES)] = 128 * 1024
    report_period_s: Annotated[float, Meta(ge=0.05, le=60.0)] = 0.5
