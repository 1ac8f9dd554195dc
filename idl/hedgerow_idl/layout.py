"""Where CDR puts things: alignment, runs of fixed-size values, and the `struct` formats that read and write them."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

SIZES = {"x": 1, "?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "f": 4, "q": 8, "Q": 8, "d": 8}

# The encapsulation header of XCDR1, little-endian, read as a little-endian uint32; data begins after it.
HEADER = 0x00000100
HEADER_SIZE = 4


@dataclass(frozen=True)
class Cursor:
    """What is known of a position, counted from the end of the header: it is `remainder` modulo `modulus`."""

    modulus: int = 1
    remainder: int = 0

    def moved(self, size: int) -> Cursor:
        """The cursor `size` bytes further on."""
        return Cursor(self.modulus, (self.remainder + size) % self.modulus)

    def starts(self) -> list[int]:
        """Every position modulo 8 at which the cursor may stand."""
        return list(range(self.remainder, 8, self.modulus))


ALIGNED = {size: Cursor(size, 0) for size in (1, 2, 4, 8)}
START = ALIGNED[8]
UNKNOWN = ALIGNED[1]


@dataclass(frozen=True)
class Run:
    """Fixed-size values one after another, as `struct` letters; `x` is the zero byte that ends a string."""

    codes: str

    def at(self, start: int) -> Struct:
        """The format of the run at a position (modulo 8 from the end of the header), padding included."""
        position, text = start, "<"
        for code in self.codes:
            padding = -position % SIZES[code]
            text += "x" * padding + code
            position += padding + SIZES[code]
        return Struct(text)

    def has_one_layout(self, cursor: Cursor) -> bool:
        """Say whether every possible start gives the same format."""
        return len({self.at(start).format for start in cursor.starts()}) == 1

    def end(self, cursor: Cursor) -> Cursor:
        """What is known of the position after the run."""
        ends = {(start + self.at(start).size) % 8 for start in cursor.starts()}
        for modulus in (8, 4, 2):
            remainders = {end % modulus for end in ends}
            if len(remainders) == 1:
                return Cursor(modulus, remainders.pop())
        return UNKNOWN


def aligned(position: str, size: int) -> str:
    """The expression, counted from the beginning of the header, for the first place from a position on that is aligned.

    Args:
        position: the expression to begin from.
        size: of the value that is to stand there: 1, 2, 4 or 8 bytes.
    """
    # Alignment counts from the end of the header, whose 4 bytes are half an 8.
    origin = HEADER_SIZE % size
    place = f"{position} + {size - 1 - origin} & {-size}"
    return f"({place}) + {origin}" if origin else place
