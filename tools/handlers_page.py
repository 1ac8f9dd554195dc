"""Write the tables of docs/handlers.md from the handlers themselves: ports, and parameters with defaults and ranges."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hedgerow_idl.plan import HandlerDescription
from hedgerow_nodes.serve import catalogue

PAGE = Path(__file__).resolve().parent.parent / "docs/handlers.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
ROLES = (("source", "Sources"), ("handler", "Handlers"), ("sink", "Sinks"))
LIMITS = (("minimum", "≥ {}"), ("exclusiveMinimum", "> {}"), ("maximum", "≤ {}"), ("exclusiveMaximum", "< {}"))


def main() -> None:
    """Write the tables, or print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put them into docs/handlers.md")
    found = tables(catalogue())
    if not parser.parse_args().write:
        print(found, end="")
        return
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + found + END + rest.partition(END)[2], encoding="utf-8")


def tables(handlers: list[HandlerDescription]) -> str:
    """A section for each role with a list of its handlers, and a table of parameters for each handler."""
    text = ""
    for role, title in ROLES:
        chosen = [one for one in handlers if one.role == role]
        text += f"## {title}\n\n| type | class | inputs | outputs | what it does |\n|---|---|---|---|---|\n"
        for one in chosen:
            ports = (_ports(one.inputs), _ports(one.outputs))
            text += f"| `{one.name}` | {_code(one.class_type)} | {' | '.join(ports)} | {_cell(one.description)} |\n"
        text += "\n"
        for one in chosen:
            text += _parameters(one)
    return text


def _parameters(one: HandlerDescription) -> str:
    described: Mapping[str, Any] = one.parameters.get("properties", {})
    if not described:
        return ""
    required = set(one.parameters.get("required", ()))
    text = f"### `{one.name}`\n\n| parameter | type | default | range | meaning |\n|---|---|---|---|---|\n"
    for name, stated in described.items():
        default = "must be given" if name in required else f"`{json.dumps(stated.get('default'), ensure_ascii=False)}`"
        cells = (f"`{name}`", _type(stated), default, _range(stated), _cell(stated.get("description", "")))
        text += f"| {' | '.join(cells)} |\n"
    return text + "\n"


def _type(stated: Mapping[str, Any]) -> str:
    if "enum" in stated:
        return " or ".join(f"`{value}`" for value in stated["enum"])
    if "anyOf" in stated:
        return " or ".join(_type(one) for one in stated["anyOf"])
    kind = str(stated.get("type", "any"))
    if kind == "array":
        return f"list of {_type(stated.get('items') or {})}"
    if kind == "object":
        return f"names with {_type(stated.get('additionalProperties') or {})}"
    return kind


def _range(stated: Mapping[str, Any]) -> str:
    limits = [text.format(stated[key]) for key, text in LIMITS if key in stated]
    for what, least, most in (("characters", "minLength", "maxLength"), ("items", "minItems", "maxItems")):
        limits += [f"≥ {stated[least]} {what}"] if stated.get(least) else []
        limits += [f"≤ {stated[most]} {what}"] if most in stated else []
    return ", ".join(limits)


def _ports(ports: Any) -> str:
    return ", ".join(f"`{port.name}`: {port.type}" for port in ports)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


if __name__ == "__main__":
    main()
