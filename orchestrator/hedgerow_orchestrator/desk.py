"""The request desk: each request is answered once, again from memory when it is repeated, or refused with a reason."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

import msgspec

from hedgerow_idl import Reply, ReplyStatus, Request
from hedgerow_orchestrator.refusal import SubmissionRefused
from hedgerow_orchestrator.store.changes import RequestAdded
from hedgerow_orchestrator.store.errors import StoreError

REMEMBERED = 1024
MAX_BODY_BYTES = 512 * 1024
NEED_NO_STORE = ("health", "pipeline")


class Refused(Exception):
    """A request that ends with a status other than OK."""

    def __init__(self, status: ReplyStatus, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, **more}


@dataclass(frozen=True)
class Later:
    """The answer comes when a node has answered this command; `extra_s` later than others it is given up."""

    command_id: str
    extra_s: float = 0.0


Handler = Callable[[Request, dict[str, Any]], "dict[str, Any] | Later"]


class Desk:
    """Turns requests into replies by a table of verbs.

    Args:
        handlers: what answers each verb.
    """

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers
        self._answered: OrderedDict[str, Reply] = OrderedDict()
        self._pending: dict[str, tuple[Request, float]] = {}
        self._in_hand: set[str] = set()

    def handle(self, request: Request, give_up_at_s: float) -> Reply | None:
        """The reply, or None while a node is being asked, which it is until `give_up_at_s`."""
        known = self._answered.get(request.request_id)
        if known is not None:
            return known
        if request.request_id in self._in_hand:
            return None
        try:
            body = self._handlers_of(request)(request, _object(request.body))
        except SubmissionRefused as refused:
            return self._answer(request, ReplyStatus.INVALID, {"message": refused.message, "field": refused.field})
        except Refused as refused:
            return self._answer(request, refused.status, refused.body)
        except StoreError as error:
            # Not remembered: the client repeats the request, and the store may answer then.
            return _reply(request, ReplyStatus.UNAVAILABLE, {"message": f"the store cannot be read now: {error}"})
        if isinstance(body, Later):
            self._pending[body.command_id] = request, give_up_at_s + body.extra_s
            self._in_hand.add(request.request_id)
            return None
        return self._answer(request, ReplyStatus.OK, body)

    def meanwhile(self, request: Request, unstored: Container[str], trouble: str) -> Reply | None:
        """The reply while nothing can be stored, None if the request is to wait; nothing of it is remembered.

        Args:
            request: what is asked; what needs no store, or was answered and stored before, is answered.
            unstored: ids of the requests whose replies wait for the store.
            trouble: why the store cannot be written; empty while it may be over in a moment.
        """
        if request.verb in NEED_NO_STORE and request.verb in self._handlers:
            body = self._handlers[request.verb](request, {})
            return None if isinstance(body, Later) else _reply(request, ReplyStatus.OK, body)
        known = self._answered.get(request.request_id)
        if known is not None and request.request_id not in unstored:
            return known
        if not trouble:
            return None
        what = "this was taken in, but is not stored yet" if known is not None else "nothing was taken in"
        message = f"the store {trouble}. {what.capitalize()}; ask again later, with the same idempotency key"
        return _reply(request, ReplyStatus.UNAVAILABLE, {"message": message})

    def settle(self, command_id: str, status: ReplyStatus, body: dict[str, Any]) -> Reply | None:
        """A node has answered; the reply to the request that waited for it, if one did."""
        waiting = self._pending.pop(command_id, None)
        if waiting is None:
            return None
        self._in_hand.discard(waiting[0].request_id)
        return self._answer(waiting[0], status, body)

    def give_up(self, now_s: float) -> list[Reply]:
        """Replies to the requests whose node has not answered in time."""
        over = [command_id for command_id, (_, until_s) in self._pending.items() if until_s <= now_s]
        body = {"message": "the node did not answer in time; look at its state before trying again"}
        replies = [self.settle(command_id, ReplyStatus.UNAVAILABLE, body) for command_id in over]
        return [reply for reply in replies if reply is not None]

    def _handlers_of(self, request: Request) -> Handler:
        handler = self._handlers.get(request.verb)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            raise Refused(ReplyStatus.INVALID, f"request {request.verb!r} unknown; known: {known}")
        return handler

    def _answer(self, request: Request, status: ReplyStatus, body: dict[str, Any]) -> Reply:
        reply = _reply(request, status, body)
        self._answered[request.request_id] = reply
        if len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        return reply


def _reply(request: Request, status: ReplyStatus, body: dict[str, Any]) -> Reply:
    return Reply(
        status=status,
        request_id=request.request_id,
        client_id=request.client_id,
        body=msgspec.json.encode(body).decode(),
    )


def digest(body: dict[str, Any]) -> str:
    """What tells two submissions under one idempotency key apart."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


def repeated(earlier: RequestAdded, verb: str, body_sha256: str) -> dict[str, Any]:
    """The answer that was given to an idempotency key before.

    Raises:
        Refused: it was given for something else.
    """
    if (earlier.verb, earlier.body_sha256) != (verb, body_sha256):
        raise Refused(
            ReplyStatus.CONFLICT,
            f"idempotency key {earlier.idempotency_key!r} was used for another {earlier.verb}; use a new one",
        )
    answer: dict[str, Any] = msgspec.json.decode(earlier.reply)
    return answer


def _object(text: str) -> dict[str, Any]:
    if len(text) > MAX_BODY_BYTES:
        raise Refused(ReplyStatus.INVALID, f"request body of {len(text)} characters; at most {MAX_BODY_BYTES} allowed")
    try:
        body = msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError as error:
        raise Refused(ReplyStatus.INVALID, f"request body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused(ReplyStatus.INVALID, f"request body {body!r} is no object")
    return body
