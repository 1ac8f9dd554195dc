"""Run Python with files of its own where others have theirs: python with_files.py PLACE=FILE… -- ARGUMENTS…

The process stays the same, and only it and those that it starts see the files: it has a mount namespace of its own.
"""

import ctypes
import os
import sys

_CLONE_NEWNS = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


def put(file: str, place: str) -> None:
    """Have what opens the place get the file.

    Raises:
        OSError: it may not, or one of them is missing.
    """
    _check(_libc.mount(file.encode(), place.encode(), None, _MS_BIND, None), f"{file} cannot be put at {place}")


def leave_the_others() -> None:
    """Move this process into a mount namespace of its own, from which nothing spreads.

    Raises:
        OSError: it may not.
    """
    _check(_libc.unshare(_CLONE_NEWNS), "no mount namespace can be made")
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mounts cannot be kept to this process")


def _check(result: int, trouble: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), trouble)


if __name__ == "__main__":
    at = sys.argv.index("--")
    leave_the_others()
    for word in sys.argv[1:at]:
        put(word.partition("=")[2], word.partition("=")[0])
    os.execv(sys.executable, [sys.executable, *sys.argv[at + 1 :]])
