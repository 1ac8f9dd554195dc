"""RTPS datagrams by hand, in the name of a writer that is really there: what a broken or hostile peer could send."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from running import wait_for

_DATA, _HEARTBEAT = 0x15, 0x07
_LITTLE_ENDIAN, _HAS_DATA, _IS_FINAL = 0x01, 0x04, 0x02
_ANY_READER = bytes(4)
_DATAGRAM_BYTES = 32_000
_PORTS_TRIED = 40


def data_ports(domain: int) -> list[int]:
    """Where the processes of this host listen for data in this domain, by the formula of the specification."""
    ports = [7400 + 250 * domain + 11 + 2 * index for index in range(_PORTS_TRIED)]
    return [port for port in ports if _is_taken(port)]


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def datagrams(guid: bytes, first_number: int, payloads: Sequence[bytes]) -> Iterator[bytes]:
    """Pack payloads into datagrams as samples of the writer with this GUID, numbered on from `first_number`.

    Each datagram begins with a heartbeat that gives up all numbers before it: a lost one holds up none after it.
    """
    prefix, writer = guid[:12], guid[12:]
    header = b"RTPS\x02\x05\x01\x10" + prefix
    number, body, count = first_number, b"", 0
    last_number = first_number + len(payloads) - 1
    for payload in payloads:
        if not body:
            count += 1
            body = header + _heartbeat(writer, number, last_number, number)
        body += _data(writer, number, payload)
        number += 1
        if len(body) > _DATAGRAM_BYTES:
            yield body
            body = b""
    if body:
        yield body


def send(ports: Sequence[int], packets: Iterator[bytes]) -> None:
    """Send datagrams to ports of this host, each once those before have been read: a full buffer would drop them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        for packet in packets:
            wait_for(lambda: not _unread_bytes(ports))
            for port in ports:
                plain.sendto(packet, ("127.0.0.1", port))


def _unread_bytes(ports: Sequence[int]) -> int:
    """What lies in the receive buffers of these ports; `/proc/net/udp` is a table of hexadecimal numbers."""
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows if int(row[1].split(":")[1], 16) in ports)


def _submessage(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("<BBH", kind, _LITTLE_ENDIAN | flags, len(body)) + body


def _number(number: int) -> bytes:
    return struct.pack("<iI", number >> 32, number & 0xFFFFFFFF)


def _data(writer: bytes, number: int, payload: bytes) -> bytes:
    padded = payload + bytes(-len(payload) % 4)
    head = struct.pack("<HH", 0, 16) + _ANY_READER + writer + _number(number)
    return _submessage(_DATA, _HAS_DATA, head + padded)


def _heartbeat(writer: bytes, first: int, last: int, count: int) -> bytes:
    body = _ANY_READER + writer + _number(first) + _number(last) + struct.pack("<i", count & 0x7FFFFFFF)
    return _submessage(_HEARTBEAT, _IS_FINAL, body)
