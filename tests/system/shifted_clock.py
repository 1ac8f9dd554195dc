"""A wall clock that is off for the processes that are told to read it, while their monotonic clock stays as it is."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from debian_tools import need

SOURCE = Path(__file__).parent / "wall_clock" / "shift.c"
HOUR_S = 3600


def shift_variables(folder: Path, clock: Path) -> dict[str, str]:
    """What a process needs in its environment to read its wall clock through a file; the library goes to a folder."""
    need("gcc", command="cc")
    library = folder / "shift.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True)
    return {"LD_PRELOAD": str(library), "SHIFT_FILE": str(clock)}


def new_clock(folder: Path) -> Path:
    """The file that says by how much the wall clock is off; by nothing yet."""
    file = folder / "clock"
    file.write_bytes(bytes(8))
    return file


def set_clock(clock: Path, off_s: int) -> None:
    """Set the wall clock of all that read it through a file, all at the same moment."""
    with clock.open("r+b") as file:
        file.write(struct.pack("=q", off_s * 10**9))
