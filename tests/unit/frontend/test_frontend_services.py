"""REST: services, workers and handlers."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hedgerow_frontend.serving.answers import (
    EpochList,
    HandlerList,
    InstanceList,
    PolicyAnswer,
    RateAnswer,
    ServiceAnswer,
    ServiceChanged,
    ServiceList,
    SourceList,
    TelemetryPage,
    TraceAnswer,
    WorkerAnswer,
    WorkerLinkList,
    WorkerList,
)
from hedgerow_frontend.serving.files import Empty, TooLarge, keep
from hedgerow_frontend.serving.preview_api import BOUNDARY, pictures
from hedgerow_frontend.serving.telemetry_page import started
from hedgerow_frontend.serving.traces import newest_stored
from hedgerow_idl import ReplyStatus
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.telemetry_testing import a_packet_row, all_telemetry
from hedgerow_orchestrator.store.writer import Store
from tests.unit.frontend import serving_story as story

API = "/api/v1/services"
WORKERS = "/api/v1/workers"
CHANGED = {"service_id": "s-1", "name": "faces", "state": "STOPPED", "wanted": "STOPPED", "epoch": 2, "reason": ""}
ACCEPTED = {"service_id": "s-1", "name": "faces", "state": "PREPARING", "epoch": 1}


class TracingReader(StoreReader):
    """The store's reader with the trace of one item."""

    def trace(self, service: str, sequence: int) -> dict[str, Any] | None:
        if sequence != 599:
            return None
        events = story.item_events()
        about = {"service_id": service, "service": "faces", "sequence": sequence}
        return {**about, "events": events, "hops": [], "total_s": 0.0475}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[Store, StoreReader]]:
    urls = (f"sqlite:///{tmp_path / 'hedgerow.sqlite'}", f"file://{tmp_path / 'blobs'}")
    migrate.upgrade(urls[0])
    writer = Store(*urls)
    writer.commit(story.serving_story())
    reader = TracingReader(*urls)
    yield writer, reader
    reader.close()
    writer.close()


@pytest.fixture
def app(make_app: Callable[..., Any], store: tuple[Store, StoreReader], tmp_path: Path) -> Any:
    return make_app(reader=store[1], home=tmp_path)


@pytest.fixture
def serving(app: Any) -> Any:
    """A test client over a store in which a service runs."""
    return app.test_client()


def test_a_blueprint_is_deployed(serving: Any, client: Any) -> None:
    client.answer("service.deploy", **ACCEPTED)
    reply = serving.post(API, json={"blueprint": story.BLUEPRINT, "name": "b"}, headers={"Idempotency-Key": "k"})
    assert (reply.status_code, reply.json, reply.headers["Location"]) == (202, ACCEPTED, f"{API}/s-1")
    body = {"blueprint": story.BLUEPRINT, "start": True, "name": "b", "idempotency_key": "k"}
    assert client.calls == [("service.deploy", body)]


def test_a_wrong_blueprint_is_a_400_with_its_field(serving: Any, client: Any) -> None:
    message = "'resise' unknown; known: resize"
    client.answer("service.deploy", ReplyStatus.INVALID, field="handlers[0].type", message=message)
    reply = serving.post(API, json={"blueprint": {"name": "b"}})
    assert (reply.status_code, reply.json["field"], reply.json["detail"]) == (400, "handlers[0].type", message)
    assert reply.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "blueprint"),
        ({"blueprint": "x = 1"}, "blueprint"),
        ({"blueprint": {}, "start": "yes"}, "start"),
        ({"blueprint": {}, "colour": 1}, "colour"),
        ({"blueprint": {}, "name": ""}, "name"),
    ],
)
def test_what_is_no_deployment_is_a_422(serving: Any, client: Any, body: Any, field: str) -> None:
    reply = serving.post(API, json=body)
    assert (reply.status_code, reply.json["field"]) == (422, field)
    assert client.calls == []


def test_nobody_answers(serving: Any, client: Any) -> None:
    client.unreachable = True
    for path, body in ((API, {"blueprint": {}}), (f"{WORKERS}/measure", {}), (f"{API}/faces/placement", {})):
        reply = serving.post(path, json=body)
        assert (reply.status_code, int(reply.headers["Retry-After"]) > 0) == (503, True)
    assert serving.get(API).status_code == 200


def test_a_blueprint_is_looked_at(serving: Any, client: Any) -> None:
    answer = {"ok": False, "problems": [{"field": "links", "message": "a cycle: a -> b -> a"}]}
    client.answer("service.check", **answer)
    assert serving.post(f"{API}/check", json={"blueprint": {"name": "x"}}).json == answer
    assert client.calls == [("service.check", {"blueprint": {"name": "x"}})]


def test_services_are_listed_and_shown(serving: Any) -> None:
    listed = ServiceList.model_validate(serving.get(API).json)
    assert [one.name for one in listed.items] == ["faces", "broken"]
    for key in ("faces", story.SERVICE_ID):
        shown = ServiceAnswer.model_validate(serving.get(f"{API}/{key}").json)
        assert (shown.epoch, len(shown.instances), shown.placement and shown.placement.cause) == (2, 7, "failover")


@pytest.mark.parametrize("path", [f"{API}/face", f"{API}/face/rates", f"{API}/face/epochs", f"{API}/face/trace"])
def test_an_unknown_service_is_answered_with_the_known_ones(serving: Any, path: str) -> None:
    reply = serving.get(path)
    assert (reply.status_code, reply.json["detail"]) == (404, "service 'face' unknown; known: broken, faces")


def test_epochs_and_instances_are_listed(serving: Any) -> None:
    epochs = EpochList.model_validate(serving.get(f"{API}/faces/epochs").json).items
    assert [(one.epoch, one.cause) for one in epochs] == [(2, "failover"), (1, "deploy")]
    starts = InstanceList.model_validate(serving.get(f"{API}/faces/instances").json).items
    assert len(starts) == 8
    assert {one.exit_code for one in starts} == {None, 9}


def test_rates_are_differences_of_reports(serving: Any, store: tuple[Store, StoreReader]) -> None:
    first = RateAnswer.model_validate(serving.get(f"{API}/faces/rates").json)
    assert (first.over_s, first.throughput_per_s, first.predicted_throughput_per_s) == (None, None, 10.0)
    later = story.BEGAN_AT_S + 64
    store[0].commit(story.worker_rows("worker-roof", story.ROOF, later, 640))
    store[0].commit(story.worker_rows("worker-shed", story.SHED, later, 636))
    second = RateAnswer.model_validate(serving.get(f"{API}/faces/rates").json)
    assert (second.over_s, second.throughput_per_s) == (4.0, 9.0)
    stages = {(one.name, one.replica): one for one in second.stages}
    # What is sent over two links, or comes in at two ports, is one item; what has no inputs takes none.
    assert (stages["camera", 0].in_per_s, stages["camera", 0].out_per_s) == (None, 10.0)
    assert (stages["draw", 0].in_per_s, stages["draw", 0].out_per_s) == (9.0, 9.0)
    assert (stages["screen", 0].in_per_s, stages["screen", 0].out_per_s) == (9.0, None)
    assert stages["recognise", 1].in_per_s == 4.5
    assert stages["recognise", 1].predicted_s == 0.030
    assert stages["detect", 0].ratio == pytest.approx(1.1)
    assert (stages["draw", 0].predicted_s, stages["draw", 0].ratio) == (None, None)
    assert stages["detect", 0].restarts == 1


def test_a_restart_counts_anew(serving: Any, store: tuple[Store, StoreReader]) -> None:
    serving.get(f"{API}/faces/rates")
    store[0].commit(story.worker_rows("worker-shed", story.SHED, story.BEGAN_AT_S + 64, 10))
    answer = serving.get(f"{API}/faces/rates").json
    assert {one["in_per_s"] for one in answer["stages"] if one["node"] == "worker-shed"} == {None}


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_a_service_is_started_and_stopped(serving: Any, client: Any, verb: str) -> None:
    client.answer(f"service.{verb}", **CHANGED)
    assert ServiceChanged.model_validate(serving.post(f"{API}/faces/{verb}").json).state == "STOPPED"
    assert client.calls == [(f"service.{verb}", {"service": "faces"})]
    client.answer(f"service.{verb}", ReplyStatus.CONFLICT, message="faces is DELETED")
    assert serving.post(f"{API}/faces/{verb}").status_code == 409


def test_a_service_is_deleted(serving: Any, client: Any) -> None:
    client.answer("service.delete", service_id="s-1", state="DELETED")
    assert serving.delete(f"{API}/faces").json["state"] == "DELETED"


def test_a_service_is_placed_and_an_instance_moved(serving: Any, client: Any) -> None:
    answer = {"changed": True, "verdict": "applied", "reason": "as told", "predicted": {}, "epoch": 3}
    client.answer("service.place", **answer)
    body = {"placement": {"detect": "worker-shed"}, "boundaries": {"net": [40]}, "dry_run": True}
    assert serving.post(f"{API}/faces/placement", json=body).json == answer
    client.answer("service.migrate", intent_id="i", state="ACCEPTED", reason="")
    assert serving.post(f"{API}/faces/migrate", json={"handler": "detect", "to": "w"}).status_code == 200
    assert client.calls == [
        ("service.place", {"service": "faces", **body}),
        ("service.migrate", {"service": "faces", "handler": "detect", "to": "w"}),
    ]
    client.answer("service.migrate", ReplyStatus.INVALID, field="to", message="worker 'w' unknown; known: a")
    assert serving.post(f"{API}/faces/migrate", json={"handler": "detect", "to": "w"}).status_code == 400


def test_json_is_inferred(serving: Any, client: Any) -> None:
    answer = {"output": {"type": "record", "value": {"n": 2}}, "sequence": 4, "took_s": 0.1}
    client.answer("service.infer", **answer)
    given = {"type": "record", "value": {"n": 1}}
    assert serving.post(f"{API}/faces/infer", json={"input": given, "timeout_s": 2.0}).json == answer
    record = {"service": "faces", "type": "record", "input": {"n": 1}, "timeout_s": 2.0}
    assert client.calls == [("service.infer", record)]
    serving.post(f"{API}/faces/infer", json={"input": {"type": "text", "text": "x"}})
    assert client.calls[1][1] == {"service": "faces", "type": "text", "input": {"text": "x"}, "timeout_s": 10.0}
    assert serving.post(f"{API}/faces/infer", json={"input": 1}).json["field"] == "input"
    assert serving.post(f"{API}/faces/infer", json={"input": {}, "timeout_s": 0}).json["field"] == "timeout_s"


def test_a_small_picture_travels_within_the_request(serving: Any, client: Any, tmp_path: Path) -> None:
    client.answer("service.infer", output={}, sequence=0, took_s=0.1)
    reply = serving.post(f"{API}/faces/infer?timeout_s=3", data=b"\xff\xd8", content_type="image/jpeg")
    assert reply.status_code == 200
    [(_, body)] = client.calls
    value = {"media_type": "image/jpeg", "data": base64.b64encode(b"\xff\xd8").decode()}
    assert body == {"service": "faces", "type": "encoded_image", "input": value, "timeout_s": 3.0}
    assert not (tmp_path / "uploads").exists()


def test_a_large_picture_is_kept_as_a_file(serving: Any, client: Any, tmp_path: Path) -> None:
    client.answer("service.infer", output={}, sequence=0, took_s=0.1)
    picture = os.urandom(300_000)
    digest = hashlib.sha256(picture).hexdigest()
    (tmp_path / "uploads").mkdir()
    stale = tmp_path / "uploads" / "stale.jpg"
    stale.write_bytes(b"old")
    os.utime(stale, (time.time() - 3600,) * 2)
    for _ in range(2):
        assert serving.post(f"{API}/faces/infer", data=picture, content_type="image/png").status_code == 200
    [file] = (tmp_path / "uploads").iterdir()
    assert file.read_bytes() == picture
    value = client.calls[0][1]["input"]
    assert value == {
        "media_type": "image/png",
        "path": str(tmp_path / "uploads" / f"{digest}.png"),
        "sha256": digest,
        "size_bytes": 300_000,
    }


@pytest.mark.parametrize(("data", "kind", "status"), [(b"x", "text/plain", 415), (b"", "image/jpeg", 422)])
def test_a_body_that_is_no_input(serving: Any, client: Any, data: bytes, kind: str, status: int) -> None:
    assert serving.post(f"{API}/faces/infer", data=data, content_type=kind).status_code == status
    assert client.calls == []


def test_an_input_that_is_too_large(make_app: Any, store: Any, client: Any, tmp_path: Path) -> None:
    web = make_app(reader=store[1], home=tmp_path, input_max_bytes=60_000).test_client()
    reply = web.post(f"{API}/faces/infer", data=b"x" * 60_001, content_type="image/jpeg")
    assert (reply.status_code, reply.json["code"]) == (422, "too_large")
    assert "at most 60000" in reply.json["detail"]
    assert client.calls == []


def test_a_model_is_kept_by_its_digest(serving: Any, tmp_path: Path) -> None:
    model = os.urandom(400_000)
    digest = hashlib.sha256(model).hexdigest()
    reply = serving.post("/api/v1/models", data=model, content_type="application/octet-stream")
    assert (reply.status_code, reply.json) == (
        201,
        {"model": f"upload:{digest}", "sha256": digest, "size_bytes": 400_000},
    )
    assert (tmp_path / "models" / f"{digest}.onnx").read_bytes() == model
    assert serving.post("/api/v1/models", data=b"", content_type="application/octet-stream").status_code == 422
    assert serving.post("/api/v1/models", json={}).status_code == 415


def test_a_model_that_is_too_large_leaves_nothing(make_app: Any, store: Any, tmp_path: Path) -> None:
    web = make_app(reader=store[1], home=tmp_path, model_max_bytes=1000).test_client()
    reply = web.post("/api/v1/models", data=b"x" * 1001, content_type="application/octet-stream")
    assert (reply.status_code, reply.json["code"]) == (422, "too_large")
    assert list(tmp_path.glob("models/*")) == []


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise OSError("the line is down")

    with pytest.raises(OSError, match="line is down"):
        keep(Broken(), tmp_path, ".bin", 10)  # type: ignore[arg-type]
    for content, error in ((b"", Empty), (b"12345", TooLarge)):
        (tmp_path / "given").write_bytes(content)
        with (tmp_path / "given").open("rb") as stream, pytest.raises(error):
            keep(stream, tmp_path / "kept", ".bin", 4)
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_packet_is_traced(serving: Any) -> None:
    newest = TraceAnswer.model_validate(serving.get(f"{API}/faces/trace").json)
    assert (newest.sequence, len(newest.events)) == (599, 10)
    unseen = TraceAnswer.model_validate(serving.get(f"{API}/faces/trace?sequence=5").json)
    assert (unseen.sequence, unseen.events, unseen.total_s) == (5, [], None)
    assert serving.get(f"{API}/faces/trace?sequence=-1").json["field"] == "sequence"


def test_workers_are_listed_and_shown(serving: Any) -> None:
    listed = WorkerList.model_validate(serving.get(WORKERS).json).items
    assert [(one.name, one.is_cordoned) for one in listed] == [
        ("worker-gone", False),
        ("worker-roof", False),
        ("worker-shed", True),
    ]
    shown = WorkerAnswer.model_validate(serving.get(f"{WORKERS}/worker-roof").json)
    assert (shown.info["cores"], shown.status["power_w"], len(shown.catalogue)) == (4, None, 6)
    reply = serving.get(f"{WORKERS}/x")
    assert reply.json["detail"] == "worker 'x' unknown; known: worker-gone, worker-roof, worker-shed"


@pytest.mark.parametrize("verb", ["cordon", "uncordon", "drain"])
def test_what_a_worker_takes_is_passed_on(serving: Any, client: Any, verb: str) -> None:
    answer = {"node_id": "w", "name": "worker-roof", "is_cordoned": True, "is_draining": False}
    client.answer(f"worker.{verb}", **answer, reason="new disk", intent_id="")
    reply = serving.post(f"{WORKERS}/worker-roof/{verb}", json={"reason": "new disk"})
    assert PolicyAnswer.model_validate(reply.json).is_cordoned
    assert client.calls == [(f"worker.{verb}", {"worker": "worker-roof", "reason": "new disk"})]
    assert serving.post(f"{WORKERS}/worker-roof/{verb}", json={"reason": 1}).json["field"] == "reason"


def test_links_are_measured(serving: Any, client: Any) -> None:
    client.answer("worker.measure", links=[])
    assert serving.post(f"{WORKERS}/measure", json={}).json == {"links": []}
    serving.post(f"{WORKERS}/measure", json={"workers": ["a", "b"]})
    assert [body for _, body in client.calls] == [{}, {"workers": ["a", "b"]}]
    assert serving.post(f"{WORKERS}/measure", json={"workers": ["a"]}).json["field"] == "workers"


def test_handlers_are_those_of_the_workers_that_are_there(serving: Any) -> None:
    found = HandlerList.model_validate(serving.get("/api/v1/handlers").json).items
    assert [one.name for one in found] == sorted(each["name"] for each in story.CATALOGUE)
    assert {tuple(one.workers) for one in found} == {("worker-roof", "worker-shed")}


def test_a_preview_is_motion_jpeg(serving: Any, tmp_path: Path) -> None:
    folder = tmp_path / "workers" / "worker-shed" / story.SERVICE_ID / story.logical("screen")
    folder.mkdir(parents=True)
    (folder / "preview.jpg").write_bytes(b"\xff\xd8one")
    reply = serving.get(f"{API}/faces/preview/screen", buffered=False)
    assert reply.headers["Content-Type"] == f"multipart/x-mixed-replace; boundary={BOUNDARY}"
    parts = reply.response
    assert next(parts) == f"--{BOUNDARY}\r\n".encode()
    assert b"\xff\xd8one" in next(parts)
    reply.close()
    other = serving.get(f"{API}/faces/preview/draw")
    assert (other.status_code, "it has: screen" in other.json["detail"]) == (404, True)


def test_previews_are_bounded_and_given_back(make_app: Any, store: Any, tmp_path: Path) -> None:
    web = make_app(reader=store[1], home=tmp_path, previews_max=1).test_client()
    first = web.get(f"{API}/faces/preview/screen", buffered=False)
    assert web.get(f"{API}/faces/preview/screen").status_code == 503
    first.close()
    again = web.get(f"{API}/faces/preview/screen", buffered=False)
    assert again.status_code == 200
    again.close()


def test_each_picture_comes_once_and_silence_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "preview.jpg"
    now = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds
        slept.append(seconds)
        if len(slept) == 3:
            (tmp_path / "fresh").write_bytes(b"two")
            (tmp_path / "fresh").replace(file)

    file.write_bytes(b"one")
    found = list(pictures(file, gone=lambda: False, silence_s=1.0, clock=lambda: now[0], sleep=sleep))
    assert [part.split(b"\r\n\r\n")[1].split(b"\r\n")[0] for part in found[1:]] == [b"one", b"two"]
    assert next(iter(pictures(tmp_path / "none", gone=lambda: True))) == f"--{BOUNDARY}\r\n".encode()


@pytest.mark.parametrize("kind", ["sys_info", "proc_info", "packet_info"])
def test_telemetry_is_listed_and_shown(serving: Any, store: tuple[Store, StoreReader], kind: str) -> None:
    store[0].commit(all_telemetry())
    page = TelemetryPage.model_validate(serving.get(f"/api/v1/telemetry/{kind}").json)
    assert len(page.items) == 1
    assert page.items[0]["node_ID"] == 1
    assert TelemetryPage.model_validate(serving.get(f"/api/v1/telemetry/{kind}?worker=nobody").json).items == []
    shown = serving.get(f"/telemetry?kind={kind}", headers={"Accept": "text/html"})
    assert shown.status_code == 200
    assert "No such row is stored" not in shown.text
    assert "12.5 MB/s" in shown.text


def test_telemetry_of_a_kind_that_there_is_not(serving: Any) -> None:
    reply = serving.get("/api/v1/telemetry/gpu_info")
    assert (reply.status_code, reply.json["field"]) == (422, "kind")
    assert serving.get("/api/v1/telemetry/sys_info?cursor=x").json["field"] == "cursor"
    assert "known: limit, cursor, service" in serving.get("/api/v1/telemetry/sys_info?of=x").json["detail"]
    assert serving.get("/telemetry?kind=x", headers={"Accept": "text/html"}).status_code == 422


def test_links_and_sources_are_listed(serving: Any, store: tuple[Store, StoreReader]) -> None:
    store[0].commit(all_telemetry())
    [link] = WorkerLinkList.model_validate(serving.get("/api/v1/telemetry/links").json).items
    assert (link.from_, link.to, link.latency_s) == ("worker-roof", "worker-shed", 0.0021)
    assert len(SourceList.model_validate(serving.get("/api/v1/telemetry/sources").json).items) == 1


def test_the_page_of_telemetry_filters_and_names_its_columns(serving: Any, store: tuple[Store, StoreReader]) -> None:
    store[0].commit(all_telemetry())
    [row] = serving.get("/api/v1/telemetry/packet_info").json["items"]
    asked = {"kind": "packet_info", "service": row["service"], "worker": row["node"], "handler": row["handler"]}
    asked |= {"sequence": str(row["sequence"]), "event": row["event"]}
    text = serving.get("/telemetry", query_string=asked).text
    for head in ("Item", "Event", "Size"):
        assert f">{head}</th>" in text
    assert row["at"].removesuffix("Z").partition("+")[0].replace("T", " ") in text
    assert f"<option selected>{row['event']}</option>" in text
    for other in ({"sequence": str(row["sequence"] + 1)}, {"event": "drop"}, {"age": "60"}, {"worker": "nobody"}):
        assert "No such row is stored" in serving.get("/telemetry", query_string=asked | other).text
    assert serving.get("/telemetry?kind=packet_info&sequence=x", headers={"Accept": "text/html"}).status_code == 422


def test_a_start_of_a_worker_is_a_time_not_a_number(serving: Any, store: tuple[Store, StoreReader]) -> None:
    store[0].commit(all_telemetry())
    [source] = serving.get("/api/v1/telemetry/sources").json["items"]
    assert started(1_795_755_236_403_530_000) == "2026-11-27T04:53:56.403+00:00"
    assert started(source["incarnation"]) is None
    assert "No worker has reported rows yet" not in serving.get("/telemetry").text


def test_the_newest_item_that_is_stored_is_traced(serving: Any, store: tuple[Store, StoreReader], app: Any) -> None:
    store[0].commit(all_telemetry())
    [row] = serving.get("/api/v1/telemetry/packet_info").json["items"]
    store[0].commit([a_packet_row(row_number, event="end", sequence_number=row_number) for row_number in (8, 9)])
    ends = {"links": [], "instances": [{"logical_id": row["logical_id"], "name": row["handler"]}]}
    with app.app_context():
        assert newest_stored(row["service_id"], ends) == 9
        other = {"logical_id": "never-heard-of", "name": "other"}
        assert newest_stored(row["service_id"], {**ends, "instances": [*ends["instances"], other]}) is None
        assert newest_stored(row["service_id"], {}) is None
