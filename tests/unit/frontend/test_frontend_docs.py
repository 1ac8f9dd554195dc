"""The commands of docs/rest.md do what the page says."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from hedgerow_orchestrator.serving.blueprint import (
    Blueprint,
    HandlerWish,
    LinkWish,
    NetworkWish,
    Requirements,
    Wishes,
    parse,
)

SERVING = (Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
PAGE = (Path(__file__).parents[3] / "docs" / "rest.md").read_text(encoding="utf-8")
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("curl ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works(make_app: Any, client: Any, command: str) -> None:
    words = iter(shlex.split(command)[1:])
    method, headers, data, address = "GET", {}, None, ""
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = next(words)
        elif word not in ("-N", "-O", "-J"):
            address = word
    client.answer("task.cancel", task={"problem_id": 1, "iteration_id": 2}, state="CANCELLED")
    client.answer("node.command", node_id="n", name="n", code="ACCEPTED", state="IDLE", reason="")
    client.answer("health", ready=True, components=[])
    service = {"service_id": "s-1", "name": "faces", "state": "STOPPED", "wanted": "STOPPED", "epoch": 1, "reason": ""}
    client.answer("service.deploy", **service)
    client.answer("service.stop", **service)
    client.answer("service.migrate", intent_id="i-1", state="ACCEPTED", reason="")
    client.answer("service.infer", output={}, sequence=0, took_s=0.1)
    client.answer("worker.drain", node_id="w-1", name="w", is_cordoned=True, is_draining=True, reason="", intent_id="i")
    url = urlsplit(address)
    path = f"{url.path}?{url.query}" if url.query else url.path
    with make_app().test_client().open(path, method=method, headers=headers, data=data) as reply:
        assert reply.status_code < 300


def test_the_error_that_is_shown_is_the_one_that_comes(web: Any) -> None:
    blocks = [block.split("```")[0] for block in PAGE.split("```json\n")[1:]]
    [shown] = [json.loads(block) for block in blocks if "urn:hedgerow:error" in block]
    assert web.post("/api/v1/problems", json={"text": "x", "max_latency_s": -1}).json == shown


def test_every_address_is_listed(web: Any) -> None:
    for path in web.get("/api/v1/openapi.json").json["paths"]:
        short = path.removeprefix("/api/v1").replace("{problem_id}", "{p}").replace("{iteration_id}", "{i}")
        assert f"`{short.replace('{node}', '{name or id}')}" in PAGE or f"`{short}?" in PAGE, path


def test_the_blueprint_that_is_shown_can_be_read() -> None:
    [shown] = [dedent(block.split("```")[0]) for block in SERVING.split("```toml\n")[1:]]
    blueprint = parse(shown)
    assert [handler.name for handler in blueprint.handlers] == ["camera", "detect", "draw", "screen"]


def test_every_key_of_a_blueprint_is_explained() -> None:
    for struct in (Blueprint, Wishes, Requirements, HandlerWish, LinkWish, NetworkWish):
        for field in msgspec.structs.fields(struct):
            name = field.encode_name
            assert any(text in SERVING for text in (f"`{name}`", f"[{name}]", f".{name}]")), name
