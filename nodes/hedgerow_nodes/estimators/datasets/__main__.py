"""`python -m hedgerow_nodes.estimators.datasets PATH [TEXT]` prints what a data set holds, as JSON and in words."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from hedgerow_nodes.estimators.datasets.analysis import analyse
from hedgerow_nodes.estimators.datasets.explanation import explain
from hedgerow_nodes.estimators.datasets.profile import DatasetUnreadable

USAGE = 2


def main(arguments: Sequence[str]) -> int:
    """Print the profile; 1 where there is none, 2 for wrong use."""
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return USAGE
    try:
        profile = analyse(Path(arguments[0]), arguments[1] if len(arguments) > 1 else "")
    except DatasetUnreadable as unreadable:
        print(unreadable, file=sys.stderr)
        return 1
    print(json.dumps(dataclasses.asdict(profile), indent=1, ensure_ascii=False))
    print(explain(profile))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
