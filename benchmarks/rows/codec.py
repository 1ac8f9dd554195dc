"""Codec: encode and decode the 11-field message, beside the binding's own serialiser in the same process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from benchmarks.figures import Figure, fixed_at_least
from benchmarks.message import Reading, reading
from hedgerow_idl.codec import codec_of

TRIALS = 15
ROUNDS = 5_000
BINDING_ROUNDS = 600


def measure() -> list[Figure]:
    """Time both by turns, so that whatever slows the machine slows both."""
    codec = codec_of(Reading)
    ours = reading(7)
    # The binding is given, and gives back, a list: its own form of a sequence, and the fastest that it takes.
    theirs = reading(7)
    theirs.values = ours.values.tolist()
    encoded = codec.encode(ours)
    assert encoded == theirs.serialize(), "both must write the same bytes"
    assert codec.decode(encoded) == ours
    assert list(Reading.deserialize(encoded).values) == theirs.values
    ratios, costs = [], []
    for _ in range(TRIALS):
        encode_us = _each_us(lambda: codec.encode(ours), ROUNDS)
        decode_us = _each_us(lambda: codec.decode(encoded), ROUNDS)
        their_encode_us = _each_us(theirs.serialize, BINDING_ROUNDS)
        their_decode_us = _each_us(lambda: Reading.deserialize(encoded), BINDING_ROUNDS)
        costs.append((encode_us, decode_us, their_encode_us, their_decode_us))
        ratios.append((their_encode_us + their_decode_us) / (encode_us + decode_us))
    names = ("encode_us", "decode_us", "binding_encode_us", "binding_decode_us")
    details = {name: statistics.median(column) for name, column in zip(names, zip(*costs, strict=True), strict=True)}
    return [
        Figure(
            "codec",
            statistics.median(ratios),
            "x the binding",
            (fixed_at_least(8),),
            {**details, "message_bytes": len(encoded)},
            tuple(ratios),
        )
    ]


def _each_us(work: Callable[[], object], rounds: int) -> float:
    began = time.perf_counter_ns()
    for _ in range(rounds):
        work()
    return (time.perf_counter_ns() - began) / rounds / 1e3
