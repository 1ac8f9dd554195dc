"""HTTP to the hub: the token goes to the hub's own address only, everything ends in time, and errors hold no secret."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hedgerow_nodes.estimators.hub.access import Access
from hedgerow_nodes.estimators.hub.interface import HubError, HubTimedOut, HubUnreachable
from hedgerow_nodes.estimators.hub.refusals import refuse

Result = TypeVar("Result")

USER_AGENT = "hedgerow"
BLOCK_BYTES = 1 << 16


@dataclass
class Deadline:
    """A point in time by which a whole exchange has to be over."""

    seconds: float
    began_s: float = field(default_factory=time.monotonic)

    @property
    def left_s(self) -> float:
        """Seconds that are left, never below a millisecond: a socket takes 0 for something else."""
        return max(0.001, self.began_s + self.seconds - time.monotonic())

    def check(self) -> None:
        """Raise HubTimedOut when it is over."""
        if time.monotonic() > self.began_s + self.seconds:
            raise HubTimedOut(f"the hub did not finish within {self.seconds:g} s")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect; the token is sent again only to the hub itself, and nothing goes from https to http."""

    max_redirections = 5

    def __init__(self, access: Access) -> None:
        self._access = access

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        parts = urlsplit(newurl)
        if parts.scheme not in ("http", "https") or (req.type == "https" and parts.scheme != "https"):
            raise HubUnreachable(f"the hub leads from {req.type} to {parts.scheme or 'nowhere'}, which is not followed")
        kept = {name: value for name, value in req.headers.items() if name.lower() in ("range", "user-agent", "accept")}
        request = urllib.request.Request(newurl, headers=kept, method=req.get_method())
        _authorise(request, self._access)
        return request


class Transport:
    """Requests to one hub.

    Args:
        access: where it is and who asks.
        timeout_s: for one exchange, and for each silence within a download.
    """

    def __init__(self, access: Access, timeout_s: float = 10.0) -> None:
        self._access = access
        self._timeout_s = timeout_s
        # A proxy of the environment is for other hosts.
        own = [urllib.request.ProxyHandler({})] if is_loopback(access.endpoint) else []
        self._opener = urllib.request.build_opener(_Redirects(access), *own)

    def read(self, path: str, most_bytes: int, headers: Mapping[str, str] | None = None) -> bytes:
        """The whole answer to a GET, or its first `most_bytes` and one more; the token is taken out of it.

        Raises:
            HubError: there is none.
        """
        deadline = Deadline(self._timeout_s)

        def exchange() -> bytes:
            with self._errors(deadline), closing(self._open(path, headers or {}, deadline)) as response:
                return _all(response, most_bytes + 1, deadline)

        return self._access.token.hidden(_within(deadline, exchange))

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[Any]:
        """The open answer to a GET, to be read in blocks, each of which comes within the time.

        Raises:
            HubError: there is none, or it breaks off.
        """
        deadline = Deadline(self._timeout_s)
        with (
            self._errors(deadline),
            closing(_within(deadline, lambda: self._open(path, headers, deadline))) as response,
        ):
            yield response

    def _open(self, path: str, headers: Mapping[str, str], deadline: Deadline) -> Any:
        if self._access.offline:
            raise HubUnreachable("HF_HUB_OFFLINE is set, so the hub is not asked and only what is here is used")
        request = urllib.request.Request(self._access.endpoint + path, headers={"User-Agent": USER_AGENT, **headers})
        _authorise(request, self._access)
        return self._opener.open(request, timeout=deadline.left_s)

    @contextmanager
    def _errors(self, deadline: Deadline) -> Iterator[None]:
        """Turn what urllib raises into a HubError; its own texts may hold an address with a signature."""
        try:
            yield
        except urllib.error.HTTPError as error:
            with closing(error):
                refuse(error.code, error.headers, bool(self._access.token))
        except HubError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
                raise HubTimedOut(f"{self._name} did not answer within {deadline.seconds:g} s") from None
            raise HubUnreachable(f"{self._name} cannot be reached ({_kind(error)})") from None

    @property
    def _name(self) -> str:
        return f"the hub at {self._access.endpoint}"


def _authorise(request: urllib.request.Request, access: Access) -> None:
    """Add the token, if the request goes to the hub itself: the same scheme, host and port."""
    if access.token and _origin(request.full_url) == _origin(access.endpoint):
        # Not among the headers that urllib carries over to another address.
        request.add_unredirected_header("Authorization", f"Bearer {access.token.reveal()}")


def is_loopback(url: str) -> bool:
    """Whether an address is of this host by its own name or number."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def _all(response: Any, most_bytes: int, deadline: Deadline) -> bytes:
    blocks: list[bytes] = []
    size = 0
    while size < most_bytes:
        deadline.check()
        block = response.read1(min(BLOCK_BYTES, most_bytes - size))
        if not block:
            break
        blocks.append(block)
        size += len(block)
    return b"".join(blocks)


def _within(deadline: Deadline, call: Callable[[], Result]) -> Result:
    """Call in a thread: a name that resolves slowly, or headers that drip, keep no socket's own time-out."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001  (handed on to the caller)
            errors.append(error)

    thread = threading.Thread(target=work, name="hub", daemon=True)
    thread.start()
    thread.join(deadline.left_s)
    if results:
        return results[0]
    if errors:
        raise errors[0]
    raise HubTimedOut(f"the hub did not answer within {deadline.seconds:g} s")


def _kind(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return type(reason if isinstance(reason, Exception) else error).__name__
