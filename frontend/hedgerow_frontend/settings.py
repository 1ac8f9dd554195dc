"""What the front end is told at start: where it listens, who may ask, and how much it takes on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from hedgerow_nodes.core.environment import ConfigurationError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Settings:
    """The front end's own settings; those that every process shares are in `Environment`.

    Attributes:
        host, port: where it listens (`HEDGEROW_PORT`, 5001; 0 is any free one).
        token: who asks must show it, where one is set (`HEDGEROW_TOKEN`).
        allowed_hosts: names by which browsers may call it beside the loopback names (`HEDGEROW_ALLOWED_HOSTS`).
        sse_clients_max: event streams at once; each keeps a thread of the server busy.
        sse_queue_rows: events kept for a client that reads slowly.
        body_max_bytes: the largest request body that is read.
        wish_timeout_s, health_timeout_s: how long the orchestrator may take to answer.
        placing_timeout_s: how long it may take to look for a placement or to measure links.
        input_max_bytes, model_max_bytes: the largest encoded image and the largest ONNX file that are taken.
        previews_max: previews at once; each keeps a thread of the server busy.
        home: where uploads are kept and previews are found (`HEDGEROW_HOME`).
    """

    host: str = "127.0.0.1"
    port: int = 5001
    token: str = ""
    allowed_hosts: frozenset[str] = frozenset()
    sse_clients_max: int = 64
    sse_queue_rows: int = 512
    sse_keep_alive_s: float = 15.0
    body_max_bytes: int = 256 * 1024
    wish_timeout_s: float = 5.0
    health_timeout_s: float = 1.0
    placing_timeout_s: float = 60.0
    input_max_bytes: int = 32 * 1024 * 1024
    model_max_bytes: int = 512 * 1024 * 1024
    previews_max: int = 16
    home: Path = Path(".hedgerow")

    @classmethod
    def read(
        cls, host: str | None = None, port: int | None = None, variables: Mapping[str, str] | None = None
    ) -> Settings:
        """Read the variables of this process, or those given; host and port given here win.

        Raises:
            ConfigurationError: a value cannot be used, or others could reach the front end and no token is set.
        """
        env = os.environ if variables is None else variables
        hosts = (name.strip().lower() for name in env.get("HEDGEROW_ALLOWED_HOSTS", "").split(","))
        settings = cls(
            host=host or "127.0.0.1",
            port=_port(env.get("HEDGEROW_PORT") or "5001") if port is None else _port(str(port)),
            token=env.get("HEDGEROW_TOKEN", "").strip(),
            allowed_hosts=frozenset(name for name in hosts if name),
        )
        if not is_loopback(settings.host) and not settings.token:
            raise ConfigurationError(
                f"host {settings.host!r} can be reached by others; set HEDGEROW_TOKEN to a secret, or leave out --host "
                "and listen on 127.0.0.1"
            )
        return settings

    @property
    def url(self) -> str:
        """The address to give to a person on this computer."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def answers_to(self, name: str) -> bool:
        """Tell whether a `Host` header may hold this name.

        A web page can make a browser take any name for this computer (DNS rebinding), never a bare address; so where
        the front end listens on every address, every bare address will do.
        """
        name = name.lower()
        if name in LOOPBACK_NAMES or name == self.host.lower() or name in self.allowed_hosts:
            return True
        return self.host in ("0.0.0.0", "::") and is_address(name)


def is_address(name: str) -> bool:
    """Tell whether a name is a bare IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether only this computer can reach a host."""
    return host.lower() in LOOPBACK_NAMES or (is_address(host) and ip_address(host).is_loopback)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ConfigurationError(
            f"{text!r} is no port; set HEDGEROW_PORT or --port to a number from 0 (any free one) to 65535"
        )
    return int(text)
