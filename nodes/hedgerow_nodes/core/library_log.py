"""What the DDS library logs, read from a pipe: samples that it refused are counted by topic, the rest is logged here.

The library checks each sample's encoding against the type and drops what does not fit; a line in its log is all that it
tells of that. A hundred thousand such samples would be as many lines, so only the first of a topic is passed on.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import threading
from collections import Counter
from contextlib import suppress
from functools import cache

from hedgerow_nodes.core import cyclone_library

_PIPE_BYTES = 1 << 20
_READ_BYTES = 1 << 16

_REFUSED = re.compile(rb"\[(\d+)\].*: deserialization (\S+)/[^/\s]+ failed")
_ONLY_A_HASH = b"keyhash is MD5"
"""A goodbye as Fast DDS 2 sends it first: nothing is wrong with it, but it names its instance by a hash only."""

_NO_PACKET = re.compile(rb"\[(\d+)\].*malformed packet received")
_ANY_TOPIC = ""

log = logging.getLogger("hedgerow.bus")


class LibraryLog:
    """Sorts the lines of the library's log; `stream` is the C stream on which they come."""

    def __init__(self, stream: int = 0) -> None:
        self.stream = stream
        self._counts: Counter[tuple[int, str]] = Counter()
        self._rest = b""

    def refused(self, domain: int, topic: str) -> int:
        """How many samples on a topic the library has refused in this process."""
        return self._counts[domain, topic]

    def feed(self, data: bytes) -> None:
        """Take in what was written to the log; a line may come in pieces."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._sort(line)

    def _sort(self, line: bytes) -> None:
        if _ONLY_A_HASH in line:
            log.debug("dds: %s", _text(line))
        elif refused := _REFUSED.search(line):
            self._count(line, int(refused[1]), refused[2].decode(errors="replace"))
        elif packet := _NO_PACKET.search(line):
            self._count(line, int(packet[1]), _ANY_TOPIC)
        elif line:
            log.warning("dds: %s", _text(line))

    def _count(self, line: bytes, domain: int, topic: str) -> None:
        self._counts[domain, topic] += 1
        if self._counts[domain, topic] == 1:
            what = f"malformed sample on {topic}" if topic else "datagram that is no RTPS packet"
            log.warning("bus: %s refused by the DDS library, more are only counted: %s", what, _text(line))


def _text(line: bytes) -> str:
    return line.decode(errors="replace").strip()


@cache
def library_log() -> LibraryLog:
    """The log of this process's domains, if they were made to log to its stream; read in a thread of its own."""
    read_end, write_end = os.pipe()
    with suppress(OSError):  # a smaller pipe only counts less of a flood
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    # The library writes while it holds locks: where nobody has read for long, lines are lost, and never waited for.
    os.set_blocking(write_end, False)
    sorter = LibraryLog(cyclone_library.open_stream(write_end))

    def read() -> None:
        while data := os.read(read_end, _READ_BYTES):
            sorter.feed(data)

    threading.Thread(target=read, name="library log", daemon=True).start()
    return sorter
