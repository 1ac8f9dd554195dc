"""REST: nodes, their commands and their configuration; the pipeline; health."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hedgerow_frontend.system_answers import NodeAnswer, NodeList, PipelineAnswer, ReadyAnswer
from hedgerow_idl import ReplyStatus
from hedgerow_orchestrator.store.reader import StoreReader

NODES = "/api/v1/nodes"


def test_nodes_are_listed(web: Any) -> None:
    answer = NodeList.model_validate(web.get(NODES).json)
    assert "carbon_footprint" in {node.name for node in answer.items}
    assert len(answer.items) == 7


@pytest.mark.parametrize("key", ["hw_resources", "id-hw_resources"])
def test_a_node_is_found_by_name_and_by_id(web: Any, key: str) -> None:
    assert NodeAnswer.model_validate(web.get(f"{NODES}/{key}").json).node_id == "id-hw_resources"


@pytest.mark.parametrize("name", ["carbon", "x" * 3000, "a'b;--", "ü"])
def test_an_unknown_node_is_answered_with_the_known_ones(web: Any, name: str) -> None:
    reply = web.get(f"{NODES}/{name}")
    assert reply.status_code == 404
    assert "known: app_requirements, carbon_footprint, " in reply.json["detail"]


def test_a_command_is_passed_on_and_answered(web: Any, client: Any) -> None:
    answer = {"node_id": "n", "name": "hw_resources", "code": "ACCEPTED", "state": "INITIALIZING", "reason": ""}
    client.answer("node.command", **answer)
    reply = web.post(f"{NODES}/hw_resources/commands", json={"command": "RESET"})
    assert (reply.status_code, reply.json) == (200, answer)
    assert client.calls == [("node.command", {"node": "hw_resources", "command": "RESET"})]


def test_a_command_that_the_node_refuses_is_a_409(web: Any, client: Any) -> None:
    reason = "START refused in state ERROR; accepted there: STOP, RESET, TERMINATE"
    client.answer("node.command", node_id="n", name="x", code="REFUSED", state="ERROR", reason=reason)
    reply = web.post(f"{NODES}/x/commands", json={"command": "START"})
    assert (reply.status_code, reply.json["code"], reply.json["detail"]) == (409, "refused", reason)


@pytest.mark.parametrize("body", [{"command": "RUN"}, {"command": "start"}, {"command": 1}, {"command": None}])
def test_an_unknown_command_is_refused_with_the_known_ones(web: Any, client: Any, body: Any) -> None:
    reply = web.post(f"{NODES}/hw_resources/commands", json=body)
    assert (reply.status_code, reply.json["field"]) == (422, "command")
    assert "'START', 'STOP', 'RESET' or 'TERMINATE'" in reply.json["detail"]
    assert client.calls == []


def test_a_node_that_the_orchestrator_does_not_know_is_a_404(web: Any, client: Any) -> None:
    client.answer("node.command", ReplyStatus.NOT_FOUND, message="node 'x' unknown; known: y")
    assert web.post(f"{NODES}/x/commands", json={"command": "STOP"}).status_code == 404


def test_a_configuration_is_passed_on_as_it_is(web: Any, client: Any) -> None:
    configuration = {"threads": 2, "deep": [1, None]}
    answer = {"node_id": "n", "name": "x", "code": "ACCEPTED", "state": "IDLE", "reason": ""}
    answer = {**answer, "configuration": configuration}
    client.answer("node.configure", **answer)
    reply = web.patch(f"{NODES}/x/configuration", json={"threads": 2, "deep": [1, None]})
    assert (reply.status_code, reply.json) == (200, answer)
    assert client.calls[0][1] == {"node": "x", "configuration": {"threads": 2, "deep": [1, None]}}


def test_a_configuration_that_is_no_object_is_refused(web: Any, client: Any) -> None:
    assert web.patch(f"{NODES}/x/configuration", json=[1]).status_code == 422
    assert client.calls == []


def test_the_pipeline_is_asked_of_the_orchestrator(web: Any, client: Any) -> None:
    client.answer("pipeline", name="advice", stages=[{"name": "a", "kind": "a", "inputs": []}])
    PipelineAnswer.model_validate(web.get("/api/v1/pipeline").json)


def test_the_process_is_alive_whatever_is_behind_it(web: Any, client: Any) -> None:
    client.unreachable = True
    assert web.get("/healthz").status_code == 200


def test_ready_when_orchestrator_and_store_are(web: Any, client: Any) -> None:
    client.answer("health", ready=True, components=[{"name": "orchestrator", "ok": True, "detail": "2 tasks"}])
    reply = web.get("/readyz")
    assert reply.status_code == 200
    names = [component.name for component in ReadyAnswer.model_validate(reply.json).components]
    assert names == ["orchestrator", "frontend"]


@pytest.mark.parametrize("status", [ReplyStatus.OK, ReplyStatus.INTERNAL])
def test_not_ready_when_the_orchestrator_says_so(web: Any, client: Any, status: ReplyStatus) -> None:
    client.answer("health", status, ready=False, components=[])
    reply = web.get("/readyz")
    assert (reply.status_code, reply.json["ready"]) == (503, False)


def test_not_ready_when_nobody_answers(web: Any, client: Any) -> None:
    client.unreachable = True
    reply = web.get("/readyz")
    assert reply.status_code == 503
    assert {c["name"]: c["ok"] for c in reply.json["components"]} == {"orchestrator": False, "frontend": True}


def test_a_store_that_is_not_there_yet(make_app: Any, client: Any, tmp_path: Path) -> None:
    client.answer("health", ready=True, components=[])
    reader = StoreReader(f"sqlite:///{tmp_path / 'none.sqlite'}", f"file://{tmp_path / 'blobs'}")
    web = make_app(reader=reader).test_client()
    ready = web.get("/readyz")
    assert (ready.status_code, ready.json["components"][0]["ok"]) == (503, False)
    reply = web.get("/api/v1/problems")
    assert (reply.status_code, reply.json["code"]) == (503, "unavailable")
    assert "does not exist yet" in reply.json["detail"]
    assert int(reply.headers["Retry-After"]) > 0
    page = web.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert "does not exist yet" in page.text
    reader.close()
