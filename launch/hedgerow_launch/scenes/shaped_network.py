"""Hosts that are none: network namespaces on one bridge, with links as slow as `tc` makes them. Needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

SUBNET = "10.213.78"
HUB_ADDRESS = f"{SUBNET}.1"
BURST_BYTES = 131_072
MTU_BYTES = 61_440
"""A rate is as well kept with large frames, and each frame is work for the processors that the hosts share here: with
frames of 1,500 bytes stages were seen to take a third longer than with such of 32 KiB, and with those a few per cent
longer than with these, for the kernel's work counts as theirs. Two of these fit into the bucket."""


class NoShapedNetwork(Exception):
    """Namespaces cannot be made here; the message says what is missing."""


def in_namespace(namespace: str, *arguments: str) -> list[str]:
    """A command line that runs something in a network namespace; the process keeps its pid."""
    return ["nsenter", f"--net=/run/netns/{namespace}", *arguments]


class ShapedNetwork:
    """A hub with a bridge, and hosts around it; taken away, with what still runs in it cut off, on leaving.

    Args:
        hosts: how many.
        rate_bit_per_s: of each host's sending and receiving (`tc tbf`).
        tag: tells the namespaces of several networks apart.

    Raises:
        NoShapedNetwork: this needs root, and `ip` and `tc` of iproute2.
    """

    def __init__(self, hosts: int, rate_bit_per_s: float, tag: str = "") -> None:
        self._tag = tag or str(os.getpid())
        self.hub = f"hedgerow-{self._tag}-hub"
        self.hosts = tuple(f"hedgerow-{self._tag}-{number}" for number in range(1, hosts + 1))
        self.addresses = tuple(f"{SUBNET}.{number + 1}" for number in range(1, hosts + 1))
        self._rate_bit_per_s = rate_bit_per_s

    @property
    def all_addresses(self) -> tuple[str, ...]:
        """The hub's and every host's."""
        return (HUB_ADDRESS, *self.addresses)

    def __enter__(self) -> ShapedNetwork:
        missing = [tool for tool in ("ip", "tc") if shutil.which(tool) is None]
        if missing or os.geteuid() != 0:
            what = f"{' and '.join(missing)} (package iproute2)" if missing else "root"
            raise NoShapedNetwork(f"network namespaces with shaped links need {what}")
        try:
            self._make()
        except subprocess.CalledProcessError as error:
            self._remove()
            raise NoShapedNetwork(f"{' '.join(error.cmd)}: {error.stderr.strip()}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._remove()

    def shape(self, host: str, rate_bit_per_s: float) -> None:
        """Give a host's link another rate, both ways."""
        shape = _bucket(rate_bit_per_s)
        for place, device in ((host, "eth0"), (self.hub, self._port(host))):
            _run(*in_namespace(place, "tc", "qdisc", "replace", "dev", device, "root", *shape))

    def _make(self) -> None:
        _run("ip", "netns", "add", self.hub)
        _run("ip", "-n", self.hub, "link", "set", "lo", "up")
        _run("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
        _run("ip", "-n", self.hub, "address", "add", f"{HUB_ADDRESS}/24", "dev", "bridge")
        _run("ip", "-n", self.hub, "link", "set", "bridge", "up")
        for host, address in zip(self.hosts, self.addresses, strict=True):
            port = self._port(host)
            _run("ip", "netns", "add", host)
            _run("ip", "-n", host, "link", "set", "lo", "up")
            _run("ip", "-n", self.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host)
            _run("ip", "-n", self.hub, "link", "set", port, "master", "bridge", "up")
            _run("ip", "-n", host, "address", "add", f"{address}/24", "dev", "eth0")
            _run("ip", "-n", host, "link", "set", "eth0", "up")
            for place, device in ((host, "eth0"), (self.hub, port)):
                _run("ip", "-n", place, "link", "set", device, "mtu", str(MTU_BYTES))
            self.shape(host, self._rate_bit_per_s)

    def _port(self, host: str) -> str:
        return f"port{self.hosts.index(host) + 1}"

    def _remove(self) -> None:
        for name in (*self.hosts, self.hub):
            if Path(f"/run/netns/{name}").exists():
                _run("ip", "netns", "delete", name)


def _bucket(rate_bit_per_s: float) -> list[str]:
    return ["tbf", "rate", f"{rate_bit_per_s:.0f}bit", "burst", str(BURST_BYTES), "latency", "200ms"]


def _run(*arguments: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True, text=True)
