"""Generate, for one wire type, the function that turns a sample into XCDR1 little-endian bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from hedgerow_idl import runtime
from hedgerow_idl.errors import CodecError
from hedgerow_idl.fields import Enumeration, Kind, Primitive, Sequence, Struct, Text
from hedgerow_idl.layout import ALIGNED, HEADER, HEADER_SIZE, START, UNKNOWN, Cursor
from hedgerow_idl.misfit import first_misfit
from hedgerow_idl.source import FixedRun, Source

_CONSTANTS = {
    "B": runtime.BOOL_TO_BYTE,
    "ERRORS": runtime.ERRORS,
    "Z": runtime.ZEROS,
    "floats4": runtime.float_packer(4),
    "floats8": runtime.float_packer(8),
    "join": b"".join,
    "octets": runtime.octets,
    "pack": struct.pack,
    "refuse_member": runtime.refuse_member,
    "refuse_text": runtime.refuse_text,
}


def encoder_of(tree: Struct) -> Callable[[Any], bytes]:
    """Compile the encoder of a type; it raises CodecError naming the field whose value does not fit."""

    def fail(sample: Any, error: Exception) -> CodecError:
        return CodecError(f"{tree.name}: {first_misfit(tree, sample) or error}")

    source = Source({**_CONSTANTS, "fail": fail})
    encoder = _Encoder(source)
    encoder.kind(tree, "o")
    encoder.finish()
    return source.compile("encode", "o", ["except ERRORS as error:", "    raise fail(o, error) from error"], tree.name)


class _Encoder:
    """Walks a tree once and writes the source.

    In the generated code `p` is the position, counted from the end of the header, once it is not known beforehand
    (`static`); `pieces` are the expressions whose bytes follow each other, `P` those gathered before a loop.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.run = FixedRun()
        self.cursor = START
        self.static: int | None = 0
        self.pieces: list[str] = []
        self.has_gathered = False

    def kind(self, kind: Kind, value: str) -> None:
        """Write one value, given as an expression."""
        match kind:
            case Primitive(is_bool=True):
                self.run.add("B", f"B[{value}]")
            case Primitive():
                self.run.add(kind.code, value)
            case Enumeration():
                self.run.add("i", self.enum(kind, value))
            case Text():
                self.text(value)
            case Sequence():
                self.sequence(kind.element, value)
            case Struct():
                owner = self.source.name("o")
                self.source.add(f"{owner} = {value}")
                for field in kind.fields:
                    self.kind(field.kind, f"{owner}.{field.name}")

    def enum(self, kind: Enumeration, value: str) -> str:
        known = self.source.constant("E", kind.type)
        return f"(e._value_ if (e := {value}).__class__ is {known} else refuse_member(e))"

    def text(self, value: str) -> None:
        text, size = self.source.name("s"), self.source.name("n")
        self.source.add(f"{text} = {value}.encode(); {size} = len({text})")
        self.source.add(f"if 0 in {text}: refuse_text()")
        self.run.add("I", f"{size} + 1")
        self.flush()
        self.blob(text, size, UNKNOWN)
        self.run.end_text()

    def sequence(self, element: Kind, value: str) -> None:
        items, count = self.source.name("v"), self.source.name("n")
        match element:
            case Primitive(code="B"):
                self.source.add(f"{items} = octets({value}); {count} = len({items})")
                data = items
            case Primitive(is_float=True):
                self.source.add(f"{items} = floats{element.size}({value}); {count} = len({items}) // {element.size}")
                data = items
            case _:
                self.source.add(f"{items} = {value}; {count} = len({items})")
                data = self.listed(element, items, count)
        self.run.add("I", count)
        self.flush()
        if isinstance(element, Primitive | Enumeration):
            self.array(data, count, element.size)
        else:
            self.loop(element, items)

    def listed(self, element: Kind, items: str, count: str) -> str:
        match element:
            case Primitive(is_bool=True):
                return f"bytes([B[x] for x in {items}])"
            case Primitive():
                return f"pack('<%d{element.code}' % {count}, *{items})"
            case Enumeration():
                return f"pack('<%di' % {count}, *[{self.enum(element, 'x')} for x in {items}])"
            case _:
                return ""

    def array(self, data: str, count: str, width: int) -> None:
        """Write the elements of a sequence of numbers; those of 8 bytes are aligned where there are any."""
        size = f"{width} * {count}"
        if width == 8:
            gap = self.source.name("g")
            position = "p" if self.static is None else self.static
            self.source.add(f"{gap} = -{position} & 7 if {count} else 0")
            self.pieces.append(f"Z[{gap}]")
            size = f"{gap} + {size}"
        self.blob(data, size, ALIGNED[min(width, 4)])

    def loop(self, element: Kind, items: str) -> None:
        self.gather()
        if isinstance(element, Text):
            self.source.add(f"if {items}.__class__ is str: refuse_text()")
        if self.static is not None:
            self.source.add(f"p = {self.static}")
        self.static, self.cursor = None, UNKNOWN
        item = self.source.name("x")
        self.source.add(f"for {item} in {items}:")
        self.source.indent()
        self.kind(element, item)
        self.flush()
        self.gather()
        self.source.dedent()
        self.cursor = UNKNOWN

    def blob(self, data: str, size: str, after: Cursor) -> None:
        """Write bytes whose number is known at run time only."""
        self.pieces.append(data)
        self.source.add(f"p += {size}" if self.static is None else f"p = {self.static} + {size}")
        self.static, self.cursor = None, after

    def flush(self) -> None:
        """Write the fixed-size values that wait."""
        if not self.run.codes:
            return
        is_bare = self.run.is_bare
        run, values = self.run.take()
        if is_bare:
            self.pieces.append(f"Z[{len(run.codes)}]")
            self.advance(len(run.codes))
        elif self.static is not None:
            layout = run.at(self.static)
            if self.static == 0:
                layout = struct.Struct("<I" + layout.format[1:])
                values.insert(0, str(HEADER))
            self.pieces.append(f"{self.source.constant('S', layout.pack)}({', '.join(values)})")
            self.advance(layout.size - (HEADER_SIZE if self.static == 0 else 0))
        else:
            pack, size = self.source.layouts(run, self.cursor, "pack", 0)
            piece = self.source.name("r")
            self.source.add(f"{piece} = {pack}({', '.join(values)}); p += {size}")
            self.pieces.append(piece)
            self.cursor = run.end(self.cursor)

    def advance(self, size: int) -> None:
        if self.static is None:
            self.source.add(f"p += {size}")
        else:
            self.static += size
        self.cursor = self.cursor.moved(size)

    def gather(self) -> None:
        """Move the pieces to the list `P`."""
        if self.pieces:
            self.source.add(f"P {'+=' if self.has_gathered else '='} [{', '.join(self.pieces)}]")
            self.pieces.clear()
            self.has_gathered = True

    def finish(self) -> None:
        """Write what is left, and zeros up to a multiple of 4: `ddspy_write` refuses other lengths."""
        self.flush()
        self.pieces.append("Z[-p & 3]" if self.static is None else f"Z[{-self.static % 4}]")
        if self.has_gathered:
            self.gather()
            self.source.add("return join(P)")
        else:
            self.source.add(f"return join(({', '.join(self.pieces)},))")
