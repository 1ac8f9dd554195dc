"""Reads a problem from a TOML or JSON file: the fields of the REST body, with the file's line in what is wrong."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hedgerow_launch.failures import USAGE, CommandFailure
from hedgerow_launch.problem_options import OPTIONS
from hedgerow_launch.rest_client import Refused, RestClient, home_folder
from hedgerow_launch.written_file import check_keys, line_of, parse, read_text

LOOP_KEYS = ("mode", "target", "target_value", "max_iterations", "allow_regions")
# What the options say of the loop is one field of the body.
_LOOP_OPTIONS = frozenset({"optimize", "target", "max_iterations", "candidates", "allow_regions"})
KEYS = ("text", *(option.field for option in OPTIONS if option.field not in _LOOP_OPTIONS), "optimization")
DATASET = "dataset:"

ProblemFileOption = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="A .toml or .json file with the fields of the REST body.")
]


@dataclass(frozen=True)
class ProblemFile:
    """A problem as it stands in a file.

    Attributes:
        path: the file.
        fields: the body's fields, with the values as they were written.
        content: the whole text of the file, to find lines in.
    """

    path: Path
    fields: dict[str, Any]
    content: str

    def line_of(self, key: str) -> int | None:
        """The first line on which a key is given a value, counted from 1; None where none is."""
        return line_of(self.content, key)

    def explained(self, detail: str) -> str:
        """A refusal by the front end with the file and the line of the first field that it names before it."""
        named = re.match(r"[A-Za-z_.]+", detail)
        line = self.line_of(named.group().rpartition(".")[2]) if named else None
        return f"{self.path}{f':{line}' if line else ''}: {detail}"


def read_problem_file(path: Path) -> ProblemFile:
    """The problem in a file that ends in .toml or .json.

    Raises:
        CommandFailure: it cannot be read, is no TOML or JSON, or holds a key that nobody knows.
    """
    content = read_text(path, "a problem")
    fields = parse(path, content)
    check_keys(path, content, fields, KEYS, "")
    loop = fields.get("optimization")
    if isinstance(loop, Mapping):
        check_keys(path, content, loop, LOOP_KEYS, "optimization.")
    text = fields.get("text")
    if isinstance(text, str):
        # A text of several lines is one sentence after another.
        fields["text"] = text.strip()
    return ProblemFile(path, fields, content)


def submit_file(client: RestClient, problem: ProblemFile, said: Mapping[str, Any]) -> Any:
    """Submit a problem's file; `said` are fields that count before those in it.

    Raises:
        Refused: with the file and the line of what the front end does not take.
    """
    placed = place_dataset(problem, home_folder())
    if placed is not None:
        typer.echo(f"data set {placed.name} copied to {placed.parent}", err=True)
    try:
        return client.post("problems", body={**problem.fields, **said})
    except Refused as error:
        raise Refused(problem.explained(str(error))) from error


def place_dataset(problem: ProblemFile, home: Path) -> Path | None:
    """Copy the data set that lies beside a problem's file to where the nodes read data sets from.

    Returns:
        Where it was put; None where there is nothing to do.

    Raises:
        CommandFailure: another data set of that name lies there already, or it cannot be copied.
    """
    inputs = problem.fields.get("inputs")
    entries = [entry for entry in inputs if isinstance(entry, str)] if isinstance(inputs, list) else []
    name = next((entry[len(DATASET) :].strip() for entry in entries if entry.startswith(DATASET)), "")
    beside = problem.path.parent / name
    if not name or Path(name).name != name or not beside.is_file():
        return None
    target = home / "datasets" / name
    try:
        if target.exists():
            if target.is_file() and target.read_bytes() == beside.read_bytes():
                return None
            raise CommandFailure(f"{target} is another data set than {beside}; rename one of them, or remove it", USAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(beside, target)
    except OSError as error:
        raise CommandFailure(f"{beside} cannot be copied to {target}: {error.strerror or error}") from error
    return target
