"""Ask a web server for a body of limited size within a time, or send it one."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

PIECE_BYTES = 65_536


class Unreachable(Exception):
    """A server that cannot be reached, does not answer in time, or answers with an error."""


class _NoOtherScheme(urllib.request.HTTPRedirectHandler):
    """Follows redirections to http and https only."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise Unreachable(f"{req.full_url} leads to {newurl}, which is neither http nor https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_NoOtherScheme)


def checked_url(url: str, schemes: tuple[str, ...]) -> str:
    """The URL, if it has one of the schemes and a host.

    Raises:
        ValueError: it has not.
    """
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"url {url!r} is not of the form {schemes[0]}://HOST/…; known: {', '.join(schemes)}")
    return url


def without_secret(url: str) -> str:
    """The URL as it may stand in a log: no user name, no password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl()


def exchange(
    url: str, timeout_s: float, most_bytes: int, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[bytes, str]:
    """The body of the answer and its media type; sent with POST if there is a body to send.

    Raises:
        Unreachable: no answer in time, an error, or a body larger than allowed.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    try:
        with _OPENER.open(request, timeout=timeout_s) as answer:
            pieces, size = [], 0
            while piece := answer.read(PIECE_BYTES):
                size += len(piece)
                if size > most_bytes:
                    raise Unreachable(f"{without_secret(url)} sends more than {most_bytes} bytes")
                pieces.append(piece)
            return b"".join(pieces), answer.headers.get_content_type()
    except urllib.error.HTTPError as error:
        with error:
            raise Unreachable(f"{without_secret(url)} answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise Unreachable(f"{without_secret(url)} cannot be reached: {reason}") from None
