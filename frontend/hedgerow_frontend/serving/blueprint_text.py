"""Reads the blueprint that a person wrote into a form: TOML, or JSON where it begins with a brace."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec

from hedgerow_frontend.problem_details import field_error


def blueprint_of(text: str) -> dict[str, Any]:
    """The blueprint in a text.

    Raises:
        ApiError: 422 for the field `blueprint`: it is empty, or neither TOML nor JSON; the message says where.
    """
    if not text.strip():
        raise field_error("blueprint", "is empty; write one, or choose a file")
    try:
        if text.lstrip().startswith("{"):
            return msgspec.json.decode(text, type=dict[str, Any])
        found = tomllib.loads(text.replace("\r\n", "\n"))
        msgspec.json.encode(found)
    except tomllib.TOMLDecodeError as error:
        raise field_error("blueprint", f"is no TOML: {error}") from None
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise field_error("blueprint", f"is no JSON object: {error}") from None
    except RecursionError:
        raise field_error("blueprint", "is nested too deeply") from None
    return found
