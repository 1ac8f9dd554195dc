"""Pages of services, workers and handlers, and what their forms do."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hedgerow_frontend.serving.example_blueprints import EXAMPLES
from hedgerow_idl import ReplyStatus
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.writer import Store
from tests.unit.frontend import serving_story as story

HTML = {"Accept": "text/html"}
TOML = 'name = "faces"\n[[handlers]]\nname = "camera"\ntype = "generator"\n'


class TracingReader(StoreReader):
    """The store's reader with the trace of one item."""

    def trace(self, service: str, sequence: int) -> dict[str, Any] | None:
        events = story.item_events() if sequence == 599 else []
        about = {"service_id": service, "service": "faces", "sequence": sequence}
        return {**about, "events": events, "hops": [], "total_s": None}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    folder: Path = tmp_path_factory.mktemp("serving")
    urls = (f"sqlite:///{folder / 'hedgerow.sqlite'}", f"file://{folder / 'blobs'}")
    migrate.upgrade(urls[0])
    writer = Store(*urls)
    writer.commit(story.serving_story())
    found = TracingReader(*urls)
    yield found
    found.close()
    writer.close()


@pytest.fixture
def pages(make_app: Callable[..., Any], reader: StoreReader) -> Any:
    return make_app(reader=reader).test_client()


def drawing_in(text: str, name: str) -> ElementTree.Element:
    found = re.search(rf'<svg(?:(?!</svg>).)*id="{name}-title".*?</svg>', text, re.DOTALL)
    assert found is not None
    return ElementTree.fromstring(found.group())


def words_of(element: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in element.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("path", ["/services", "/services/faces", "/workers", "/workers/worker-roof", "/handlers"])
def test_a_page_is_there_and_escapes(pages: Any, path: str) -> None:
    reply = pages.get(path, headers=HTML)
    assert reply.status_code == 200
    for hostile in ("<needs 64 GB>", "T4 <16>", "pixels <wide>"):
        assert hostile not in reply.text
    assert 'aria-current="page"' in reply.text


def test_services_show_why_they_failed(pages: Any) -> None:
    text = pages.get("/services").text
    assert "no worker can host" in text
    assert f"/services/{story.SERVICE_ID}" in text


def test_the_graph_stands_in_the_lanes_of_its_workers(pages: Any) -> None:
    words = words_of(drawing_in(pages.get("/services/faces").text, "graph"))
    assert {"worker-roof", "worker-shed", "camera", "recognise #0", "recognise #1"} <= set(words)


def test_what_is_not_placed_is_drawn_from_its_blueprint(make_app: Callable[..., Any], tmp_path: Path) -> None:
    urls = (f"sqlite:///{tmp_path / 'hedgerow.sqlite'}", f"file://{tmp_path / 'blobs'}")
    migrate.upgrade(urls[0])
    writer = Store(*urls)
    rows = [row for row in story.serving_story() if getattr(row, "name", "") == "faces"]
    rows[0].state, rows[0].epoch = "PREPARING", 0  # type: ignore[union-attr]
    writer.commit(rows)
    reader = StoreReader(*urls)
    text = make_app(reader=reader).test_client().get("/services/faces").text
    assert {"not placed", "camera", "recognise"} <= set(words_of(drawing_in(text, "graph")))
    assert "Nothing is placed yet; this page shows when it is." in text
    reader.close()
    writer.close()


def test_predicted_stands_beside_real_and_epochs_have_reasons(pages: Any) -> None:
    text = pages.get("/services/faces").text
    for shown in (
        "45.1 ms",
        "41 ms",
        "1.10",
        "failover",
        "worker-gone was lost",
        "exit code 9",
        "1 restart",
        "7 dropped",
    ):
        assert shown in text
    assert "detect is the slowest stage" in text


def test_the_way_of_an_item_is_a_waterfall(pages: Any) -> None:
    words = words_of(drawing_in(pages.get("/services/faces?sequence=").text, "waterfall"))
    for row in ("detect on worker-roof", "camera → detect", "40.9 ms", "end unknown", "dropped"):
        assert row in words
    assert "Nothing is known of item 5" in pages.get("/services/faces?sequence=5").text
    assert pages.get("/services/faces?sequence=x").status_code == 200


def test_a_blueprint_is_deployed_by_text_and_by_file(pages: Any, client: Any) -> None:
    client.answer("service.deploy", service_id="s-1", name="faces", state="PREPARING", epoch=1)
    reply = pages.post("/services", data={"blueprint": TOML.replace("\n", "\r\n"), "name": "b", "stopped": "yes"})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/services/s-1")
    file = (io.BytesIO(json.dumps(story.BLUEPRINT).encode()), "b.json")
    pages.post("/services", data={"file": file, "blueprint": ""}, content_type="multipart/form-data")
    (_, first), (_, second) = client.calls
    assert first["blueprint"]["handlers"] == [{"name": "camera", "type": "generator"}]
    assert (first["name"], first["start"]) == ("b", False)
    assert (second["blueprint"], second["start"]) == (story.BLUEPRINT, True)
    assert first["idempotency_key"] != second["idempotency_key"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "is empty"), ("x = ", "is no TOML"), ("{x", "is no JSON object"), ("x = 1979", "")],
)
def test_what_cannot_be_read_comes_back_with_the_reason(pages: Any, client: Any, text: str, message: str) -> None:
    client.answer("service.deploy", ReplyStatus.INVALID, field="x", message="is unknown; known: name")
    reply = pages.post("/services", data={"blueprint": text}, headers=HTML)
    assert reply.status_code == (422 if message else 400)
    assert (message or "is unknown; known: name") in reply.text
    assert 'aria-invalid="true"' in reply.text
    assert text in reply.text


def test_a_refusal_names_its_field_once(pages: Any, client: Any) -> None:
    message = "handlers[0].type: 'x' is in no worker's catalogue; known: log"
    client.answer("service.deploy", ReplyStatus.INVALID, field="handlers[0].type", message=message)
    text = pages.post("/services", data={"blueprint": TOML}, headers=HTML).text
    assert "<code>handlers[0].type</code> &#39;x&#39; is in no worker&#39;s catalogue" in text
    assert text.count("handlers[0].type") == 1


def test_a_file_that_is_no_blueprint_is_refused_by_its_size(pages: Any, client: Any) -> None:
    file = (io.BytesIO(b"#" * 200_001), "b.toml")
    reply = pages.post("/services", data={"file": file, "blueprint": "x = 1"}, content_type="multipart/form-data")
    assert (reply.status_code, "at most 200000 bytes" in reply.text, client.calls) == (422, True, [])


def test_examples_fill_the_form(pages: Any) -> None:
    text = pages.get("/services").text
    for name in EXAMPLES:
        assert f"/services?example={name}#deploy" in text
        assert f"name = &#34;{name}&#34;" in pages.get(f"/services?example={name}").text
    assert pages.get("/services?example=none").status_code == 200


def test_a_blueprint_is_only_checked(pages: Any, client: Any) -> None:
    client.answer("service.check", ok=False, problems=[{"field": "links[0].to", "message": "no port 'imgae'"}])
    text = pages.post("/services", data={"blueprint": TOML, "do": "check"}).text
    assert "<code>links[0].to</code> no port" in text
    plan = {"places": {"camera#0": "worker-roof"}, "predicted": {}}
    client.answer("service.check", ok=True, problems=[], plan=plan)
    assert "camera on worker-roof" in pages.post("/services", data={"blueprint": TOML, "do": "check"}).text
    assert [verb for verb, _ in client.calls] == ["service.check"] * 2


@pytest.mark.parametrize(
    ("order", "state", "told"),
    [
        ("start", "STOPPED", "faces is being started."),
        ("stop", "RUNNING", "faces is being stopped."),
        ("stop", "STOPPED", "faces is stopped."),
        ("delete", "RUNNING", "faces is being deleted."),
    ],
)
def test_buttons_order(pages: Any, client: Any, order: str, state: str, told: str) -> None:
    client.answer(f"service.{order}", service_id="s", state=state)
    reply = pages.post("/services/faces/orders", data={"order": order})
    assert reply.status_code == 303
    assert client.calls == [(f"service.{order}", {"service": story.SERVICE_ID})]
    assert told in pages.get(reply.headers["Location"], headers=HTML).text


def test_an_order_that_nobody_knows_or_takes(pages: Any, client: Any) -> None:
    assert pages.post("/services/faces/orders", data={"order": "burn"}).status_code == 404
    client.answer("service.stop", ReplyStatus.CONFLICT, message="it is stopped")
    reply = pages.post("/services/faces/orders", data={"order": "stop"})
    assert "faces cannot be stopped: it is stopped" in pages.get(reply.headers["Location"]).text


def test_a_service_is_placed_anew_or_only_thought_about(pages: Any, client: Any) -> None:
    answer = {"changed": False, "verdict": "same", "reason": "nothing is 10 % better", "predicted": {}, "epoch": 2}
    client.answer("service.place", **answer)
    assert "nothing is 10 % better" in pages.post("/services/faces/placement", data={"do": "dry_run"}).text
    assert pages.post("/services/faces/placement", data={"do": "place"}).status_code == 303
    assert [body["dry_run"] for _, body in client.calls] == [True, False]


def test_a_placement_that_is_refused_is_told_on_the_page(pages: Any, client: Any) -> None:
    client.answer("service.place", ReplyStatus.CONFLICT, message="it is being moved already")
    reply = pages.post("/services/faces/placement", data={"do": "place"})
    assert (reply.status_code, "it is being moved already" in reply.text) == (409, True)
    client.answer("service.place", changed=True, verdict="applied", reason="yes: as told", predicted={}, epoch=3)
    reply = pages.post("/services/faces/placement", data={"do": "place"})
    assert "Moved: as told" in pages.get(reply.headers["Location"], headers=HTML).text


@pytest.mark.parametrize("form", ["infer", "placement", "migrate", "orders"])
def test_the_address_of_a_form_leads_to_the_service(pages: Any, form: str) -> None:
    reply = pages.get(f"/services/faces/{form}")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/services/faces")


def test_an_instance_is_moved_by_its_form(pages: Any, client: Any) -> None:
    client.answer("service.migrate", intent_id="i", state="ACCEPTED", reason="")
    reply = pages.post("/services/faces/migrate", data={"instance": "recognise#1", "to": "worker-roof"})
    assert reply.status_code == 303
    wanted = {"service": story.SERVICE_ID, "handler": "recognise", "replica": 1, "to": "worker-roof"}
    assert client.calls == [("service.migrate", wanted)]
    client.answer("service.migrate", ReplyStatus.INVALID, field="to", message="worker-roof is too small")
    reply = pages.post("/services/faces/migrate", data={"instance": "recognise#1", "to": "worker-roof"})
    assert (reply.status_code, "worker-roof is too small" in reply.text) == (400, True)


@pytest.mark.parametrize("policy", ["cordon", "uncordon", "drain"])
def test_a_worker_is_told_what_to_take(pages: Any, client: Any, policy: str) -> None:
    client.answer(f"worker.{policy}", node_id="w", is_cordoned=True, is_draining=False)
    reply = pages.post("/workers/worker-shed/policy", data={"policy": policy, "reason": "dust"})
    assert reply.status_code == 303
    assert client.calls == [(f"worker.{policy}", {"worker": story.SHED, "reason": "dust"})]
    assert pages.post("/workers/worker-shed/policy", data={"policy": "shout"}).status_code == 404


def test_a_drain_that_is_declined_says_why(pages: Any, client: Any) -> None:
    client.answer("worker.drain", node_id="w", state="DECLINED", reason="it is the only worker")
    reply = pages.post("/workers/worker-shed/policy", data={"policy": "drain"})
    assert "it is the only worker" in pages.get(reply.headers["Location"], headers=HTML).text


def test_links_are_measured_by_a_button(pages: Any, client: Any) -> None:
    assert "/workers/measure" in pages.get("/workers").text
    for links, told in (([{}, {}], "2 links were measured."), ([], "no two workers")):
        client.answer("worker.measure", links=links)
        reply = pages.post("/workers/measure")
        assert (reply.status_code, reply.headers["Location"]) == (303, "/telemetry#links")
        assert told in pages.get("/telemetry", headers=HTML).text
    client.unreachable = True
    pages.post("/workers/measure")
    assert "The links cannot be measured" in pages.get("/telemetry", headers=HTML).text


def test_ids_stand_at_the_end_not_in_headings(pages: Any) -> None:
    for path, name, key in (
        ("/services/faces", "faces", story.SERVICE_ID),
        ("/workers/worker-roof", "worker-roof", story.ROOF),
    ):
        text = pages.get(path).text
        assert f"<h1>{name}</h1>" in text
        assert f"<code>{key}</code>" in text


def test_a_worker_shows_what_is_wanted_of_it_and_what_it_can(pages: Any) -> None:
    text = pages.get("/workers/worker-shed").text
    for shown in ("takes nothing new", "new disk on Monday", "Uncordon", "T4 &lt;16&gt;", "recognise", "faces"):
        assert shown in text
    assert "12.5 MB/s" in pages.get("/workers/worker-roof").text


def test_a_page_of_something_unknown_is_a_404(pages: Any) -> None:
    for path in ("/services/x", "/workers/x"):  # the answer names what there is
        reply = pages.get(path, headers=HTML)
        assert (reply.status_code, "known: " in reply.text) == (404, True)
