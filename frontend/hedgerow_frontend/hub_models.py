"""REST: models of a hub, for a problem's `required_model`."""

from __future__ import annotations

import functools
import threading
from http import HTTPStatus
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.hub_answers import HubQuery, HubSearchAnswer
from hedgerow_frontend.problem_details import ApiError, field_error
from hedgerow_frontend.wishes import unavailable
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.estimators.hub.access import Access
from hedgerow_nodes.estimators.hub.desk import CACHE_FOLDER
from hedgerow_nodes.estimators.hub.hugging_face import HuggingFace
from hedgerow_nodes.estimators.hub.interface import HubBusy, HubError, HubTimedOut
from hedgerow_nodes.estimators.hub.plain import search_object
from hedgerow_nodes.estimators.hub.searching import Remembered
from hedgerow_nodes.estimators.text.tasks import UnknownGoal

# A search asks the hub twice at most, so its answer or its error is there within 5 s.
ANSWER_TIMEOUT_S = 2.5
# So that a hub that is slow keeps only these threads of the server.
MOST_AT_ONCE = 4

blueprint = APIBlueprint(
    "hub",
    __name__,
    url_prefix=f"{API}/hub",
    abp_tags=[Tag(name="hub", description="Models that are not in the catalogue.")],
)
_slots = threading.BoundedSemaphore(MOST_AT_ONCE)


@blueprint.get("/models", responses={200: HubSearchAnswer, **errors(422, 503, 504)})
def hub_models(query: HubQuery) -> dict[str, Any]:
    """Look for models on the hub; the answer is the same for some minutes."""
    if not _slots.acquire(blocking=False):
        raise unavailable(f"{MOST_AT_ONCE} searches of the hub are going on already; try again in a moment")
    try:
        return search_object(_searches().search(query.search, query.task, query.limit))
    except UnknownGoal as error:
        raise field_error("task", str(error)) from None
    except HubTimedOut as error:
        raise ApiError(HTTPStatus.GATEWAY_TIMEOUT, "hub_timed_out", str(error)) from None
    except HubBusy as error:
        after_s = 60.0 if error.retry_after_s is None else error.retry_after_s
        raise _away(error, {"Retry-After": f"{after_s:.0f}"}) from None
    except HubError as error:
        raise _away(error, {}) from None
    finally:
        _slots.release()


def _searches() -> Remembered:
    """Without the operator's token: who may ask the front end need not see what that token may see."""
    access = Access.read()
    return _searches_at(access.endpoint, access.offline)


@functools.lru_cache(maxsize=4)
def _searches_at(endpoint: str, offline: bool) -> Remembered:
    access = Access(endpoint, offline=offline)
    return Remembered(HuggingFace(access, Environment.read().home / CACHE_FOLDER, ANSWER_TIMEOUT_S))


def _away(error: HubError, headers: dict[str, str]) -> ApiError:
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error.code.lower(), str(error), headers=headers)
