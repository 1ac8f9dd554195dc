"""REST: the hub is searched, quickly or not at all, and without the operator's token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from hedgerow_frontend import hub_models
from hedgerow_frontend.hub_answers import HubSearchAnswer
from tests.unit.nodes.fake_hub import FakeHub, Repository, running

TOKEN = "hf_SecretOfTheHedge0123456789"
ADDRESS = "/api/v1/hub/models"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with running() as found:
        found.repositories["garden/opus"] = Repository({}, {"pipeline_tag": "translation", "downloads": 5})
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield found


def test_models_are_found_and_remembered(web: Any, fake: FakeHub) -> None:
    reply = web.get(ADDRESS, query_string={"search": "opus", "task": "translation"})
    assert reply.status_code == 200
    answer = HubSearchAnswer.model_validate(reply.json)
    assert [(model.id, model.required_model, model.likes) for model in answer.models] == [
        ("garden/opus", "hf:garden/opus", None)
    ]
    assert web.get(ADDRESS, query_string={"search": "opus", "task": "translation"}).json == reply.json
    assert len(fake.seen) == 1
    assert TOKEN not in str(fake.seen)


def test_what_cannot_be_searched_is_told(web: Any, fake: FakeHub) -> None:
    for query, field in (({}, "search"), ({"search": "x", "limit": "0"}, "limit"), ({"search": "x", "n": "1"}, "n")):
        reply = web.get(ADDRESS, query_string=query)
        assert (reply.status_code, reply.json["field"]) == (422, field)
    reply = web.get(ADDRESS, query_string={"search": "x", "task": "no-such-task"})
    assert (reply.status_code, reply.json["field"]) == (422, "task")


def test_a_hub_that_is_away_is_a_503_or_a_504(web: Any, fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.status = (429, {"Retry-After": "17"})
    reply = web.get(ADDRESS, query_string={"search": "busy"})
    assert (reply.status_code, reply.json["code"], reply.headers["Retry-After"]) == (503, "hub_busy", "17")
    assert reply.mimetype == "application/problem+json"
    fake.status = None
    fake.delay_s = 6.0
    began_s = time.monotonic()
    reply = web.get(ADDRESS, query_string={"search": "slow"})
    assert (reply.status_code, reply.json["code"]) == (504, "hub_timed_out")
    assert time.monotonic() - began_s < 5.0
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    reply = web.get(ADDRESS, query_string={"search": "gone"})
    assert (reply.status_code, reply.json["code"]) == (503, "hub_unreachable")
    monkeypatch.setenv("HF_ENDPOINT", "nowhere")
    assert web.get(ADDRESS, query_string={"search": "gone"}).json["code"] == "hub_settings"


def test_a_slow_hub_keeps_few_threads(web: Any, fake: FakeHub) -> None:
    taken = [hub_models._slots.acquire(blocking=False) for _ in range(hub_models.MOST_AT_ONCE)]
    try:
        assert all(taken)
        reply = web.get(ADDRESS, query_string={"search": "full"})
        assert (reply.status_code, reply.json["code"]) == (503, "unavailable")
    finally:
        for _ in taken:
            hub_models._slots.release()
    assert not fake.seen


def test_the_form_says_how_a_model_of_the_hub_is_named(web: Any) -> None:
    assert "hf:OWNER/NAME of the hub" in web.get("/").text
