"""Ask a language model behind an OpenAI-compatible address one question, within a time, and trust nothing it sends."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any, TypedDict
from urllib.parse import urlsplit

LARGEST_ANSWER_BYTES = 256_000
CHAT = "/chat/completions"
ANSWER_TOKENS = 200


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    content: str


class NotHeard(Exception):
    """No usable answer; the message says why."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


# Neither a proxy nor a redirect: the text goes to the address that was configured, and nowhere else.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


def ask(url: str, model: str, messages: Sequence[Message], timeout_s: float) -> str:
    """What the model answers, temperature 0.

    Args:
        url: the base, such as `http://127.0.0.1:8080/v1`.
        model: its name on that server.
        messages: the conversation so far.
        timeout_s: for everything together, however slowly the server sends.

    Raises:
        NotHeard: the address is no http address, nothing came in time, or what came is no answer.
    """
    if not _is_http(url):
        raise NotHeard(f"llm_url {url!r} is no http address")
    body = {"model": model, "messages": list(messages), "temperature": 0, "max_tokens": ANSWER_TOKENS, "stream": False}
    request = urllib.request.Request(
        url.rstrip("/") + CHAT,
        data=json.dumps(body).encode("utf-8"),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        method="POST",
    )
    return _content(_within(timeout_s, lambda: _sent(request, timeout_s)))


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _sent(request: urllib.request.Request, timeout_s: float) -> bytes:
    with _OPENER.open(request, timeout=timeout_s) as response:
        content: bytes = response.read(LARGEST_ANSWER_BYTES + 1)
    return content


def _within(timeout_s: float, call: Callable[[], bytes]) -> bytes:
    """Call in a thread, for a server that sends a byte now and then keeps any socket's own time-out from ending it."""
    result: list[bytes] = []
    trouble: list[str] = []

    def work() -> None:
        try:
            result.append(call())
        except urllib.error.HTTPError as error:
            error.close()
            trouble.append(f"it answered {error.code}")
        except (OSError, ValueError) as error:
            trouble.append(str(getattr(error, "reason", None) or error) or type(error).__name__)
        except Exception as error:  # noqa: BLE001  (http.client raises many kinds for what is no HTTP)
            trouble.append(f"it sent no HTTP ({type(error).__name__})")

    thread = threading.Thread(target=work, name="language-model", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if result:
        return result[0]
    raise NotHeard(trouble[0] if trouble else f"no answer within {timeout_s:g} s")


def _content(answer: bytes) -> str:
    if len(answer) > LARGEST_ANSWER_BYTES:
        raise NotHeard(f"it sent more than {LARGEST_ANSWER_BYTES} bytes")
    try:
        content = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise NotHeard("it sent no chat completion") from error
    if not isinstance(content, str):
        raise NotHeard("it sent no text")
    return content
