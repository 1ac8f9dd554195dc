"""Tells by its source which public faces of Hedgerow a test goes through."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FACES = {
    ("hedgerow_frontend", "create_app"): "REST and the pages",
    ("typer.testing", "CliRunner"): "the hedgerow command",
    ("user", "User"): "the hedgerow command",
    ("hedgerow_nodes.core.testing", "NodeHarness"): "the node test kit",
    ("hedgerow_nodes.core.testing", "LaunchedSystem"): "real processes",
    ("running", "System"): "real processes",
    ("up_system", "up_system"): "real processes",
    ("serving_system", "Serving"): "real processes",
    ("serving_system", "served"): "real processes",
    ("worker_system", "Workers"): "real processes",
    ("worker_world", "World"): "the topics of workers",
    ("tests.system.host_world", "HostWorld"): "the handler test kit",
    ("handler_bench", "made"): "a handler of the catalogue",
    ("hedgerow_nodes.serve.catalogue", "load"): "a handler of the catalogue",
    ("garden", "Garden"): "the topics of requests",
    ("hedgerow_nodes.core.cyclone_bus", "CycloneBus"): "the bus",
    ("tests.unit.deploy.deploy_files", "documents"): "deployment files",
    ("tests.unit.deploy.deploy_files", "dockerfile"): "deployment files",
    ("tests.unit.deploy.deploy_files", "command_lines"): "deployment files",
}
"""The closed list: where a name is imported from, the name, and the face that whoever calls it goes through."""

PLUGIN = Path("nodes/hedgerow_nodes/core/pytest_plugin.py")
"""Where the fixtures are that come with the package."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """What is at the top of a file: functions, methods as `Class.method`, and names with where they come from."""

    functions: dict[str, _Function]
    imported: dict[str, tuple[str, str]]


def faces_of(node_id: str, root: Path) -> frozenset[str]:
    """The faces that a test calls, itself, by its fixtures, or by functions of its own file.

    A name counts where it is called; to import it or to have it in an annotation is not enough. Fixtures are looked for
    in the test's file, in the conftest.py of its folder and of those above, and among those that come with the package.

    Args:
        node_id: of a test in a file below `root`, parameters left out or not.
        root: the folder that node ids begin from.
    """
    path, *names = node_id.split("[")[0].split("::")
    files = [root / path, *_conftests(root, (root / path).parent), root / PLUGIN]
    begin = (files[0], ".".join(names))
    seen, waiting, faces = {begin}, [begin], set[str]()
    while waiting:
        file, name = waiting.pop()
        source = _read(file)
        # Who calls a class of the file calls how it is made.
        function = source.functions.get(name) or source.functions.get(f"{name}.__init__")
        if function is None:
            continue
        origins = (source.imported.get(called, ("", "")) for called in _called(function))
        faces |= {FACES[origin] for origin in origins if origin in FACES}
        neighbours = [(file, called) for called in _called(function)]
        arguments = [argument.arg for argument in function.args.args]
        neighbours += [(found, each) for each in arguments if (found := _fixture_file(files, each)) is not None]
        for neighbour in neighbours:
            if neighbour not in seen:
                seen.add(neighbour)
                waiting.append(neighbour)
    return frozenset(faces)


def _conftests(root: Path, folder: Path) -> list[Path]:
    return [
        found for each in (folder, *folder.parents) if each.is_relative_to(root) and (found := each / "conftest.py")
    ]


def _fixture_file(files: list[Path], name: str) -> Path | None:
    for file in files:
        function = _read(file).functions.get(name)
        if function is not None and any("fixture" in ast.unparse(each) for each in function.decorator_list):
            return file
    return None


def _called(function: _Function) -> Iterator[str]:
    """What the body calls by its bare name; an argument is a value from elsewhere and does not count."""
    arguments = {argument.arg for argument in function.args.args}
    for node in (found for statement in function.body for found in ast.walk(statement)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in arguments:
            yield node.func.id


@cache
def _read(file: Path) -> Source:
    functions: dict[str, _Function] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body if file.is_file() else ():
        if isinstance(node, ast.ImportFrom):
            imported |= {one.asname or one.name: (node.module or "", one.name) for one in node.names}
        elif isinstance(node, _Function):
            functions[node.name] = node
        elif isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, _Function)]
            functions |= {f"{node.name}.{one.name}": one for one in methods}
    return Source(functions, imported)
