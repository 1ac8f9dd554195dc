"""The tables of serving: what is written comes back to the orchestrator at its start and to the front end's reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from hedgerow_orchestrator.store.errors import StoreError
from hedgerow_orchestrator.store.serving_testing import (
    SERVICE_ID,
    a_policy,
    a_service,
    a_worker,
    an_epoch,
    an_instance,
    an_intent,
)
from hedgerow_orchestrator.store.testing import DATABASES, NODE_ID, StorePlace, a_node, new_place


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    with new_place(tmp_path, request.param) as place:
        yield place


def test_a_restart_finds_what_is_not_over(place: StorePlace) -> None:
    old, retired, gone = an_epoch(1, state="RETIRED", retired_at_s=9.0), an_epoch(3, state="FAILED"), "gone"
    deleted = a_service(gone, name="older", state="DELETED", wanted="DELETED")
    with place.writer() as store:
        store.commit([a_service(epoch=2), old, an_epoch(2), retired, an_instance(), deleted, an_epoch(7, gone)])
        store.commit([an_instance("other", service_id=gone), a_policy(), an_intent(), an_intent("i", state="DONE")])
        store.commit([a_worker(), a_node(name="worker-1", kind="worker")])
        found = store.serving()
    assert [each.service for each in found.services] == [a_service(epoch=2)]
    assert (found.services[0].epochs, found.services[0].instances) == ([an_epoch(2)], [an_instance()])
    assert found.services[0].last_epoch == 3
    assert (found.policies, found.intents) == ([a_policy()], [an_intent()])
    assert found.worker_names == {NODE_ID: "worker-1"}


def test_a_row_replaces_the_one_before(place: StorePlace) -> None:
    with place.writer() as store:
        store.commit([a_service(), an_epoch()])
        store.commit([a_service(state="STOPPED"), an_epoch(state="DRAINING")])
        (found,) = store.serving().services
    assert (found.service.state, [epoch.state for epoch in found.epochs]) == ("STOPPED", ["DRAINING"])


def test_a_state_that_does_not_exist_is_refused(place: StorePlace) -> None:
    with place.writer() as store, pytest.raises((StoreError, sqlalchemy.exc.IntegrityError)):
        store.commit([a_service(state="DREAMING")])


def test_the_reader_tells_a_service_whole(place: StorePlace) -> None:
    ended = an_instance("older", ended_at_s=1_000.5, state="FAILED", exit_code=-9)
    with place.writer() as store, place.reader() as reader:
        store.commit([a_service(), an_epoch(), an_epoch(2, state="PREPARING"), an_instance(), ended])
        store.commit([a_service("gone", state="DELETED")])
        assert [each["service_id"] for each in reader.services()] == [SERVICE_ID]
        assert len(reader.services(deleted=True)) == 2
        found = reader.service("faces")
        assert found is not None
        assert (found["service_id"], found["plan"], found["blueprint"]) == (SERVICE_ID, {"epoch": 1}, {"name": "faces"})
        assert found["placement"]["predicted"] == {"throughput_hz": 10.0}
        assert [each["physical_id"] for each in found["instances"]] == ["physical-1"]
        assert [each["epoch"] for each in reader.service_epochs(SERVICE_ID)] == [2, 1]
        assert [each["exit_code"] for each in reader.service_instances(SERVICE_ID)] == [-9, None]
        assert reader.service("nobody") is None


def test_the_reader_tells_workers_and_the_union_of_their_handlers(place: StorePlace) -> None:
    with place.writer() as store, place.reader() as reader:
        store.commit([a_worker(), a_node(name="worker-1", kind="worker"), a_policy(), a_worker("second")])
        store.commit([a_node("second", "worker-2", kind="worker", state="INACTIVE"), an_intent()])
        first, second = reader.workers()
        assert (first["name"], first["is_cordoned"], first["reason"]) == ("worker-1", True, "new disk")
        assert (second["is_cordoned"], second["state"]) == (False, "INACTIVE")
        assert reader.worker("worker-1") == first == reader.worker(NODE_ID)
        assert [(each["name"], each["workers"]) for each in reader.handlers()] == [("resize", ["worker-1"])]
        assert [each["intent_id"] for each in reader.intents(pending=True)] == ["intent-1"]
