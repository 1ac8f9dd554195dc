"""How much of a problem's text is read: enough for any description, and little enough for a moment."""

from __future__ import annotations

LONGEST_CHARACTERS = 20_000
"""As much as the REST interface takes; more can only come over the bus."""


def first_part(text: str) -> tuple[str, str]:
    """The part of a text that is read, and a sentence that says so where that is not all."""
    if len(text) <= LONGEST_CHARACTERS:
        return text, ""
    said = f"Only the first {LONGEST_CHARACTERS} of the text's {len(text)} characters were read."
    return text[:LONGEST_CHARACTERS], said
