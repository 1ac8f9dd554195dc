"""Where a process finds its home, its DDS domain and its store: the `HEDGEROW_*` variables, checked at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

DISCOVERY_MODES = ("local", "peers", "subnet")


class ConfigurationError(Exception):
    """A setting that cannot be used; the message holds the value and the way out."""


@dataclass(frozen=True)
class Environment:
    """The settings that every process of one system shares.

    Attributes:
        home: folder of the store, the node identities, the lock and the logs (`HEDGEROW_HOME`, ./.hedgerow).
        domain: DDS domain, 1 to 99 (`HEDGEROW_DOMAIN`, 1).
        discovery: `local` (loopback only), `peers` (a list of addresses) or `subnet` (multicast).
        peers: addresses for `peers` (`HEDGEROW_PEERS`, comma-separated; one side naming the other is enough).
        store_url: SQLAlchemy URL (`HEDGEROW_STORE`, SQLite in the home).
        blob_url: fsspec URL of the folder for payloads above 64 KiB (`HEDGEROW_BLOBS`, a folder in the home).
    """

    home: Path
    domain: int
    discovery: str
    peers: tuple[str, ...]
    store_url: str
    blob_url: str

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Environment:
        """Read the variables of this process, or those given.

        Raises:
            ConfigurationError: a variable holds a value that cannot be used.
        """
        env = os.environ if variables is None else variables
        home = Path(env.get("HEDGEROW_HOME") or ".hedgerow").absolute()
        discovery = env.get("HEDGEROW_DISCOVERY") or "local"
        if discovery not in DISCOVERY_MODES:
            raise ConfigurationError(f"HEDGEROW_DISCOVERY={discovery!r} unknown; known: {', '.join(DISCOVERY_MODES)}")
        peers = tuple(peer.strip() for peer in env.get("HEDGEROW_PEERS", "").split(",") if peer.strip())
        if discovery == "peers" and not peers:
            raise ConfigurationError("HEDGEROW_DISCOVERY=peers needs HEDGEROW_PEERS, a comma-separated address list")
        return cls(
            home=home,
            domain=_domain(env.get("HEDGEROW_DOMAIN") or "1"),
            discovery=discovery,
            peers=peers,
            store_url=env.get("HEDGEROW_STORE") or f"sqlite:///{quote(str(home / 'hedgerow.sqlite'))}",
            blob_url=env.get("HEDGEROW_BLOBS") or f"file://{home / 'blobs'}",
        )

    def variables(self) -> dict[str, str]:
        """The variables under which a child process reads the same settings."""
        return {
            "HEDGEROW_HOME": str(self.home),
            "HEDGEROW_DOMAIN": str(self.domain),
            "HEDGEROW_DISCOVERY": self.discovery,
            "HEDGEROW_PEERS": ",".join(self.peers),
            "HEDGEROW_STORE": self.store_url,
            "HEDGEROW_BLOBS": self.blob_url,
        }


def _domain(text: str) -> int:
    try:
        domain = int(text)
    except ValueError:
        domain = 0
    if not 1 <= domain <= 99:
        raise ConfigurationError(f"HEDGEROW_DOMAIN={text!r} is no DDS domain for Hedgerow; use a number from 1 to 99")
    return domain
