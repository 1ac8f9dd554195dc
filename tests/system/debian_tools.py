"""Debian's tools that a system test may need: absent ones are a reason to skip, except in CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def need(package: str, *, command: str = "", file: Path | None = None) -> None:
    """Skip the test, or fail it in CI, if what the Debian package holds is not there."""
    if (not command or shutil.which(command)) and (file is None or file.exists()):
        return
    lacking(f"{command or file} is missing; on Debian: apt-get install {package}")


def lacking(reason: str) -> NoReturn:
    """Skip the test, or fail it in CI."""
    if os.environ.get("HEDGEROW_CI") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
