"""Write a file so that a reader sees the old one or the new one whole."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Replace the file; its folder must be there.

    Raises:
        OSError: it cannot be written; nothing half-written is left.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def place(folder: Path, path: str) -> Path:
    """The path that a parameter means: as it stands if it is absolute, else within the handler's folder.

    Raises:
        ValueError: a relative path leads out of the folder.
    """
    meant = Path(path).expanduser()
    if meant.is_absolute():
        return meant
    if ".." in meant.parts:
        raise ValueError(f"path {path!r} leads out of the handler's folder; give an absolute path")
    return folder / meant
