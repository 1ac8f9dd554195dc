"""Instances of a worker find models and inputs that the front end has kept in the home that they share."""

from __future__ import annotations

import base64
import contextlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hedgerow_frontend.serving.files import keep
from hedgerow_idl.plan import Link, PlacedInstance, Plan
from hedgerow_idl.serve import OrderCode
from hedgerow_nodes.estimators.models import bundled_weights
from hedgerow_nodes.partition.store import put
from hedgerow_nodes.serve.host import Host, Result


def instance(name: str, handler: str, **parameters: Any) -> PlacedInstance:
    return PlacedInstance(
        logical_id=name, physical_id=name, name=name, handler=handler, node_id="n", parameters=parameters
    )


def result_of(host: Host, command_id: str) -> Result:
    """What became of an order."""
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        for result in host.take_results():
            if result.command_id == command_id:
                return result
        time.sleep(0.01)
    raise AssertionError(f"{command_id} was not answered")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with contextlib.closing(Host(tmp_path / "workers" / "w", home=tmp_path)) as made:
        yield made


def test_a_handler_finds_an_upload_without_being_told_where(host: Host, tmp_path: Path) -> None:
    content = (bundled_weights.folder() / "digits-mlp.onnx").read_bytes()
    model = put(content, tmp_path / "models")
    net = instance("net", "onnx_partition", model=model, sha256=model.removeprefix("upload:"))
    host.prepare(Plan(service_id="s", service_name="s", epoch=1, instances=(net,), links=()), "n", "prepare")
    result = result_of(host, "prepare")
    assert (result.code, result.reason) == (OrderCode.DONE, "")


def test_an_image_that_the_front_end_has_kept_goes_through_a_service(host: Host, tmp_path: Path) -> None:
    content = bytes(range(256)) * 300
    with io.BytesIO(content) as stream:
        kept = keep(stream, tmp_path / "uploads", ".jpg", 10**6)
    ends = instance("in", "request"), instance("out", "response")
    link = Link(sender="in", output="value", receiver="out", input="value")
    host.prepare(Plan(service_id="s", service_name="s", epoch=1, instances=ends, links=(link,)), "n", "prepare")
    assert result_of(host, "prepare").reason == ""
    host.start("s", 1, "start")
    assert result_of(host, "start").reason == ""
    given = {"path": str(kept.path), "sha256": kept.sha256, "size_bytes": kept.size_bytes, "media_type": "image/jpeg"}
    host.infer("s", {"type": "encoded_image", "input": given, "timeout_s": 30}, "infer")
    result = result_of(host, "infer")
    assert (result.code, result.reason) == (OrderCode.DONE, "")
    assert base64.b64encode(content).decode() in result.body
