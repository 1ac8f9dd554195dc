"""Two network namespaces with a link between them, as two hosts with a cable."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def enter(name: str) -> None:
    """Move the calling thread, and those that it starts, into a network namespace.

    Raises:
        OSError: it may not, or there is none of that name.
    """
    _set_namespace(f"/run/netns/{name}")


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Be in a network namespace for a while: sockets made there stay there."""
    here = f"/proc/self/task/{_libc.gettid()}/ns/net"
    with open(here, "rb") as back:
        enter(name)
        try:
            yield
        finally:
            _set_namespace(f"/proc/self/fd/{back.fileno()}")


def _set_namespace(path: str) -> None:
    with open(path, "rb") as namespace:
        if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"network namespace {path} cannot be entered")


class Link:
    """A cable between two namespaces; `a` and `b` are their names, `address_a` and `address_b` their addresses."""

    def __init__(self, tag: str) -> None:
        self.a, self.b = f"hedgerow-{tag}-a", f"hedgerow-{tag}-b"
        self.address_a, self.address_b = "10.213.77.1", "10.213.77.2"

    def __enter__(self) -> Link:
        for name in (self.a, self.b):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", self.a, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.b)
        for name, address in ((self.a, self.address_a), (self.b, self.address_b)):
            _ip("-n", name, "address", "add", f"{address}/30", "dev", "cable")
            _ip("-n", name, "link", "set", "cable", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for name in (self.a, self.b):
            if Path(f"/run/netns/{name}").exists():
                _ip("netns", "delete", name)

    def cut(self) -> None:
        """Pull the cable out."""
        _ip("-n", self.b, "link", "set", "cable", "down")

    def restore(self) -> None:
        """Put it back."""
        _ip("-n", self.b, "link", "set", "cable", "up")

    def remove(self) -> None:
        """Take cable and addresses away for good."""
        _ip("-n", self.a, "link", "delete", "cable")


def tag_of_this_process() -> str:
    """Something that no other test run on this machine has."""
    return str(os.getpid())


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
