"""Asking a service on its page, cutting its networks there, and keeping models."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tomllib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hedgerow_frontend.security import POLICY_WITH_PICTURES
from hedgerow_frontend.serving.asked import asking
from hedgerow_frontend.serving.cuts import cuts_of
from hedgerow_frontend.serving.example_blueprints import EXAMPLES
from hedgerow_frontend.serving.pictures import picture_in, png
from hedgerow_frontend.serving.results import boxes_in, shortened
from hedgerow_idl import ReplyStatus
from hedgerow_orchestrator.serving.blueprint import parse
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.serving_changes import ServiceEpochRow, ServiceRow
from hedgerow_orchestrator.store.writer import Store
from tests.unit.frontend import serving_story as story

ASK = "11111111-52a4-4f0e-8f0c-6d2b6b1c9a01"
PARTS = (("in", "request"), ("decode", "decode"), ("net/0", "onnx_partition"), ("net/1", "onnx_partition"))
PARTS += (("out", "response"),)
KINDS = {".JPG": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png", ".gif": "image/gif"}
KINDS |= {"json": "application/json", "onnx": "application/octet-stream"}
FIRSTS = {"net/0": 0, "net/1": 45}
CATALOGUE = [
    {"name": "request", "inputs": [], "outputs": [{"name": "value", "type": "any"}]},
    {"name": "decode", "inputs": [{"name": "encoded_image", "type": "encoded_image"}], "outputs": []},
    {"name": "response", "inputs": [{"name": "value", "type": "any"}], "outputs": []},
]
BOXES = {
    "boxes": [
        {"label": "bus", "probability": 0.31, "x": 4.0, "y": 2.0, "width": 10.0, "height": 8.0, "crop": None},
        {"label": "person <b>", "probability": 0.92, "x": 1.4, "y": 2.6, "width": 30.0, "height": 40.0},
    ],
    "width": 64,
    "height": 48,
}


def plan() -> dict[str, Any]:
    instances = [
        {
            "logical_id": name,
            "physical_id": f"p-{name}",
            "name": name,
            "replica": 0,
            "handler": handler,
            "node_id": story.ROOF,
            "parameters": {"first": FIRSTS[name]} if name in FIRSTS else {},
        }
        for name, handler in PARTS
    ]
    link = {"sender": "in", "output": "value", "receiver": "decode", "input": "encoded_image"}
    return {"instances": instances, "links": [link]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    urls = (f"sqlite:///{tmp_path / 'hedgerow.sqlite'}", f"file://{tmp_path / 'blobs'}")
    migrate.upgrade(urls[0])
    writer = Store(*urls)
    at_s = story.BEGAN_AT_S
    writer.commit(
        [
            *story.serving_story(),
            ServiceRow(ASK, "ask", "RUNNING", "RUNNING", "", 1, '{"name": "ask"}', at_s, at_s),
            ServiceEpochRow(ASK, 1, "ACTIVE", "deploy", "", json.dumps(plan()), "{}", None, at_s, at_s, None),
        ]
    )
    yield writer
    writer.close()


@pytest.fixture
def pages(make_app: Callable[..., Any], store: Store, tmp_path: Path) -> Iterator[Any]:
    reader = StoreReader(f"sqlite:///{tmp_path / 'hedgerow.sqlite'}", f"file://{tmp_path / 'blobs'}")
    yield make_app(reader=reader, home=tmp_path, input_max_bytes=400_000, model_max_bytes=600_000).test_client()
    reader.close()


def multipart(field: str, content: bytes, name: str, **form: str) -> dict[str, Any]:
    """A form with a file as a browser sends it (RFC 7578); the test client would leave a temporary file open."""
    parts = [f'name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in form.items()]
    parts.append(f'name="{field}"; filename="{name}"\r\nContent-Type: {KINDS[name[-4:]]}\r\n\r\n'.encode() + content)
    body = b"".join(b"--edge\r\nContent-Disposition: form-data; " + part for part in parts) + b"\r\n--edge--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=edge"}


def sent(pages: Any, content: bytes, name: str, **form: str) -> Any:
    return pages.post("/services/ask/infer", **multipart("file", content, name, **form))


def test_a_record_is_typed_and_its_answer_shown(pages: Any, client: Any) -> None:
    client.answer("service.infer", output={"n": 2, "why": "<b>"}, sequence=7, took_s=0.0123)
    reply = pages.post("/services/ask/infer", data={"kind": "record", "value": '{"n": 1}', "timeout_s": "3"})
    assert reply.status_code == 200
    assert client.calls == [("service.infer", {"service": ASK, "type": "record", "input": {"n": 1}, "timeout_s": 3.0})]
    for shown in ("after 12.3 ms", "&#34;n&#34;: 2", "&lt;b&gt;", "sequence=7"):
        assert shown in reply.text
    assert reply.headers["Content-Security-Policy"] == POLICY_WITH_PICTURES
    assert "{&#34;n&#34;: 1}" in reply.text  # what was written is still there


@pytest.mark.parametrize(
    ("kind", "value", "given"),
    [("text", "a\nb", "a\nb"), ("tensors", '{"x": [[1.0]]}', {"x": [[1.0]]}), ("record", '{"type": 1}', {"type": 1})],
)
def test_what_is_typed_is_of_its_kind(pages: Any, client: Any, kind: str, value: str, given: Any) -> None:
    client.answer("service.infer", output={}, sequence=0, took_s=0.1)
    assert pages.post("/services/ask/infer", data={"kind": kind, "value": value}).status_code == 200
    assert client.calls == [("service.infer", {"service": ASK, "type": kind, "input": given, "timeout_s": 10.0})]


def test_a_picture_is_sent_and_what_was_found_is_drawn_into_it(pages: Any, client: Any) -> None:
    client.answer("service.infer", output=BOXES, sequence=3, took_s=0.1)
    picture = b"\xff\xd8" + os.urandom(500)
    reply = sent(pages, picture, "a.JPG")
    assert reply.status_code == 200
    [(_, body)] = client.calls
    assert (body["type"], base64.b64decode(body["input"]["data"])) == ("encoded_image", picture)
    assert f'href="data:image/jpeg;base64,{base64.b64encode(picture).decode()}"' in reply.text
    assert "person &lt;b&gt; 0.92" in reply.text
    assert [found.strip() for found in re.findall(r">(\d+ px)<", reply.text)][:4] == ["1 px", "3 px", "30 px", "40 px"]


def test_a_large_picture_travels_as_a_file_and_a_larger_one_not_at_all(pages: Any, client: Any, tmp_path: Path) -> None:
    client.answer("service.infer", output={}, sequence=0, took_s=0.1)
    picture = os.urandom(399_000)
    assert sent(pages, picture, "a.png").status_code == 200
    kept = tmp_path / "uploads" / f"{hashlib.sha256(picture).hexdigest()}.png"
    assert client.calls[0][1]["input"]["path"] == str(kept)
    assert kept.read_bytes() == picture
    for size_bytes in (400_001, 3_000_000):
        reply = sent(pages, os.urandom(size_bytes), "a.png")
        assert (reply.status_code, "at most 400000 are read" in reply.text) == (422, True)
    assert len(client.calls) == 1


def test_json_in_a_file_has_its_type_or_is_a_record(pages: Any, client: Any) -> None:
    client.answer("service.infer", output={}, sequence=0, took_s=0.1)
    for content in (b'{"type": "text", "value": "x"}', b'{"n": 1}'):
        assert sent(pages, content, "a.json", kind="text", value="not this").status_code == 200
    assert [(body["type"], body["input"]) for _, body in client.calls] == [("text", "x"), ("record", {"n": 1})]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"kind": "record", "value": ""}, "is empty; write the input, or choose a file"),
        ({"kind": "record", "value": "[1]"}, "is no JSON object"),
        ({"kind": "poem", "value": "{}"}, "&#39;poem&#39; is unknown; known: record, text"),
        ({"kind": "text", "value": "x", "timeout_s": "soon"}, "&#39;soon&#39; is no number"),
        ({"kind": "text", "value": "x", "timeout_s": "1e9"}, "is out of range"),
        ({"kind": "text", "value": "x", "timeout_s": "nan"}, "is out of range"),
    ],
)
def test_what_is_no_input_comes_back_with_the_reason(
    pages: Any, client: Any, form: dict[str, str], message: str
) -> None:
    reply = pages.post("/services/ask/infer", data=form)
    assert (reply.status_code, message in reply.text, client.calls) == (422, True, [])


def test_files_of_other_kinds_are_refused(pages: Any, client: Any) -> None:
    for name, content in (("a.gif", b"GIF"), ("a.json", b"{"), ("a.jpg", b""), ("a.json", b" " * 1_000_001)):
        assert sent(pages, content, name).status_code == 422
    assert client.calls == []


def test_what_nothing_takes_is_refused_before_it_is_sent(
    pages: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StoreReader, "handlers", lambda self: [{**one, "workers": []} for one in CATALOGUE])
    reply = pages.post("/services/ask/infer", data={"kind": "record", "value": "{}"})
    assert (reply.status_code, client.calls) == (422, [])
    assert "is of the type record; this service takes encoded_image" in reply.text
    client.answer("service.infer", output={}, sequence=0, took_s=0.1)
    assert sent(pages, b"\xff\xd8", "a.jpg").status_code == 200


def test_a_service_that_does_not_answer_says_why(pages: Any, client: Any) -> None:
    client.answer("service.infer", ReplyStatus.CONFLICT, message="no answer within 10 s")
    reply = pages.post("/services/ask/infer", data={"kind": "text", "value": "x"})
    assert (reply.status_code, "no answer within 10 s" in reply.text) == (409, True)
    client.unreachable = True
    assert pages.post("/services/ask/infer", data={"kind": "text", "value": "x"}).status_code == 503


def test_a_service_without_a_source_of_requests_says_so(pages: Any) -> None:
    text = pages.get("/services/faces").text
    assert "no source of the type request and sink of the type response" in text
    assert 'action="/services/' + story.SERVICE_ID + "/infer" not in text
    assert 'action="/services/' + ASK + '/infer#ask"' in pages.get("/services/ask").text


def test_how_a_service_is_asked() -> None:
    service = {"state": "RUNNING", "plan": plan(), "blueprint": {}}
    assert (asking(service, CATALOGUE).why_not, asking(service, CATALOGUE).takes) == ("", ("encoded_image",))
    stopped = asking({**service, "state": "STOPPED"}, CATALOGUE)
    assert (stopped.is_made_for_it, stopped.why_not) == (True, "It is stopped; it answers while it is running.")
    wished = {"handlers": [{"name": "a", "type": "request"}]}
    planned = asking({"state": "PREPARING", "plan": None, "blueprint": wished}, [])
    assert planned.why_not == "It has no sink of the type response, so it cannot be asked."


def test_a_network_is_cut_elsewhere(pages: Any, client: Any) -> None:
    assert cuts_of({"plan": plan()}) == {"net": "45"}
    assert 'name="cut.net"' in pages.get("/services/ask").text
    client.answer("service.place", changed=True, verdict="applied", reason="as told", predicted={}, epoch=2)
    for text, layers in (("20, 45", [20, 45]), ("20 45", [20, 45]), ("", [])):
        assert pages.post("/services/ask/placement", data={"do": "cut", "cut.net": text}).status_code == 303
        assert client.calls[-1][1] == {"service": ASK, "dry_run": False, "boundaries": {"net": layers}}
    reply = pages.post("/services/ask/placement", data={"do": "cut", "cut.net": "20; x"})
    assert (reply.status_code, "write whole numbers" in reply.text, len(client.calls)) == (422, True, 3)
    assert 'value="20; x"' in reply.text


def test_a_model_is_kept(pages: Any, tmp_path: Path) -> None:
    model = os.urandom(590_000)
    reply = pages.post("/models", **multipart("model", model, "m.onnx"))
    assert (reply.status_code, reply.headers["Location"]) == (303, "/services")
    digest = hashlib.sha256(model).hexdigest()
    assert f"upload:{digest}" in pages.get("/services").text
    assert (tmp_path / "models" / f"{digest}.onnx").read_bytes() == model


@pytest.mark.parametrize("size_bytes", [None, 0, 600_001, 2_000_000])
def test_a_model_that_is_none_or_too_large(pages: Any, tmp_path: Path, size_bytes: int | None) -> None:
    form = {} if size_bytes is None else multipart("model", os.urandom(size_bytes), "m.onnx")
    reply = pages.post("/models", **form)
    assert (reply.status_code, 'role="alert"' in reply.text) == (422, True)
    assert list(tmp_path.glob("models/*")) == []
    assert pages.get("/models").status_code == 303


def test_examples_are_blueprints() -> None:
    for name, text in EXAMPLES.items():
        assert parse(tomllib.loads(text)).name == name


def test_a_picture_of_pixels_becomes_a_png() -> None:
    pixels = bytes(range(18))
    made = png(3, 2, pixels)
    assert made.startswith(b"\x89PNG\r\n\x1a\n")
    begin = made.index(b"IDAT") + 4
    size = int.from_bytes(made[begin - 8 : begin - 4], "big")
    assert zlib.decompress(made[begin : begin + size]) == b"\0" + pixels[:9] + b"\0" + pixels[9:]
    array = {"dtype": "|u1", "shape": [2, 3, 3], "data": base64.b64encode(pixels).decode()}
    assert picture_in({"array": array}) == f"data:image/png;base64,{base64.b64encode(made).decode()}"
    encoded = {"media_type": "image/jpeg", "data": base64.b64encode(b"x").decode()}
    assert picture_in(encoded).startswith("data:image/jpeg;base64,eA")
    bad = ({"array": {**array, "shape": [2, 3, 4]}}, {**encoded, "media_type": "text/html"}, {**encoded, "data": '"'})
    for wrong in (*bad, None, {"array": {**array, "dtype": "<f4"}}):
        assert picture_in(wrong) == ""


def test_long_answers_are_cut() -> None:
    assert shortened({"a": ["x" * 300, *range(150)]})["a"][0].endswith("… (300 characters)")
    assert shortened(list(range(150)))[-1] == "… and 50 more"
    assert boxes_in({"boxes": [{"label": "x", "probability": None}]}) == ()
    assert boxes_in({"boxes": 3}) is None
