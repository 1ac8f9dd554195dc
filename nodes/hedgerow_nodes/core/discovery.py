"""Cyclone DDS settings for the three ways in which processes find each other."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

MAX_PROCESSES_PER_HOST = 120

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
    listed = "".join(f"<Peer address={quoteattr(address)}/>" for address in addresses)
    peers_xml = f'<Peers AddLocalhost="true">{listed}</Peers>' if mode != "subnet" else ""
    index = f"<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>{MAX_PROCESSES_PER_HOST}"
    return f"""<CycloneDDS><Domain id="any">{general}
    <MaxMessageSize>65500B</MaxMessageSize>
  </General>
  <Discovery>
    {index}</MaxAutoParticipantIndex>
    <LeaseDuration>1s</LeaseDuration>
    {peers_xml}
  </Discovery>
  <Internal>
    <SocketReceiveBufferSize min="default" max="4MB"/>
    <MultipleReceiveThreads>true</MultipleReceiveThreads>
  </Internal>
</Domain></CycloneDDS>"""
