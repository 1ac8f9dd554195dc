"""Reads values out of what a person wrote in a file, and says of each that is none where it is and what would be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TINIEST, HUGEST = 1e-30, 1e30
"""Of numbers that are not 0: products of several stay within what a float can hold."""


class Mistake(Exception):
    """Something in the file that cannot be: the field, its value, and the way out."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class Fields:
    """One table of a file, of which every key has to be known.

    Args:
        given: what stands there.
        path: of the table in the file, such as `stages[1]`; empty for the whole file.
        known: the keys that there are.

    Raises:
        Mistake: it is no table, or has a key that nobody knows.
    """

    def __init__(self, given: Any, path: str, known: Sequence[str]) -> None:
        if not isinstance(given, Mapping):
            raise Mistake(path, f"{given!r} is no table; its keys may be {', '.join(known)}")
        self._given = given
        self._path = path
        for key in given:
            if key not in known:
                raise Mistake(self.at(key), f"{key!r} is unknown; known: {', '.join(known)}")

    def at(self, key: str) -> str:
        """The path of a key in the file."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._given

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; without a default the key has to be there."""
        value = self._value(key, default, "a text")
        if value == default:
            return str(value)
        if not isinstance(value, str) or not value.strip():
            raise Mistake(self.at(key), f"{value!r} is no text; give a name")
        return value

    def choice(self, key: str, known: Sequence[str], default: str) -> str:
        """One of the words that there are."""
        value = self._given.get(key, default)
        if value not in known:
            raise Mistake(self.at(key), f"{value!r} is unknown; known: {', '.join(known)}")
        return str(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._given.get(key, default)
        if not isinstance(value, bool):
            raise Mistake(self.at(key), f"{value!r} is neither true nor false")
        return value

    def number(
        self, key: str, default: float | None = None, *, above: float | None = None, least: float = 0.0, most: float = 0
    ) -> float:
        """A finite number of at least `least`, or above `above`; `most` is the greatest one if it is above 0."""
        value = self._value(key, default, "a number")
        if key not in self._given:
            return float(value)
        return self._number(self.at(key), value, above, least, most)

    def maybe(self, key: str, *, above: float | None = None, least: float = 0.0, most: float = 0) -> float | None:
        """The same; None where nothing is said."""
        return self.number(key, 0.0, above=above, least=least, most=most) if key in self._given else None

    def whole(self, key: str, default: int | None = None, *, least: int = 0) -> int | None:
        """A whole number of at least `least`."""
        if key not in self._given:
            return default
        value = self._given[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Mistake(self.at(key), f"{value!r} is no whole number of {least} or more; give one, or leave it out")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """A list of names; empty where nothing is said."""
        value = self._given.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Mistake(self.at(key), f'{value!r} is no list of names; write it as ["one", "another"]')
        return tuple(value)

    def numbers(self, key: str) -> dict[str, float]:
        """Numbers above 0 by name; empty where nothing is said."""
        value = self._given.get(key, {})
        if not isinstance(value, Mapping):
            raise Mistake(self.at(key), f"{value!r} is no table; write it as {{ name = 0.01 }}")
        return {name: self._number(f"{self.at(key)}.{name}", each, 0.0, 0.0, 0) for name, each in value.items()}

    def table(self, key: str, known: Sequence[str]) -> Fields:
        """The table under a key."""
        return Fields(self._given.get(key), self.at(key), known)

    def tables(self, key: str, known: Sequence[str]) -> list[Fields]:
        """The list of tables under a key; empty where nothing is said."""
        value = self._given.get(key, [])
        if not isinstance(value, list):
            raise Mistake(self.at(key), f"{value!r} is no list of tables; write each as [[{key}]]")
        return [Fields(each, f"{self.at(key)}[{at}]", known) for at, each in enumerate(value)]

    def is_text(self, key: str) -> bool:
        """Whether there is a text under the key, where a table may be too."""
        return isinstance(self._given.get(key), str)

    def _value(self, key: str, default: Any, what: str) -> Any:
        if key not in self._given and default is None:
            raise Mistake(self.at(key), f"is missing; give {what}")
        return self._given.get(key, default)

    @staticmethod
    def _number(path: str, value: Any, above: float | None, least: float, most: float) -> float:
        is_one = isinstance(value, int | float) and not isinstance(value, bool) and value == value
        if not is_one or (value <= above if above is not None else value < least) or (most > 0 and value > most):
            bounds = f"above {above:g}" if above is not None else f"of {least:g} or more"
            raise Mistake(path, f"{value!r} is no number {bounds}{f' and at most {most:g}' if most else ''}; give one")
        if value and not TINIEST <= abs(value) <= HUGEST:
            raise Mistake(
                path, f"{value!r} is not within {TINIEST:g} to {HUGEST:g}; give a figure that something can have"
            )
        return float(value)
