"""What a status of the hub means, and the way out of it."""

from __future__ import annotations

import email.utils
import time
from typing import Any, NoReturn

from hedgerow_nodes.estimators.hub.interface import AccessDenied, HubBusy, HubUnreachable, ModelUnknown

_MOST_WAIT_S = 86_400.0
_HIDDEN_OR_MISSING = "; the hub hides what it does not show without a token, so it may also need one"
_HOW_TO_TOKEN = (
    "ask for access on the model's page, then put a token into HF_TOKEN, or into the file that HF_TOKEN_PATH names, "
    "of the process that asks"
)


def refuse(status: int, headers: Any, with_token: bool) -> NoReturn:
    """Raise the error that a status means; nothing of the answer's text is taken over.

    Raises:
        HubError: always.
    """
    code = str(headers.get("X-Error-Code") or "") if headers else ""
    if status == 404 or code in ("RepoNotFound", "RevisionNotFound", "EntryNotFound"):
        what = {"RevisionNotFound": "revision", "EntryNotFound": "file"}.get(code, "model")
        raise ModelUnknown(f"the hub has no such {what}{'' if with_token else _HIDDEN_OR_MISSING}")
    if status in (401, 403):
        why = "the token that was shown does not open it" if with_token else "no token was shown"
        raise AccessDenied(f"the hub gives this to those who have access only ({status}; {why}): {_HOW_TO_TOKEN}")
    if status in (429, 503):
        after_s = _seconds(str(headers.get("Retry-After") or "")) if headers else None
        when = "later" if after_s is None else f"after {after_s:.0f} s"
        raise HubBusy(f"the hub takes no more requests for now ({status}): try again {when}", after_s)
    raise HubUnreachable(f"the hub answered {status}")


def _seconds(text: str) -> float | None:
    """The wait that a Retry-After header means, as seconds or as a date; None if it is neither."""
    if text.strip().isdecimal():
        return min(float(text), _MOST_WAIT_S)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
