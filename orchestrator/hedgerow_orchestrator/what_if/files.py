"""Reads a file of placement questions, TOML or JSON: one question, or a list of them under `problem`."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from hedgerow_orchestrator.what_if.fields import Fields, Mistake
from hedgerow_orchestrator.what_if.question import Question
from hedgerow_orchestrator.what_if.reading import question_of

MOST_BYTES = 32_000_000
LIST = "problem"


def read_file(path: Path) -> tuple[tuple[Question, ...], bool]:
    """The questions of a file, and whether it has a list of them.

    Raises:
        Mistake: it cannot be read, is no TOML or JSON, or says what cannot be.
    """
    given = _parsed(path)
    if not isinstance(given, dict):
        raise Mistake("", f"holds {_kind(given)}; write a table with nodes and stages, or a list under {LIST!r}")
    if LIST not in given:
        return (question_of(given, ""),), False
    tables = Fields(given, "", (LIST,))
    listed = given[LIST]
    if not isinstance(listed, list) or not listed:
        raise Mistake(tables.at(LIST), f"holds {_kind(listed)}; write each problem as [[{LIST}]]")
    return tuple(question_of(each, f"{LIST}[{at}]") for at, each in enumerate(listed)), True


def _parsed(path: Path) -> Any:
    kind = path.suffix.casefold()
    if kind not in (".toml", ".json"):
        raise Mistake("", "name the file .toml or .json, so that it is clear how it is to be read")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Mistake("", f"has more than {MOST_BYTES} bytes; ask in several files")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistake("", f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Mistake("", f"is no UTF-8 text: byte {error.start} is {error.object[error.start]:#x}") from error
    try:
        return tomllib.loads(text) if kind == ".toml" else json.loads(text, object_pairs_hook=_once)
    except tomllib.TOMLDecodeError as error:
        raise Mistake("", f"is no TOML: {_lower(str(error))}") from error
    except json.JSONDecodeError as error:
        raise Mistake("", f"is no JSON: {error.msg} (at line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise Mistake("", "is nested too deeply") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which a key stands once: TOML asks for the same by itself."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise Mistake(twice, "stands twice in one object; leave one out")
    return found


def _kind(value: Any) -> str:
    names = {dict: "a table", list: "an empty list" if value == [] else "a list", str: "a text", type(None): "nothing"}
    return names.get(type(value), "a number")


def _lower(text: str) -> str:
    return re.sub(r"^[A-Z](?=[a-z])", lambda found: found[0].lower(), text)
