"""A container's entry: turn the names in HEDGEROW_PEERS into addresses, then become the command given.

Run as `python find_peers.py [--settle-s S] [--patience-s S] -- COMMAND ARGUMENT…`. The DDS library takes addresses only
safely: a name that nobody knows yet ends the process. A name may stand for many addresses, as that of a headless
Kubernetes Service does. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

POLL_S = 1.0
PATIENCE_S = 60.0
CANNOT_START = 1

LookUp = Callable[[str], Sequence[str]]
Execute = Callable[[str, list[str], dict[str, str]], object]


@dataclass(frozen=True)
class Patience:
    """How long to wait for names, in seconds.

    Attributes:
        settle_s: how long one of this host's own addresses must have been among the answers before the last look-up; 0
            is not to wait for it. Two hosts that start together and both wait longer than a name server's memory
            cannot miss each other: the one that asks last sees the other.
        patience_s: when to go on with what is known.
    """

    settle_s: float = 0.0
    patience_s: float = PATIENCE_S


@dataclass(frozen=True)
class Found:
    """Addresses in the order of the peers, each once, and the names that nobody knew."""

    addresses: tuple[str, ...]
    unknown: tuple[str, ...]


def look_around(peers: Sequence[str], look_up: LookUp) -> Found:
    """Look every name up once; what is an address already stays as it is."""
    addresses: dict[str, None] = {}
    unknown = []
    for peer in peers:
        answers = [peer] if is_address(peer) else look_up(peer)
        addresses.update(dict.fromkeys(answers))
        if not answers:
            unknown.append(peer)
    return Found(tuple(addresses), tuple(unknown))


def find(
    peers: Sequence[str],
    own: frozenset[str],
    patience: Patience,
    *,
    look_up: LookUp,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Found:
    """Look names up until each is known and this host has been among them for long enough, or patience is over."""
    gives_up_at = clock() + patience.patience_s
    seen_at: float | None = None
    while True:
        found = look_around(peers, look_up)
        now = clock()
        if seen_at is None and own.intersection(found.addresses):
            seen_at = now
        settled = patience.settle_s == 0 or (seen_at is not None and now - seen_at >= patience.settle_s)
        if all(map(is_address, peers)) or (settled and not found.unknown) or now >= gives_up_at:
            return found
        sleep(POLL_S)


def is_address(peer: str) -> bool:
    """Tell whether a peer is a bare address."""
    try:
        ip_address(peer)
    except ValueError:
        return False
    return True


def ipv4_addresses(name: str) -> Sequence[str]:
    """All IPv4 addresses of a name, in order; none where nobody knows it."""
    try:
        answers = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, UnicodeError):  # UnicodeError: no name at all, such as one with an empty label
        return ()
    return sorted({str(answer[4][0]) for answer in answers})


def main(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    execute: Execute = os.execvpe,
    look_up: LookUp = ipv4_addresses,
) -> int:
    """Find the peers and execute the command; returns only where that cannot be."""
    options = _parser().parse_args(arguments)
    environment = dict(variables)
    peers = [peer.strip() for peer in variables.get("HEDGEROW_PEERS", "").split(",") if peer.strip()]
    if variables.get("HEDGEROW_DISCOVERY") == "peers" and peers:
        own = frozenset(look_up(socket.gethostname()))
        found = find(peers, own, Patience(options.settle_s, options.patience_s), look_up=look_up)
        if found.unknown:
            told = f"no address of {', '.join(found.unknown)} within {options.patience_s:g} s"
            print(f"find_peers: {told}; whoever comes up later has to name this host", file=sys.stderr)
        if not found.addresses:
            print(f"find_peers: HEDGEROW_PEERS={','.join(peers)!r} names nobody; correct it", file=sys.stderr)
            return CANNOT_START
        environment["HEDGEROW_PEERS"] = ",".join(found.addresses)
    try:
        execute(options.command[0], options.command, environment)
    except OSError as error:
        print(f"find_peers: cannot start {options.command[0]!r}: {error.strerror}", file=sys.stderr)
    return CANNOT_START


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Find the peers' addresses, then become a command.")
    parser.add_argument("--settle-s", type=float, default=0.0, help="wait until this host is found, and so long more")
    parser.add_argument("--patience-s", type=float, default=PATIENCE_S, help="go on without a name after this time")
    parser.add_argument("command", nargs="+", help="program and arguments, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
