"""A relay that holds every frame for a while: what netem does, where the kernel has none. Linux, root, a TAP device.

python -m benchmarks.delaying_relay PORT TAP DELAY_S
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from hedgerow_launch.scenes.shaped_network import MTU_BYTES

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
_SOL_PACKET, _PACKET_VNET_HDR = 263, 15
_ETH_P_ALL = 0x0003
_PACKET_OUTGOING = 4
FRAME_BYTES = 1 << 17
MOST_FRAMES = 4096
"""On their way in each direction; more are lost, as in a router."""

BUFFER_BYTES = 8 << 20


@contextlib.contextmanager
def delayed(ports: Sequence[str], bridge: str, delay_s: float) -> Iterator[None]:
    """Hold every frame through these ports of a bridge for a time, each way, until the block ends.

    Args:
        ports: of a `ShapedNetwork`, whose frames are large enough to be moved by a script.

    Raises:
        subprocess.CalledProcessError: `ip` could not change the ports.
    """
    relays = []
    try:
        for number, port in enumerate(ports, 1):
            tap = f"late{number}"
            _ip("tuntap", "add", tap, "mode", "tap", "vnet_hdr")
            _ip("link", "set", port, "nomaster", "promisc", "on")
            _ip("link", "set", tap, "mtu", str(MTU_BYTES), "master", bridge, "up")
            command = [sys.executable, "-m", "benchmarks.delaying_relay", port, tap, str(delay_s)]
            relays.append((subprocess.Popen(command), port, tap))
        yield
    finally:
        for relay, port, tap in relays:
            relay.terminate()
            relay.wait(5.0)
            _ip("link", "delete", tap)
            _ip("link", "set", port, "promisc", "off", "master", bridge)


def main(port: str, tap: str, delay_s: float) -> None:
    """Relay both ways until it is ended."""
    one, other = _open_port(port), _open_tap(tap)
    ways = {
        one.fileno(): _Way(lambda: _from_port(one), lambda frame: os.write(other, frame)),
        other: _Way(lambda: os.read(other, FRAME_BYTES), one.send),
    }
    while True:
        due_s = min((way.frames[0][0] for way in ways.values() if way.frames), default=None)
        timeout_s = None if due_s is None else max(0.0, due_s - time.monotonic())
        readable, _, _ = select.select(list(ways), [], [], timeout_s)
        for descriptor in readable:
            ways[descriptor].take(time.monotonic() + delay_s)
        for way in ways.values():
            way.give(time.monotonic())


class _Way:
    """One direction. All frames wait equally long, so that they stay in order."""

    def __init__(self, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
        self._read, self._write = read, write
        self.frames: deque[tuple[float, bytes]] = deque(maxlen=MOST_FRAMES)

    def take(self, due_s: float) -> None:
        frame = self._read()
        if frame:
            self.frames.append((due_s, frame))

    def give(self, now_s: float) -> None:
        while self.frames and self.frames[0][0] <= now_s:
            with contextlib.suppress(OSError):  # a full queue, or a host that has gone: the frame is lost
                self._write(self.frames.popleft()[1])


def _open_port(name: str) -> socket.socket:
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    # Frames between namespaces carry no checksums yet; the header in front of each says what is left to be done.
    port.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    port.bind((name, 0))
    return port


def _open_tap(name: str) -> int:
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH14x", name.encode(), _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR))
    return tap


def _from_port(port: socket.socket) -> bytes:
    frame, address = port.recvfrom(FRAME_BYTES)
    return b"" if address[2] == _PACKET_OUTGOING else frame


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
