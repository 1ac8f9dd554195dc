"""How the hub is reached: its address, and a token that never shows itself."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hedgerow_nodes.estimators.hub.interface import HubError

DEFAULT_ENDPOINT = "https://huggingface.co"
_MOST_TOKEN_BYTES = 4096
# What may stand in a header; anything else would also end up in the text of an exception.
_TOKEN = re.compile(r"[!-~]+")
_TRUE = ("1", "true", "yes", "on")


class AccessError(HubError):
    """An address or a token that cannot be used; the message does not hold the token."""

    code = "HUB_SETTINGS"


class Token:
    """A secret: it prints as `Token(set)` or `Token(none)`, and is given away by `reveal` only."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for a header."""
        return self._value

    def hidden(self, content: bytes) -> bytes:
        """The content without the secret, should somebody have sent it back."""
        return content.replace(self._value.encode("ascii"), b"[token]") if self._value else content

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Token({'set' if self._value else 'none'})"

    def __reduce__(self) -> str:
        raise TypeError("a token is not pickled")


@dataclass(frozen=True)
class Access:
    """Where the hub is, who asks, and whether it may be asked at all (`offline` uses only what is here)."""

    endpoint: str = DEFAULT_ENDPOINT
    token: Token = Token()  # noqa: RUF009  (it does not change)
    offline: bool = False

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None, endpoint: str = "") -> Access:
        """Read HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HOME and HF_HUB_OFFLINE; an endpoint given here wins.

        Raises:
            AccessError: an address that is none, or a token that cannot be sent.
        """
        env = os.environ if variables is None else variables
        return cls(
            endpoint=_endpoint(endpoint or env.get("HF_ENDPOINT", "") or DEFAULT_ENDPOINT),
            token=_token(env),
            offline=env.get("HF_HUB_OFFLINE", "").strip().lower() in _TRUE,
        )


def _endpoint(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.username or parts.password or parts.query or parts.fragment:
        # An address may hold a password, so it is not repeated.
        raise AccessError("the hub's address is no plain http or https address; set HF_ENDPOINT or hub_endpoint")
    return text.strip().rstrip("/")


def _token(env: Mapping[str, str]) -> Token:
    value, where = env.get("HF_TOKEN", "").strip(), "HF_TOKEN"
    if not value:
        home = env.get("HF_HOME") or str(Path(env.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
        named = env.get("HF_TOKEN_PATH", "")
        value, where = _read(Path(named or Path(home) / "token").expanduser()), "the file of the token"
    if value and not _TOKEN.fullmatch(value):
        raise AccessError(f"{where} holds blanks or other characters that no token has; write the token alone")
    return Token(value)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_TOKEN_BYTES).decode("utf-8", "replace").strip()
    except (OSError, ValueError):
        return ""
