"""Read the header of a safetensors file and check it, before anything maps the file into memory.

The format: eight bytes little-endian with the header's length, the header as JSON, then the tensors; each entry of the
header has dtype, shape and the two offsets of its bytes behind the header
(https://github.com/huggingface/safetensors, section "Format").
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hedgerow_nodes.estimators.hub.interface import FileRefused

LENGTH_BYTES = 8
MOST_HEADER_BYTES = 25_000_000
_MOST_NUMBERS = 2**48
_MOST_DIMENSIONS = 64
BITS: Mapping[str, int] = MappingProxyType(
    {"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16}
    | {"U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64}
)


@dataclass(frozen=True)
class Contents:
    """What the headers of a model's weights say: numbers by dtype (`F32`), tensors, and bytes of all of them."""

    numbers: Mapping[str, int]
    tensors: int
    size_bytes: int

    @property
    def parameters(self) -> int:
        """All numbers; those of buffers are among them, they are few."""
        return sum(self.numbers.values())

    @property
    def usual_dtype(self) -> str:
        """The one that most numbers have; empty where there are none."""
        return max(self.numbers, key=lambda dtype: (self.numbers[dtype], dtype), default="")


def header_bytes(beginning: bytes, file_bytes: int) -> int:
    """The length of the header by the first eight bytes of a file.

    Raises:
        FileRefused: too short, or a length that cannot be.
    """
    if len(beginning) < LENGTH_BYTES:
        raise FileRefused(f"the safetensors file is {len(beginning)} bytes long; its first 8 say its header's length")
    length = int.from_bytes(beginning[:LENGTH_BYTES], "little")
    if not 2 <= length <= min(MOST_HEADER_BYTES, file_bytes - LENGTH_BYTES):
        raise FileRefused(f"the safetensors header would have {length} bytes in a file of {file_bytes}")
    return length


def read_header(header: bytes, file_bytes: int) -> Contents:
    """Check a header against the size of its file: every tensor has its own bytes, and no byte is left over.

    Raises:
        FileRefused: malformed, an unknown dtype, a size that does not fit, an overlap, a gap, or bytes missing.
    """
    try:
        entries = json.loads(header.decode("utf-8"), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"the safetensors header is no JSON that can be used: {error}") from error
    if not isinstance(entries, dict):
        raise FileRefused("the safetensors header is no JSON object")
    spans: list[tuple[int, int, str]] = []
    numbers: Counter[str] = Counter()
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        dtype, count, begin, end = _tensor(name, entry)
        numbers[dtype] += count
        spans.append((begin, end, name))
    at = 0
    for begin, end, name in sorted(spans):
        if begin != at:
            what = "overlaps the one before it" if begin < at else "leaves a gap before it"
            raise FileRefused(f"tensor {name[:80]!r} of the safetensors file {what}")
        at = end
    expected = LENGTH_BYTES + len(header) + at
    if expected != file_bytes:
        raise FileRefused(f"the safetensors file has {file_bytes} bytes, by its header it has {expected}")
    return Contents(MappingProxyType(dict(numbers)), len(spans), at)


def check_file(path: Path) -> Contents:
    """Check a file on this host, with the safetensors library as well where it is installed.

    Raises:
        FileRefused: it is not what it should be.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        beginning = file.read(LENGTH_BYTES)
        contents = read_header(file.read(header_bytes(beginning, size)), size)
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        return contents
    try:
        with safe_open(path, framework="np"):
            return contents
    except (SafetensorError, OSError) as error:
        raise FileRefused(f"{path.name} is refused by the safetensors library: {error}") from error


def together(parts: Iterable[Contents]) -> Contents:
    """What several files hold."""
    numbers: Counter[str] = Counter()
    tensors = size_bytes = 0
    for part in parts:
        numbers.update(part.numbers)
        tensors += part.tensors
        size_bytes += part.size_bytes
    return Contents(MappingProxyType(dict(numbers)), tensors, size_bytes)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands in it twice")
    return made


def _tensor(name: str, entry: Any) -> tuple[str, int, int, int]:
    shown = name[:80]
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise FileRefused(f"tensor {shown!r} of the safetensors file has no dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise FileRefused(f"tensor {shown!r} has dtype {str(dtype)[:20]!r}; known: {', '.join(BITS)}")
    whole = _naturals(shape) and _naturals(offsets) and len(shape) <= _MOST_DIMENSIONS and len(offsets) == 2
    if not whole or offsets[0] > offsets[1]:
        raise FileRefused(f"tensor {shown!r} of the safetensors file has a shape or offsets that cannot be")
    count = math.prod(shape)
    if count > _MOST_NUMBERS or count * BITS[dtype] != 8 * (offsets[1] - offsets[0]):
        raise FileRefused(f"tensor {shown!r} has {offsets[1] - offsets[0]} bytes, its shape needs another number")
    return dtype, count, offsets[0], offsets[1]


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**63 for value in values)
