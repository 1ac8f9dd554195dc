"""Cyclone DDS settings for the three ways in which processes find each other."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

MAX_PROCESSES_PER_HOST = 120

ANNOUNCE_EVERY_S = 1
"""How often a process tells the others of itself: so soon are two hosts together again after their link was cut. The
library's 30 s were measured to keep them apart for 28 s."""

_LOOPBACK = """
  <General>
    <Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces>
    <AllowMulticast>false</AllowMulticast>"""

_UNICAST = """
  <General>
    <AllowMulticast>false</AllowMulticast>"""

_MULTICAST = """
  <General>"""


def domain_xml(mode: str, peers: Sequence[str] = ()) -> str:
    """The settings of a domain.

    Args:
        mode: `local` (loopback, unicast), `peers` (unicast to the addresses given; naming one side is enough) or
            `subnet` (multicast).
        peers: addresses, for `peers`.

    Raises:
        ValueError: the mode is unknown.
    """
    if mode == "local":
        general, addresses = _LOOPBACK, ["127.0.0.1"]
    elif mode == "peers":
        general, addresses = _UNICAST, list(peers)
    elif mode == "subnet":
        general, addresses = _MULTICAST, []
    else:
        raise ValueError(f"discovery mode {mode!r} unknown; known: local, peers, subnet")
    # With unicast every process takes a port of its own by index, hence the high maximum.
    # A peer that was named is tried for ever; the library would give it up after 30 s, and a host that comes up later,
    # and knows of nobody, would never be found.
    delay = 'PruneDelay="inf"' if mode == "peers" else ""
    listed = "".join(f"<Peer address={quoteattr(address)} {delay}/>" for address in addresses)
    peers_xml = f'<Peers AddLocalhost="true">{listed}</Peers>' if mode != "subnet" else ""
    index = f"<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>{MAX_PROCESSES_PER_HOST}"
    return f"""<CycloneDDS><Domain id="any">{general}
    <MaxMessageSize>65500B</MaxMessageSize>
  </General>
  <Discovery>
    {index}</MaxAutoParticipantIndex>
    <LeaseDuration>1s</LeaseDuration>
    <SPDPInterval>{ANNOUNCE_EVERY_S}s</SPDPInterval>
    {peers_xml}
  </Discovery>
  <Internal>
    <SocketReceiveBufferSize min="default" max="4MB"/>
    <MultipleReceiveThreads>true</MultipleReceiveThreads>
  </Internal>
</Domain></CycloneDDS>"""
