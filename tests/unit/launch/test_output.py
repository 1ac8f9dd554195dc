"""What the processes print, as a person sees it."""

from __future__ import annotations

import io

from hedgerow_launch.output import LINES_KEPT, Output


def test_names_stand_in_one_column() -> None:
    stream = io.StringIO()
    output = Output(stream, ["a", "carbon"])
    output.line("a", "one")
    output.line("carbon", "two")
    output.system("three")
    assert stream.getvalue() == "a      | one\ncarbon | two\nsystem: three\n"


def test_names_are_coloured_on_a_terminal_and_lines_are_not() -> None:
    stream = io.StringIO()
    output = Output(stream, ["a", "b"], colour=True)
    output.line("a", "one")
    output.line("b", "one")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("\033[0m one")
    assert first.split("m")[0] != second.split("m")[0]


def test_the_last_lines_are_kept_for_the_one_who_asks_why() -> None:
    output = Output(io.StringIO(), ["a"], quiet=True)
    for number in range(100):
        output.line("a", str(number))
    assert output.last_lines("a") == tuple(str(number) for number in range(100 - LINES_KEPT, 100))


def test_quiet_prints_only_what_the_system_says() -> None:
    stream = io.StringIO()
    output = Output(stream, ["a"], quiet=True)
    output.line("a", "one")
    output.system("two")
    assert stream.getvalue() == "system: two\n"


def test_a_reader_who_has_gone_stops_nobody() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    output = Output(Closed(), ["a"])
    output.line("a", "one")
    output.system("two")
    assert output.last_lines("a") == ("one",)
