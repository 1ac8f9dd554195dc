"""A probe of the control plane in a container: exit code 0 if orchestrator, store and front end can take services.

`/readyz` says whether problems would be answered, which needs the seven advice nodes too; a control plane that only
serves has none of them, so their absence does not count here. Standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

ADVICE_NODE = "node "
NEEDED = ("orchestrator", "store", "frontend")
TIMEOUT_S = 4.0


def trouble(report: Any) -> list[str]:
    """What keeps the control plane from serving, by the body of `/readyz`; empty where nothing does."""
    components = report.get("components") if isinstance(report, dict) else None
    if not isinstance(components, list):
        return [f"/readyz answered {report!r}; is it Hedgerow that listens there?"]
    counted = [one for one in components if not str(one["name"]).startswith(ADVICE_NODE)]
    names = {one["name"] for one in counted}
    failing = [f"{one['name']}: {one['detail']}" for one in counted if not one["ok"]]
    return failing + [f"{name}: not reported" for name in NEEDED if name not in names]


def ask(url: str) -> Any:
    """The body of `/readyz`, which comes with 200 or with 503.

    Raises:
        OSError: nobody answers.
        ValueError: the answer is no JSON.
    """
    # The front end is on this very host, whatever proxy is set for the outside world.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def main() -> int:
    """Ask, say what is wrong, and give the exit code."""
    url = f"http://127.0.0.1:{os.environ.get('HEDGEROW_PORT') or '5001'}/readyz"
    try:
        found = trouble(ask(url))
    except (OSError, ValueError) as error:
        found = [f"{url}: {error}"]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
