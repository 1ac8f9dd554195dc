"""Talks to the front end: finds it, asks it, and turns its errors into exit codes."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hedgerow_launch.failures import TIMED_OUT, UNREACHABLE, USAGE, CommandFailure

API = "/api/v1"


@dataclass(frozen=True)
class Announcement:
    """Where a front end listens: what it wrote into `run/frontend.json`."""

    url: str
    pid: int


@dataclass(frozen=True)
class Content:
    """What goes with a request: the body, None for none, and headers that tell of it."""

    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


NOTHING = Content()


class Unreachable(CommandFailure):
    """Nobody answers, or somebody who says that he cannot at the moment."""

    def __init__(self, message: str) -> None:
        super().__init__(message, UNREACHABLE)


class TimedOut(CommandFailure):
    """The answer, or what was waited for, did not come in time."""

    def __init__(self, message: str) -> None:
        super().__init__(message, TIMED_OUT)


class Refused(CommandFailure):
    """The front end answered with an error; the message is its detail."""


_FAILURES: Mapping[int, type[CommandFailure]] = MappingProxyType(
    {HTTPStatus.SERVICE_UNAVAILABLE: Unreachable, HTTPStatus.GATEWAY_TIMEOUT: TimedOut}
)


def home_folder() -> Path:
    """`HEDGEROW_HOME`, as `Environment` reads it, without the 0.3 s that importing the bus costs each command."""
    return Path(os.environ.get("HEDGEROW_HOME") or ".hedgerow").absolute()


def read_announcement(home: Path) -> Announcement | None:
    """What the front end of a home wrote, None while it has not."""
    try:
        written = json.loads((home / "run" / "frontend.json").read_text(encoding="utf-8"))
        return Announcement(str(written["url"]), int(written["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def connect() -> RestClient:
    """A client for the front end that `HEDGEROW_URL` or the home names.

    Raises:
        Unreachable: none is known.
    """
    url = os.environ.get("HEDGEROW_URL", "")
    if not url:
        announced = read_announcement(home_folder())
        if announced is None:
            raise Unreachable(
                f"no system runs in {home_folder()}; start one with `hedgerow up`, or set HEDGEROW_HOME or HEDGEROW_URL"
            )
        url = announced.url
    if urlsplit(url).scheme not in ("http", "https"):
        raise CommandFailure(f"HEDGEROW_URL={url!r} is no http:// or https:// address", USAGE)
    return RestClient(url, token=os.environ.get("HEDGEROW_TOKEN", ""))


class RestClient:
    """One front end. Paths are relative to `/api/v1`, and their parts are quoted."""

    def __init__(self, url: str, *, token: str = "", timeout_s: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A proxy set for the outside world cannot reach this computer's loopback.
        proxies = [urllib.request.ProxyHandler({})] if _is_loopback(urlsplit(url).hostname or "") else []
        self._opener = urllib.request.build_opener(*proxies)

    def get(self, *path: object, **query: object) -> Any:
        """Read JSON; parameters that are None are left out, and a list is given entry by entry."""
        return self._ask("GET", _address(path) + _asked(query))

    def download(self, *path: object, **query: object) -> bytes:
        """Read something else than JSON, as it comes."""
        with self._explained(), self._open("GET", _address(path) + _asked(query), accept="*/*") as response:
            try:
                return response.read()
            except TimeoutError as error:
                raise TimedOut(f"{self.url} stopped in the middle of its answer") from error

    def post(
        self,
        *path: object,
        body: Mapping[str, Any] | None = None,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Ask for something new, or for something to happen; the same key with the same body happens once."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._ask("POST", _address(path), _json_content(body, headers), timeout_s)

    def upload(self, *path: object, content: bytes, media_type: str, patience_s: float, **query: object) -> Any:
        """Send a file's bytes as they are, and wait at most `patience_s` for the answer."""
        data = Content(content, {"Content-Type": media_type})
        return self._ask("POST", _address(path) + _asked(query), data, patience_s)

    def delete(self, *path: object) -> Any:
        """Ask for the end of something."""
        return self._ask("DELETE", _address(path))

    def patch(self, *path: object, body: Mapping[str, Any]) -> Any:
        """Ask for a change."""
        return self._ask("PATCH", _address(path), _json_content(body, {}))

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` answers, be it yes or no."""
        try:
            with self._open("GET", "/readyz") as response:
                return _object(response)
        except urllib.error.HTTPError as error:
            with error:
                return _object(error)

    @contextmanager
    def stream(self, *path: object, timeout_s: float, **query: object) -> Iterator[HTTPResponse]:
        """Open an event stream; reading from it raises TimeoutError after `timeout_s` of silence."""
        address = f"{_address(path)}?{urlencode({name: str(value) for name, value in query.items()})}"
        with self._explained(), self._open("GET", address, accept="text/event-stream", timeout_s=timeout_s) as response:
            yield response

    def _ask(self, method: str, address: str, content: Content = NOTHING, timeout_s: float | None = None) -> Any:
        with self._explained(), self._open(method, address, content, timeout_s=timeout_s) as response:
            try:
                return json.loads(response.read() or b"null")
            except TimeoutError as error:
                raise TimedOut(f"{self.url} stopped in the middle of its answer") from error

    def _open(
        self,
        method: str,
        address: str,
        content: Content = NOTHING,
        accept: str = "application/json",
        timeout_s: float | None = None,
    ) -> HTTPResponse:
        headers = {**self._headers, "Accept": accept, **content.headers}
        request = urllib.request.Request(self.url + address, data=content.data, headers=headers, method=method)
        waits_s = timeout_s or self._timeout_s
        try:
            response: HTTPResponse = self._opener.open(request, timeout=waits_s)
        except urllib.error.HTTPError:
            raise
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, TimeoutError):
                raise TimedOut(f"{self.url} did not answer within {waits_s:g} s") from error
            raise Unreachable(f"{self.url} cannot be reached ({reason}); `hedgerow doctor` knows more") from error
        return response

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except urllib.error.HTTPError as error:
            with error:
                detail = _detail(error)
            failure = _FAILURES.get(error.code, Refused)
            raise failure(detail) from error
        except (HTTPException, ConnectionError, json.JSONDecodeError) as error:
            raise Unreachable(f"{self.url} broke off or answered no JSON: {error!r}") from error


def _address(path: tuple[object, ...]) -> str:
    return "/".join((API, *(quote(str(part), safe="") for part in path)))


def _json_content(body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Content:
    if body is None:
        return Content(headers=headers)
    return Content(json.dumps(body).encode(), {**headers, "Content-Type": "application/json"})


def _asked(query: Mapping[str, object]) -> str:
    given = {
        name: value if isinstance(value, list) else str(value) for name, value in query.items() if value is not None
    }
    return f"?{urlencode(given, doseq=True)}" if given else ""


def _object(response: Any) -> dict[str, Any]:
    try:
        answer = json.loads(response.read())
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {}


def _detail(error: urllib.error.HTTPError) -> str:
    body = _object(error)
    detail = str(body.get("detail") or body.get("title") or f"HTTP {error.code} {error.reason}")
    name = body.get("field")
    return f"{name}: {detail}" if name and not detail.startswith(str(name)) else detail


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
