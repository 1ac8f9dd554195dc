"""Text from a data set as it may stand in a message: bounded, and without what no message can carry."""

from __future__ import annotations


def message_text(text: str, longest: int) -> str:
    """The text, cut at `longest` characters; zero bytes and halves of surrogate pairs are replaced."""
    whole = text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"
