"""Which handlers there are: the shipped ones, those of installed packages, and those of modules that a worker names."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import ModuleType

from hedgerow_idl.plan import HandlerDescription
from hedgerow_nodes.serve.handler import HandlerType, declared

SHIPPED = "hedgerow_nodes.handlers"
OWN = "hedgerow_nodes.serve.asking"
GROUP = "hedgerow.handlers"
"""The entry-point group; each entry names a module."""


def handler_modules(modules: Iterable[str] = ()) -> list[str]:
    """The names of all modules with handlers; `modules` are those of the worker's configuration."""
    names = [OWN]
    if find_spec(SHIPPED) is not None:
        package = importlib.import_module(SHIPPED)
        names += sorted(f"{SHIPPED}.{found.name}" for found in pkgutil.iter_modules(package.__path__))
    names += sorted(entry.value for entry in entry_points(group=GROUP))
    return list(dict.fromkeys([*names, *modules]))


def load(modules: Iterable[str]) -> tuple[dict[str, HandlerType], dict[str, str]]:
    """Import modules: their handlers by name, and of each module that cannot be imported, or repeats a name, why.

    A module that lacks a library takes away its own handlers only; of two handlers of one name the first counts.
    """
    types: dict[str, HandlerType] = {}
    failures: dict[str, str] = {}
    for name in modules:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever a module of others raises on import
            failures[name] = f"{type(error).__name__}: {error}"
            continue
        for found in handlers_of(module):
            before = types.setdefault(found.name, found)
            if before is not found:
                failures[name] = f"handler {found.name} is in {before.made.__module__} already; rename one"
    return types, failures


def handlers_of(module: ModuleType) -> list[HandlerType]:
    """The handlers that a module declares itself, in the order of its text."""
    found = (declared(thing) for thing in vars(module).values())
    return [kind for kind in found if kind is not None and kind.made.__module__ == module.__name__]


def catalogue(modules: Iterable[str] = ()) -> list[HandlerDescription]:
    """What a worker with these modules can run, by name."""
    types, _failures = load(handler_modules(modules))
    return [types[name].describe() for name in sorted(types)]
