"""Write the wire types as .idl text, the contract that other languages compile: `python -m hedgerow_idl.export`."""

from __future__ import annotations

import argparse
import difflib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from cyclonedds.idl import IdlEnum, IdlStruct

from hedgerow_idl import advice, bulk, common, control, serve, telemetry
from hedgerow_idl.fields import Enumeration, Field, Kind, Primitive, Sequence, Struct, Text, types_in
from hedgerow_idl.reflection import tree_of

MODULES = (common, advice, control, bulk, serve, telemetry)
FOLDER = Path(__file__).resolve().parent.parent

_PRIMITIVES = {
    "bool": "boolean",
    "int8": "int8",
    "uint8": "uint8",
    "int16": "short",
    "uint16": "unsigned short",
    "int32": "long",
    "uint32": "unsigned long",
    "int64": "long long",
    "uint64": "unsigned long long",
    "float32": "float",
    "float64": "double",
}


def idl_texts() -> dict[str, str]:
    """Return the text of every .idl file, by file name."""
    return {f"{_stem(module)}.idl": _file(module) for module in MODULES}


def idl_kind(kind: Kind) -> str:
    """Return a field kind in IDL; types have their whole names, so that none meets a field's name."""
    match kind:
        case Primitive():
            return _PRIMITIVES[kind.name]
        case Text():
            return "string"
        case Sequence():
            return f"sequence<{idl_kind(kind.element)}>"
        case Enumeration() | Struct():
            return kind.name.replace(".", "::")


def _file(module: ModuleType) -> str:
    types: list[Any] = _types(module)
    guard = f"HEDGEROW_{_stem(module).upper()}_IDL"
    scopes = types[0].__idl_typename__.split(".")[:-1]
    lines = [
        f"// Made of {module.__name__} by `python -m hedgerow_idl.export --write`; a test compares the two.",
        f"// {inspect.getdoc(module)}",
        "// Fast DDS: `fastddsgen -cs`, for a field may bear its type's name in small letters.",
        "",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        *(f'#include "{name}"' for name in _includes(module, types)),
        "",
        *(f"module {scope} {{" for scope in scopes),
    ]
    for wire_type in types:
        lines += ["", *(_enum(wire_type) if issubclass(wire_type, IdlEnum) else _struct(wire_type))]
    lines += ["", *("};" for _ in scopes), "", "#endif"]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _types(module: ModuleType) -> list[type]:
    """Return the wire types that a module defines, in its order: each comes after those it is made of."""
    found = (value for value in vars(module).values() if isinstance(value, type))
    return [value for value in found if issubclass(value, IdlStruct | IdlEnum) and value.__module__ == module.__name__]


def _includes(module: ModuleType, types: list[type]) -> list[str]:
    used = {
        inner.type for wire_type in types if issubclass(wire_type, IdlStruct) for inner in types_in(tree_of(wire_type))
    }
    return [f"{_stem(other)}.idl" for other in MODULES if other is not module and used.intersection(_types(other))]


def _enum(enum: type[IdlEnum]) -> Iterator[str]:
    yield from _comment(enum)
    yield f"enum {enum.__name__} {{"
    members = list(enum)
    for at, member in enumerate(members):
        value = "" if member.value == at else f"@value({member.value}) "
        yield f"    {value}{member.name}{',' if member is not members[-1] else ''}"
    yield "};"


def _struct(wire_type: type[IdlStruct]) -> Iterator[str]:
    yield from _comment(wire_type)
    yield "@final"
    yield f"struct {wire_type.__name__} {{"
    yield from (f"    {_member(field)}" for field in tree_of(wire_type).fields)
    yield "};"


def _member(field: Field) -> str:
    return f"{'@key ' if field.is_key else ''}{idl_kind(field.kind)} {field.name};"


def _comment(wire_type: type) -> Iterator[str]:
    yield "/**"
    yield from (f" * {line}".rstrip() for line in (inspect.getdoc(wire_type) or "").splitlines())
    yield " */"


def _stem(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def main(arguments: list[str] | None = None) -> int:
    """Check or write the .idl files; return 1 where the check finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m hedgerow_idl.export", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="compare the files with the types; print the difference")
    action.add_argument("--write", action="store_true", help="write the files")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the .idl files are (default: %(default)s)")
    options = parser.parse_args(arguments)
    differences: list[str] = []
    for name, text in idl_texts().items():
        path = options.folder / name
        if options.write:
            path.write_text(text, encoding="utf-8")
            continue
        committed = path.read_text(encoding="utf-8") if path.exists() else ""
        lines = committed.splitlines(keepends=True), text.splitlines(keepends=True)
        differences += difflib.unified_diff(*lines, fromfile=str(path), tofile="the Python types")
    sys.stdout.writelines(differences)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
