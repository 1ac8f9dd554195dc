"""Get a model by path, by http(s) address or as an upload, into a folder where files are named by their digests."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from hedgerow_nodes.partition.downloads import download
from hedgerow_nodes.partition.problems import ModelError

UPLOAD = "upload:"
MOST_BYTES = 4 * 2**30
_DIGEST = re.compile(r"[0-9a-f]{64}")


def stored_path(digest: str, folder: Path | str) -> Path:
    """Where a model of a digest lies."""
    return Path(folder) / f"{digest}.onnx"


def put(content: bytes, folder: Path | str, most_bytes: int = MOST_BYTES) -> str:
    """Keep an uploaded model; the answer is the reference by which `fetch` finds it.

    Raises:
        ModelError: empty, too large, or the folder cannot be written.
    """
    if not content:
        raise ModelError("the uploaded model is empty")
    if len(content) > most_bytes:
        raise ModelError(f"the uploaded model has {len(content)} bytes; up to {most_bytes} are taken")
    digest = hashlib.sha256(content).hexdigest()
    target = stored_path(digest, folder)
    if not target.is_file():
        with _writing(target.parent) as file:
            file.write(content)
            _keep(file, target)
    return f"{UPLOAD}{digest}"


def fetch(
    reference: str,
    folder: Path | str,
    sha256: str = "",
    timeout_s: float = 60.0,
    most_bytes: int = MOST_BYTES,
    sleep: Callable[[float], object] = time.sleep,
) -> Path:
    """The file of a model.

    A path is used where it lies. What an address gives is kept by its digest, so that with `sha256` it is fetched once;
    without one it is fetched anew, as it may have changed.

    Args:
        reference: a path, an address with http or https, or `upload:SHA256`.
        sha256: of the file; empty means that it is not known and not checked.
        timeout_s: for all tries together.

    Raises:
        ModelUnreachable: the server is away, broke off or did not end in time.
        ModelError: no such file, upload or address, another digest, or too large.
    """
    wanted = sha256.strip().lower()
    if wanted and not _DIGEST.fullmatch(wanted):
        raise ModelError(f"sha256 {sha256!r} is no SHA-256; it has 64 hexadecimal digits")
    if reference.startswith(UPLOAD):
        return _uploaded(reference, Path(folder), wanted)
    if reference.lower().startswith(("http://", "https://")):
        kept = stored_path(wanted, folder)
        if wanted and kept.is_file():
            return kept
        try:
            with _writing(Path(folder)) as file:
                kept = stored_path(download(reference, file, wanted, timeout_s, most_bytes, sleep), folder)
                _keep(file, kept)
        except OSError as error:
            raise ModelError(f"models cannot be kept in {str(folder)!r}: {error.strerror}") from error
        return kept
    if "://" in reference:
        raise ModelError(
            f"model {reference!r} has a scheme that is not known; known: a path, http, https, upload:SHA256"
        )
    path = Path(reference)
    if not path.is_file():
        raise ModelError(f"there is no model {reference!r}; give the path of a file on this machine, or an address")
    if wanted and (found := digest_of(path)) != wanted:
        raise ModelError(f"model {reference!r} has SHA-256 {found}, {wanted} was asked for")
    return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"model {str(path)!r} cannot be read: {error.strerror}") from error


def _uploaded(reference: str, folder: Path, wanted: str) -> Path:
    digest = reference.removeprefix(UPLOAD).lower()
    if not _DIGEST.fullmatch(digest):
        raise ModelError(f"model {reference!r} is no upload; it is called upload:SHA256, with 64 hexadecimal digits")
    if wanted and wanted != digest:
        raise ModelError(f"model {reference!r} cannot have SHA-256 {wanted}")
    path = stored_path(digest, folder)
    if not path.is_file():
        raise ModelError(f"no model {digest} was uploaded here; upload it, or give its address")
    return path


def _writing(folder: Path) -> Any:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(dir=folder, prefix="coming-")
    except OSError as error:
        raise ModelError(f"models cannot be kept in {str(folder)!r}: {error.strerror}") from error


def _keep(file: IO[bytes], target: Path) -> None:
    """Under its name only when it is whole: a second name for the file, whose first one goes when it is closed."""
    file.flush()
    os.fsync(file.fileno())
    try:
        os.link(file.name, target)
    except FileExistsError:
        return
