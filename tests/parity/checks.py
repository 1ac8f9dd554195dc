"""What is wrong with the node ids that a page names: not collected, not run, or past every public face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.parity.faces import FACES, faces_of
from tests.parity.page import Row


def files_of(rows: Iterable[Row]) -> frozenset[str]:
    """The files of the tests that the rows name."""
    return frozenset(test.split("::")[0] for row in rows for test in row.tests)


def faults(rows: Iterable[Row], collected: Mapping[str, str], root: Path) -> list[str]:
    """One sentence for each node id that shows nothing.

    Args:
        collected: node ids with the mark by which each is not run, as `collection.collect` tells them.
        root: the folder that node ids begin from.
    """
    return [
        f"{row.name}: {test} {fault}" for row in rows for test in row.tests if (fault := _fault(test, collected, root))
    ]


def named(test: str, node_id: str) -> bool:
    """Whether a node id of the page stands for a collected one."""
    return node_id == test or ("[" not in test and node_id.split("[")[0] == test)


def _fault(test: str, collected: Mapping[str, str], root: Path) -> str:
    marks = [mark for node_id, mark in collected.items() if named(test, node_id)]
    if not marks:
        return "is not collected by pytest"
    if mark := next(filter(None, marks), ""):
        return f"has the mark {mark}, so it may not run"
    if not faces_of(test, root):
        return f"goes through no public face; known: {', '.join(sorted(set(FACES.values())))}"
    return ""
