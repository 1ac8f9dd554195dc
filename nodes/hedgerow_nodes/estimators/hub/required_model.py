"""Look a required model up on the hub, count what it would cost, and fetch its weights when they are to be run."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hedgerow_nodes.estimators.hub import safetensors_header
from hedgerow_nodes.estimators.hub.allowed_files import CONFIGURATION, INDEX, check_configuration, weights_among
from hedgerow_nodes.estimators.hub.counting import Counted, CountOrder
from hedgerow_nodes.estimators.hub.finding import Finding, disagreement, entry_of, precision_of
from hedgerow_nodes.estimators.hub.interface import (
    DownloadCancelled,
    FileRefused,
    Hub,
    HubBusy,
    HubFile,
    HubTimedOut,
)
from hedgerow_nodes.estimators.hub.names import HubName, parse
from hedgerow_nodes.estimators.hub.safetensors_header import Contents
from hedgerow_nodes.estimators.models.child_process import ChildFailed, ChildTimedOut

Cancelled = Callable[[], bool]
Count = Callable[[CountOrder, Cancelled], Counted]

MOST_CONFIGURATION_BYTES = 4_000_000
MOST_SHARDS = 200
# A header is mostly shorter, so that one request is enough.
_FIRST_BYTES = 1 << 16
_PATIENCE_S = 10.0


def look_up(hub: Hub, required: str, task: str, count: Count, cancelled: Cancelled, timeout_s: float) -> Finding:
    """Card, configuration, sizes by the headers of the weights, and a count; no weight is fetched.

    Args:
        required: `hf:OWNER/NAME[@REVISION]`.
        task: what is wanted of it, for the length of a generation where the card names no task.
        timeout_s: for all that the hub is asked; a count has its own time.

    Raises:
        HubError: unknown, not to be had, refused, or the hub is away.
    """
    name = parse(required)
    ask = _Patient(cancelled, timeout_s)
    card = ask(lambda: hub.card(name.model_id, name.revision))
    pinned = HubName(name.model_id, card.commit)
    files = ask(lambda: hub.files(*_of(pinned)))
    weights = weights_among(files)
    configuration = _configuration(hub, pinned, files, ask)
    if len(weights) > MOST_SHARDS:
        raise FileRefused(f"its weights lie in {len(weights)} files, up to {MOST_SHARDS} are looked at")
    contents = safetensors_header.together(_header(hub, pinned, file, ask) for file in weights)
    weights_bytes = sum(file.size_bytes or 0 for file in weights)
    order = CountOrder(configuration=configuration, task=card.model.task or task, precision=precision_of(contents))
    try:
        counted = count(order, cancelled)
    except (ChildFailed, ChildTimedOut) as error:
        counted = Counted(problem=str(error))
    problem = counted.problem or disagreement(counted, contents)
    entry = None if problem else entry_of(required, card, contents, counted, task)
    return Finding(required, pinned, card, contents, weights_bytes, entry, problem)


def fetch(hub: Hub, name: HubName, cancelled: Cancelled, timeout_s: float, progress: Callable[[float], None]) -> Path:
    """The folder with the checked configuration and weights; progress is a share of one.

    Raises:
        HubError: they did not come in time, or are refused.
    """
    ask = _Patient(cancelled, timeout_s)
    files = ask(lambda: hub.files(*_of(name)))
    weights = weights_among(files)
    total = sum(file.size_bytes or 0 for file in weights)
    wanted = [CONFIGURATION, *(file.name for file in weights)]
    if len(weights) > 1:
        wanted += [file.name for file in files if file.name == INDEX]
    done = 0
    folder = Path()
    for file in wanted:

        def came(have: int, size: int, before: int = done) -> None:
            progress(min(1.0, (before + have) / max(1, total)))

        path = ask(functools.partial(hub.download, *_of(name), file, ask.over, came))
        folder = path.parent
        if path.suffix == ".safetensors":
            safetensors_header.check_file(path)
            done += path.stat().st_size
    check_configuration(_json((folder / CONFIGURATION).read_bytes()))
    return folder


class _Patient:
    """Asks the hub within a time, and once more where it is busy and says that this will be over soon."""

    def __init__(self, cancelled: Cancelled, timeout_s: float) -> None:
        self._cancelled = cancelled
        self._timeout_s = timeout_s
        self._ends_s = time.monotonic() + timeout_s

    def __call__(self, call: Callable[[], Any]) -> Any:
        self.over()
        try:
            return call()
        except HubBusy as busy:
            wait_s = busy.retry_after_s
            if wait_s is None or wait_s > min(_PATIENCE_S, self._ends_s - time.monotonic()):
                raise
        again_s = time.monotonic() + wait_s
        while time.monotonic() < again_s:
            self.over()
            time.sleep(min(0.05, wait_s))
        return call()

    def over(self) -> bool:
        """Never true: raises when nobody wants it any more, or when the time is over."""
        if self._cancelled():
            raise DownloadCancelled("cancelled")
        if time.monotonic() > self._ends_s:
            raise HubTimedOut(f"the hub did not give everything within {self._timeout_s:g} s")
        return False


def _of(name: HubName) -> tuple[str, str]:
    return name.model_id, name.revision


def _configuration(hub: Hub, name: HubName, files: tuple[HubFile, ...], ask: _Patient) -> dict[str, Any]:
    """The checked configuration, fetched whole."""
    found = next((file for file in files if file.name == CONFIGURATION), None)
    if found is None:
        raise FileRefused(
            f"{name.model_id} has no {CONFIGURATION} at its top; a pipeline of several models is not built here"
        )
    if (found.size_bytes or 0) > MOST_CONFIGURATION_BYTES:
        raise FileRefused(f"{CONFIGURATION} has {found.size_bytes} bytes, up to {MOST_CONFIGURATION_BYTES} are read")
    path = ask(lambda: hub.download(*_of(name), CONFIGURATION, ask.over))
    return check_configuration(_json(path.read_bytes()))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"{CONFIGURATION} is no JSON that can be used") from error


def _header(hub: Hub, name: HubName, file: HubFile, ask: _Patient) -> Contents:
    """The checked header of one file, by a range request or two."""
    if file.size_bytes is None:
        raise FileRefused(f"the hub states no size of {file.name}")
    size = file.size_bytes
    begin = safetensors_header.LENGTH_BYTES
    beginning = ask(lambda: hub.first_bytes(*_of(name), file.name, min(_FIRST_BYTES, size)))
    end = begin + safetensors_header.header_bytes(beginning, size)
    if end > len(beginning):
        beginning = ask(lambda: hub.first_bytes(*_of(name), file.name, end))
    if len(beginning) < end:
        raise FileRefused(f"{file.name} ends within its header")
    return safetensors_header.read_header(beginning[begin:end], size)
