"""Reads a blueprint from a TOML or JSON file, and finds the line of what is wrong with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hedgerow_launch.failures import USAGE, CommandFailure
from hedgerow_launch.written_file import line_of, parse, read_text

_FIELD = re.compile(r"^(?P<list>\w+)\[(?P<index>\d+)\](?P<rest>[\w.\-\[\]/]*)")


@dataclass(frozen=True)
class BlueprintFile:
    """A blueprint as it stands in a file, with the file's whole text to find lines in."""

    path: Path
    fields: dict[str, Any]
    content: str

    def line_of_field(self, field: str) -> int | None:
        """The line of a field such as `handlers[1].parameters.width`, counted from 1; None where it is not found."""
        found = _FIELD.match(field)
        if found is None:
            key = field.split(".")[-1]
            return line_of(self.content, key) if re.fullmatch(r"\w+", key) else None
        begin = self._table(found["list"], int(found["index"]))
        if begin is None:
            return None
        lines = self.content.splitlines()
        end = self._table(found["list"], int(found["index"]) + 1) or len(lines) + 1
        key = found["rest"].rpartition(".")[2].partition("[")[0]
        within = line_of("\n".join(lines[begin - 1 : end - 1]), key) if key else None
        return begin if within is None else begin + within - 1

    def explained(self, detail: str) -> str:
        """A refusal by the front end with the file and the line of the field that it names before it."""
        line = self.line_of_field(detail.partition(":")[0].removeprefix("blueprint."))
        return f"{self.path}{f':{line}' if line else ''}: {detail}"

    def _table(self, name: str, index: int) -> int | None:
        """The line on which a TOML list's table begins."""
        head = re.compile(rf"^\s*\[\[\s*{re.escape(name)}\s*\]\]")
        begins = [number for number, line in enumerate(self.content.splitlines(), 1) if head.match(line)]
        return begins[index] if index < len(begins) else None


def read_blueprint(path: Path) -> BlueprintFile:
    """The blueprint in a file that ends in .toml or .json.

    A network's `model` that begins with `./` lies beside the file; nothing else is looked into: that is for whoever
    deploys it.

    Raises:
        CommandFailure: it cannot be read, is no TOML or JSON, or holds what JSON has no word for.
    """
    content = read_text(path, "a blueprint")
    fields = parse(path, content)
    try:
        json.dumps(fields, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CommandFailure(
            f"{path}: holds a date, an inf or a nan: {error}; write a text or a number", USAGE
        ) from None
    networks = fields.get("networks")
    for network in networks if isinstance(networks, list) else ():
        model = network.get("model") if isinstance(network, dict) else None
        if isinstance(model, str) and model.startswith("./"):
            network["model"] = str((path.parent / model).resolve())
    return BlueprintFile(path, fields, content)
