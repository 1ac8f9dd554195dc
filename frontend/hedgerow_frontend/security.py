"""Who may ask: the Host, Origin and token checks of every request, and the headers of every answer."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from hedgerow_frontend.problem_details import ApiError, wants_page
from hedgerow_frontend.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_ENDPOINTS = frozenset({"static", "health.alive", "health.ready", "login.show", "login.enter"})
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
POLICY_WITH_PICTURES = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")
"""Of pages that hold pictures themselves."""


def protect(app: Flask, settings: Settings) -> None:
    """Put the checks before every view of an app, and the headers on every answer."""
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME="hedgerow",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=settings.body_max_bytes,
    )

    def check() -> BaseResponse | None:
        check_host(settings)
        check_origin()
        return check_token(settings)

    app.before_request(check)
    app.after_request(add_headers)


def check_host(settings: Settings) -> None:
    """Refuse a `Host` that is not ours: a foreign page may have turned its own name towards this computer.

    Raises:
        ApiError: 400 for a header that is missing or no host, 421 for the name of another.
    """
    header = request.headers.get("Host", "")
    name = _host_name(header)
    if not name:
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad_host", f"Host {header!r} is no host name")
    if not settings.answers_to(name):
        raise ApiError(
            HTTPStatus.MISDIRECTED_REQUEST,
            "wrong_host",
            f"Host {name!r} is not served here; use {settings.url}, or add the name to HEDGEROW_ALLOWED_HOSTS",
        )


def check_origin() -> None:
    """Refuse a change that another site's page asks for.

    Browsers name the asking page in `Origin` and its nearness in `Sec-Fetch-Site`; programs send neither.

    Raises:
        ApiError: 403.
    """
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if origin is not None and not _same_host(origin, request.headers.get("Host", "")):
        raise ApiError(HTTPStatus.FORBIDDEN, "wrong_origin", f"Origin {origin!r} may not change anything here")
    if site not in ("same-origin", "none"):
        raise ApiError(HTTPStatus.FORBIDDEN, "wrong_origin", f"a {site} page may not change anything here")


def check_token(settings: Settings) -> BaseResponse | None:
    """Ask for the token, where one is set: a bearer header, or the session of a browser that has logged in.

    Raises:
        ApiError: 401; a browser that wants a page is sent to the login page instead.
    """
    if not settings.token or request.endpoint in OPEN_ENDPOINTS:
        return None
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and same_secret(shown.strip(), settings.token):
        return None
    if session.get("logged_in") is True:
        return None
    if request.method in SAFE_METHODS and wants_page():
        return redirect(url_for("login.show", next=request.full_path.rstrip("?")))
    raise ApiError(
        HTTPStatus.UNAUTHORIZED,
        "no_token",
        "the token is missing or wrong; send `Authorization: Bearer TOKEN` with the value of HEDGEROW_TOKEN",
        headers={"WWW-Authenticate": 'Bearer realm="hedgerow"'},
    )


def same_secret(shown: str, expected: str) -> bool:
    """Compare two secrets in a time that depends on neither's content nor length."""
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (shown, expected))
    return hmac.compare_digest(*digests)


def add_headers(response: Response) -> Response:
    """The headers that keep a browser from doing more with an answer than it should."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _host_name(header: str) -> str:
    """The name in a `Host` header, without port and brackets; empty where there is none."""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # raises where the port is none
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.netloc == header and "@" not in header else ""


def _same_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
