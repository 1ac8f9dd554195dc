"""Generate, for one wire type, the function that turns XCDR1 little-endian bytes into a sample."""

from __future__ import annotations

import struct
from collections.abc import Callable
from struct import Struct as Layout
from typing import Any

import numpy as np

from hedgerow_idl import runtime
from hedgerow_idl.errors import CodecError
from hedgerow_idl.fields import Enumeration, Kind, Primitive, Sequence, Struct, Text
from hedgerow_idl.layout import ALIGNED, HEADER, HEADER_SIZE, START, UNKNOWN, aligned
from hedgerow_idl.source import FixedRun, Source

_CONSTANTS = {
    "B": runtime.BYTE_TO_BOOL,
    "ERRORS": runtime.ERRORS,
    "array": np.frombuffer,
    "float4": np.dtype("<f4"),
    "float8": np.dtype("<f8"),
    "new": object.__new__,
    "none4": runtime.no_floats(4),
    "none8": runtime.no_floats(8),
    "read_text": runtime.read_text,
    "refuse_count": runtime.refuse_count,
    "refuse_end": runtime.refuse_end,
    "unpack": struct.unpack_from,
}


_HEADER_BYTES = HEADER.to_bytes(HEADER_SIZE, "little")


def decoder_of(tree: Struct, foreign: Callable[[bytes], Any], *, is_key: bool = False) -> Callable[[bytes], Any]:
    """Compile the decoder of a type; it raises CodecError for whatever is not exactly one sample.

    Args:
        tree: the type, or with `is_key` only its key: the rest of the sample then has its defaults.
        foreign: called with data whose header is not that of XCDR1, little-endian.
    """

    def fail(data: bytes, error: Exception) -> CodecError:
        reason = str(error) if isinstance(error, CodecError) else f"{len(data)} bytes are no sample: {error!r}"
        return CodecError(f"{tree.name}: {reason}")

    def failed(data: bytes, error: Exception) -> Any:
        # What is too short for this layout may still be a whole sample in another encoding.
        if not isinstance(error, CodecError) and data[:HEADER_SIZE] != _HEADER_BYTES:
            try:
                return foreign(data)
            except runtime.ERRORS as foreign_error:
                error = foreign_error
        raise fail(data, error) from error

    source = Source({**_CONSTANTS, "failed": failed, "foreign": foreign})
    source.add("if b.__class__ is not bytes: b = bytes(b)")
    source.add("L = len(b)")
    decoder = _Decoder(source, is_key)
    decoder.finish(decoder.kind(tree, ""))
    return source.compile("decode", "b", ["except ERRORS as error:", "    return failed(b, error)"], tree.name)


class _Decoder:
    """Walks a tree once and writes the source.

    In the generated code `p` is the offset in the bytes, header included, once it is not known beforehand (`static`).
    A struct is made when everything around it has been read, by the lines in `makes`, for runs go across structs.
    """

    def __init__(self, source: Source, is_key: bool) -> None:
        self.source = source
        self.is_key = is_key
        self.run = FixedRun()
        self.cursor = START
        self.static: int | None = HEADER_SIZE
        self.is_header_read = False
        self.makes: list[str] = []

    def kind(self, kind: Kind, path: str) -> str:
        """Read one value and return the expression that gives it once the run it stands in has been read."""
        match kind:
            case Primitive():
                value = self.source.name("a")
                self.run.add("B" if kind.is_bool else kind.code, value)
                return f"B[{value}]" if kind.is_bool else value
            case Enumeration():
                value = self.source.name("a")
                self.run.add("i", value)
                return f"{self.members(kind)}[{value}]"
            case Text():
                return self.text(path)
            case Sequence():
                return self.sequence(kind.element, path)
            case Struct():
                return self.struct(kind, path)

    def members(self, kind: Enumeration) -> str:
        return self.source.constant("E", runtime.members_by_value(kind.type))

    def struct(self, tree: Struct, path: str) -> str:
        values = {field.name: self.kind(field.kind, f"{path}.{field.name}".lstrip(".")) for field in tree.fields}
        sample, maker = self.source.name("o"), self.source.constant("C", tree.type)
        if self.is_key or not runtime.may_skip_constructor(tree.type):
            self.makes.append(f"{sample} = {maker}({', '.join(f'{name}={value}' for name, value in values.items())})")
        else:
            self.makes.append(f"{sample} = new({maker})")
            self.makes += [f"{sample}.{name} = {value}" for name, value in values.items()]
        return sample

    def text(self, path: str) -> str:
        size, text = self.source.name("n"), self.source.name("s")
        self.run.add("I", size)
        self.flush()
        at = self.position
        # Ids, names and states come again and again: each field remembers the last few that it read.
        memory: dict[bytes, str] = {}
        known, seen = self.source.constant("T", memory), self.source.constant("t", memory.get)
        self.source.add(f"{text} = {seen}(b[{at}:{at} + {size}]) if {size} <= {runtime.KNOWN_TEXT_SIZE} else None")
        self.source.add(f"if {text} is None: {text} = read_text({known}, b, {at}, {size}, {path!r})")
        self.source.add(f"p = {at} + {size}" if self.static is not None else f"p += {size}")
        self.static, self.cursor = None, UNKNOWN
        return text

    def sequence(self, element: Kind, path: str) -> str:
        count, items = self.source.name("n"), self.source.name("v")
        self.run.add("I", count)
        self.flush()
        if self.static is not None:
            self.source.add(f"p = {self.static}")
            self.static = None
        self.source.add(f"if {count} > L: refuse_count({path!r}, {count})")
        match element:
            case Primitive(code="B"):
                self.array(items, f"b[p:p + {count}]", "b''", count, 1)
            case Primitive(is_float=True):
                size = element.size
                self.array(items, f"array(b, float{size}, {count}, p)", f"none{size}", count, size)
            case Primitive(is_bool=True):
                self.array(items, f"[B[x] for x in unpack('<%dB' % {count}, b, p)]", "[]", count, 1)
            case Primitive():
                self.array(items, f"list(unpack('<%d{element.code}' % {count}, b, p))", "[]", count, element.size)
            case Enumeration():
                member = f"{self.members(element)}[x]"
                self.array(items, f"[{member} for x in unpack('<%di' % {count}, b, p)]", "[]", count, element.size)
            case _:
                self.loop(element, items, count, path)
        return items

    def array(self, items: str, some: str, none: str, count: str, width: int) -> None:
        """Read the elements of a sequence of numbers; those of 8 bytes are aligned where there are any."""
        self.source.add(f"if {count}:")
        self.source.indent()
        if width == 8:
            self.source.add(f"p += {HEADER_SIZE} - p & 7")
        self.source.add(f"{items} = {some}; p += {width} * {count}")
        self.source.dedent()
        self.source.add(f"else: {items} = {none}")
        self.cursor = ALIGNED[min(width, 4)]

    def loop(self, element: Kind, items: str, count: str, path: str) -> None:
        self.cursor = UNKNOWN
        outer, self.makes = self.makes, []
        self.source.add(f"{items} = []")
        self.source.add(f"for _ in range({count}):")
        self.source.indent()
        item = self.kind(element, f"{path}[]")
        self.flush()
        self.make()
        self.source.add(f"{items}.append({item})")
        self.source.dedent()
        self.makes, self.cursor = outer, UNKNOWN

    @property
    def position(self) -> str:
        return "p" if self.static is None else str(self.static)

    def flush(self) -> None:
        """Read the fixed-size values that wait."""
        if not self.run.codes:
            return
        run, values = self.run.take()
        targets = ", ".join([*values, "= "])
        if not self.is_header_read:
            # The first values are read together with the header before them.
            layout = Layout("<I" + run.at(START.remainder).format[1:])
            self.source.add(f"h, {targets}{self.source.constant('S', layout.unpack_from)}(b, 0)")
            self.source.add(f"if h != {HEADER}: return foreign(b)")
            self.is_header_read = True
            self.advance(layout.size - HEADER_SIZE)
        elif self.static is not None:
            layout = run.at(self.static - HEADER_SIZE)
            self.source.add(f"{targets}{self.source.constant('S', layout.unpack_from)}(b, {self.static})")
            self.advance(layout.size)
        elif len(values) == 1:
            layout = Layout("<" + run.codes)
            if self.cursor.modulus < layout.size or self.cursor.remainder % layout.size:
                self.source.add(f"p = {aligned('p', layout.size)}")
            self.source.add(f"{targets}{self.source.constant('S', layout.unpack_from)}(b, p); p += {layout.size}")
            self.cursor = run.end(self.cursor)
        else:
            unpack, size = self.source.layouts(run, self.cursor, "unpack_from", HEADER_SIZE)
            self.source.add(f"{targets}{unpack}(b, p); p += {size}")
            self.cursor = run.end(self.cursor)

    def advance(self, size: int) -> None:
        if self.static is None:
            self.source.add(f"p += {size}")
        else:
            self.static += size
        self.cursor = self.cursor.moved(size)

    def make(self) -> None:
        """Make the structs whose values have been read."""
        for line in self.makes:
            self.source.add(line)
        self.makes = []

    def finish(self, sample: str) -> None:
        self.flush()
        if not self.is_header_read:
            self.source.add(f"if b[:{HEADER_SIZE}] != {_HEADER_BYTES!r}: return foreign(b)")
        self.make()
        self.source.add(f"if not 0 <= L - {self.position} < 4: refuse_end({self.position}, L)")
        self.source.add(f"return {sample}")
