"""Download one file by http(s): bounded in time and size, tried again where the server may come back, checked."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO, Any

from hedgerow_nodes.partition.problems import ModelError, ModelUnreachable

_BLOCK_BYTES = 1 << 20
_TRIES = 3
_PAUSE_S = 0.5


def download(
    address: str, file: IO[bytes], wanted: str, timeout_s: float, most_bytes: int, sleep: Callable[[float], object]
) -> str:
    """Write what the address gives into an open file; the answer is its SHA-256.

    What a server refuses is not asked for again.

    Args:
        wanted: the SHA-256 that it must have; empty takes any.
        timeout_s: for all tries together.

    Raises:
        ModelUnreachable: the server is away, broke off or did not end in time.
        ModelError: refused, too large, or of another digest.
    """
    until = time.monotonic() + timeout_s
    for attempt in range(1, _TRIES + 1):
        file.seek(0)
        file.truncate()
        try:
            return _one_try(address, file, wanted, until, most_bytes)
        except ModelUnreachable:
            if attempt == _TRIES or time.monotonic() + _PAUSE_S >= until:
                raise
            sleep(_PAUSE_S * attempt)
    raise AssertionError("every try returns or raises")


def _one_try(address: str, file: IO[bytes], wanted: str, until: float, most_bytes: int) -> str:
    digest = hashlib.sha256()
    size = 0
    try:
        with _open(address, max(0.1, until - time.monotonic())) as response:
            stated = response.headers.get("Content-Length")
            _check_size(address, int(stated) if stated and stated.isdigit() else 0, most_bytes)
            while block := response.read1(_BLOCK_BYTES):
                if time.monotonic() > until:
                    raise ModelUnreachable(f"model {address!r} did not come in time: {size} bytes did")
                size += len(block)
                _check_size(address, size, most_bytes)
                digest.update(block)
                file.write(block)
    except urllib.error.HTTPError as error:
        kind = ModelUnreachable if error.code >= 500 or error.code in (408, 429) else ModelError
        error.close()
        raise kind(f"model {address!r} was refused: {error.code} {error.reason}") from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise ModelUnreachable(f"model {address!r} cannot be fetched: {reason}") from error
    except ValueError as error:
        raise ModelError(f"model {address!r} is no address: {error}") from error
    if stated and stated.isdigit() and size != int(stated):
        raise ModelUnreachable(f"model {address!r} broke off after {size} of {stated} bytes")
    found = digest.hexdigest()
    if wanted and found != wanted:
        raise ModelError(f"model {address!r} has SHA-256 {found} ({size} bytes), {wanted} was asked for")
    return found


def _check_size(address: str, size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise ModelError(f"model {address!r} has {size} bytes or more; up to {most_bytes} are fetched")


def _open(address: str, timeout_s: float) -> Any:
    """Only http and https, also where an answer points elsewhere: no file, no ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener.open(urllib.request.Request(address, headers={"User-Agent": "hedgerow"}), timeout=timeout_s)
