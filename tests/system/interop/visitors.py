"""Write the C++ that fills and prints every wire type, field by field, from the tree of its field kinds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from hedgerow_idl.fields import Enumeration, Field, Kind, Primitive, Sequence, Struct, Text, types_in
from hedgerow_idl.reflection import tree_of
from hedgerow_idl.topics import TOPICS

HEAD = """// Made by visitors.py.
#pragma once
#include "peer.hpp"
#include "advicePubSubTypes.h"
#include "bulkPubSubTypes.h"
#include "commonPubSubTypes.h"
#include "controlPubSubTypes.h"
#include "servePubSubTypes.h"
#include "telemetryPubSubTypes.h"
"""


def header_text() -> str:
    """Return the whole header: `fill` and `dump` for every struct, `for_each_topic` over the topic table."""
    structs = {
        kind.name: kind for topic in TOPICS for kind in types_in(tree_of(topic.type)) if isinstance(kind, Struct)
    }
    lines = [HEAD]
    for struct in structs.values():
        lines += [*_function(struct, "fill", "Counter& n", ""), *_function(struct, "dump", "const Path& at", "const ")]
    lines += ["template <typename Visitor> void for_each_topic(Visitor&& visit) {"]
    for topic in TOPICS:
        name = _cpp(tree_of(topic.type))
        has_key = str(any(field.is_key for field in tree_of(topic.type).fields)).lower()
        lines += [f'    visit.template operator()<{name}, {name}PubSubType>("{topic.name}", {has_key});']
    return "\n".join([*lines, "}", ""])


def _function(struct: Struct, name: str, parameter: str, qualifier: str) -> Iterator[str]:
    yield f"inline void {name}({parameter}, {qualifier}{_cpp(struct)}& s) {{"
    for field in struct.fields:
        yield f"    {_fill(field) if name == 'fill' else _dump(field)}"
    yield "}"


def _fill(field: Field) -> str:
    member = f"s.{field.name}()"
    match field.kind:
        case Enumeration():
            return f"s.{field.name}(static_cast<{_cpp(field.kind)}>(n.enumerator({len(field.kind.members)})));"
        case Text():
            return f's.{field.name}(n.text("{field.name}"));'
        case Primitive():
            return f"s.{field.name}(n.number<std::decay_t<decltype({member})>>());"
        case Struct():
            return f"fill(n, {member});"
        case Sequence(element=Struct()):
            return f"{member}.resize(2); for (auto& element : {member}) fill(n, element);"
        case Sequence(element=Text()):
            return f'{member}.resize(2); for (auto& element : {member}) element = n.text("{field.name}");'
        case Sequence(element=Primitive()):
            return f"{member}.resize(2); for (auto& element : {member}) n.assign(element);"
        case _:
            raise TypeError(f"{field.name}: the peer has no way to fill {field.kind}; add one here")


def _dump(field: Field) -> str:
    place = f'at / "{field.name}", s.{field.name}()'
    if not isinstance(field.kind, Sequence):
        return f"{_dumper(field.kind)}({place});"
    each = f"[](const Path& place, const auto& value) {{ {_dumper(field.kind.element)}(place, value); }}"
    return f"dump_all({place}, {each});"


def _dumper(kind: Kind) -> str:
    return "dump" if isinstance(kind, Struct) else "dump_leaf"


def _cpp(kind: Struct | Enumeration) -> str:
    return kind.name.replace(".", "::")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(header_text(), encoding="utf-8")
