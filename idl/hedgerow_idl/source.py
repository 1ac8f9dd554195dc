"""Collect the lines and constants of a generated function and compile it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from hedgerow_idl.layout import Cursor, Run


class Source:
    """The text of one function under construction: its lines, and the constants that it refers to by name."""

    def __init__(self, constants: dict[str, Any]) -> None:
        self._lines: list[str] = []
        self._depth = 2
        self._names = 0
        self._constants = dict(constants)

    def add(self, line: str) -> None:
        """Append a line at the present depth."""
        self._lines.append("    " * self._depth + line)

    def indent(self) -> None:
        """Begin a block."""
        self._depth += 1

    def dedent(self) -> None:
        """End a block."""
        self._depth -= 1

    def name(self, stem: str) -> str:
        """Return a variable name that is not in use."""
        self._names += 1
        return f"{stem}{self._names}"

    def constant(self, stem: str, value: Any) -> str:
        """Give a value a name and return it; the same object keeps its name."""
        for name, known in self._constants.items():
            if known is value:
                return name
        name = self.name(stem)
        self._constants[name] = value
        return name

    def layouts(self, run: Run, cursor: Cursor, method: str, origin: int) -> tuple[str, str]:
        """Name a run's `pack` or `unpack_from` and its size, for positions known at run time only.

        Where the layout depends on the position `p`, both are tables with one entry for each position modulo 8; the
        data begin at position `origin`.
        """
        if run.has_one_layout(cursor):
            layout = run.at(cursor.remainder)
            return self.constant("S", getattr(layout, method)), str(layout.size)
        calls, sizes = _tables(run, method, origin)
        return f"{self.constant('S', calls)}[p & 7]", f"{self.constant('N', sizes)}[p & 7]"

    def compile(self, name: str, argument: str, handler: list[str], label: str) -> Callable[[Any], Any]:
        """Compile the lines to the body of a function `name(argument)`; `handler` holds its except clauses."""
        head = [f"def {name}({argument}):", "    try:"]
        text = "\n".join([*head, *self._lines, *("    " + line for line in handler), ""])
        namespace = dict(self._constants)
        # The text holds checked identifiers, numbers and quoted literals only: `fields` refuses any other name.
        exec(compile(text, f"<{name} {label}>", "exec"), namespace)  # noqa: S102
        function: Callable[[Any], Any] = namespace[name]
        return function


@lru_cache(maxsize=4096)
def _tables(run: Run, method: str, origin: int) -> tuple[tuple[Callable[..., Any], ...], tuple[int, ...]]:
    layouts = [run.at((position - origin) % 8) for position in range(8)]
    return tuple(getattr(layout, method) for layout in layouts), tuple(layout.size for layout in layouts)


class FixedRun:
    """The fixed-size values that wait to be written or read together."""

    def __init__(self) -> None:
        self.codes = ""
        self._values: list[str] = []

    def add(self, code: str, value: str) -> None:
        """Append a value: an expression to write, or a variable to read into."""
        self.codes += code
        self._values.append(value)

    def end_text(self) -> None:
        """Append the zero byte that ends a string."""
        self.codes += "x"

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing but zero bytes."""
        return not self.codes.strip("x")

    def take(self) -> tuple[Run, list[str]]:
        """Return what has gathered, and begin anew."""
        taken = Run(self.codes), self._values
        self.codes, self._values = "", []
        return taken
