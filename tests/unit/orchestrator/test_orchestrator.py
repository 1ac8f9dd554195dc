"""The whole orchestrator on a bus in memory: requests, nodes of known and unknown types, restarts, bad samples."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from garden import Garden, Painter, Requirements

from hedgerow_idl import (
    AppRequirements,
    Baselines,
    CommandAnswer,
    CommandKind,
    Event,
    Header,
    NodeInfo,
    ReplyStatus,
    TaskId,
    UserInput,
)
from hedgerow_idl.codec import codec_of
from hedgerow_idl.topics import BY_NAME, topic_of
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.memory_bus import MemoryNetwork
from hedgerow_orchestrator.presence import Presence


@pytest.fixture
def garden(tmp_path: Path) -> Iterator[Garden]:
    garden = Garden(tmp_path / "home")
    yield garden
    garden.orchestrator.close()


def test_an_answer_of_a_type_never_seen_before_is_stored_and_shown(garden: Garden) -> None:
    garden.start(Requirements)
    garden.start(Painter)
    task = garden.finish(garden.submit("green"))
    assert task["state"] == "SUCCEEDED"
    assert task["stages"]["colour"]["output"] == {"name": "green", "rgb": [0.5, None, 1.0]}
    assert [node["kind"] for node in garden.reader.nodes()] == ["app_requirements", "colour"]


def test_an_inline_node_says_so(garden: Garden) -> None:
    garden.start(Requirements)
    garden.until(lambda: garden.reader.node("app_requirements") is not None)
    assert (garden.reader.node("app_requirements") or {})["info"]["capabilities"] == ["inline"]


def test_events_on_the_bus_are_those_in_the_store(garden: Garden) -> None:
    garden.start(Requirements)
    garden.start(Painter)
    garden.finish(garden.submit("green"))
    garden.turn(5)
    sent = [received.sample for received in garden.events.take()]
    stored = garden.reader.events(limit=200)
    assert [event.event_id for event in sent] == [row["id"] for row in stored][-len(sent) :]
    assert isinstance(sent[0], Event)
    assert "task.succeeded" in [event.kind for event in sent]


def test_a_refusal_is_told_with_its_reason(garden: Garden) -> None:
    garden.start(Requirements)
    garden.start(Painter)
    task = garden.finish(garden.submit("refuse"))
    assert task["error"] == {"code": "NO_WAY", "reason": "app_requirements: the text says so"}
    assert task["stages"]["app_requirements"]["error"] == {"code": "NO_WAY", "reason": "the text says so"}
    assert task["stages"]["app_requirements"]["output"] is None
    assert task["stages"]["colour"]["state"] == "CANCELLED"


def test_iterations_count_up_from_whichever_they_begin(garden: Garden) -> None:
    garden.start(Requirements)
    garden.start(Painter)
    garden.finish(garden.submit("one"))
    second = garden.ask("problem.iterate", {"problem_id": 1, "from_iteration": 1, "changes": {"text": "two"}})[1]
    garden.finish((1, second["task"]["iteration_id"]))
    third = garden.ask("problem.iterate", {"problem_id": 1, "from_iteration": 1, "changes": {"text": "three"}})[1]
    assert (second["task"]["iteration_id"], third["task"]["iteration_id"]) == (2, 3)
    task = garden.finish((1, 3))
    assert task["previous_iteration_id"] == 1
    assert task["stages"]["colour"]["output"]["name"] == "three"


@pytest.mark.parametrize(
    ("verb", "body", "status", "says"),
    [
        ("problem.submit", {"problem": {"text": ""}}, ReplyStatus.INVALID, "text is empty"),
        ("problem.submit", {}, ReplyStatus.INVALID, "no object"),
        ("problem.submit", "{", ReplyStatus.INVALID, "no JSON"),
        ("problem.submit", "[]", ReplyStatus.INVALID, "no object"),
        ("problem.iterate", {"problem_id": 9}, ReplyStatus.NOT_FOUND, "problem 9 unknown"),
        ("problem.iterate", {"problem_id": "x"}, ReplyStatus.INVALID, "problem_id 'x'"),
        ("task.cancel", {"problem_id": 9, "iteration_id": 1}, ReplyStatus.NOT_FOUND, "task 9.1 unknown"),
        ("node.command", {"node": "x", "command": "START"}, ReplyStatus.NOT_FOUND, "known: app_requirements"),
        ("node.command", {"node": "app_requirements", "command": "FLY"}, ReplyStatus.INVALID, "known: START"),
        ("nonsense", {}, ReplyStatus.INVALID, "known: health"),
    ],
)
def test_bad_requests_are_told_what_is_wrong(
    garden: Garden, verb: str, body: Any, status: ReplyStatus, says: str
) -> None:
    garden.start(Requirements)
    garden.turn(5)
    answered, text = garden.ask(verb, body)
    assert answered is status
    assert says in text["message"]
    assert garden.reader.problems().items == []


def test_a_request_that_is_repeated_is_answered_once(garden: Garden) -> None:
    first = garden.ask("problem.submit", {"problem": {"text": "x"}}, request_id="same")
    again = garden.ask("problem.submit", {"problem": {"text": "x"}}, request_id="same")
    assert first == again
    assert len(garden.reader.problems().items) == 1


def test_an_idempotency_key_outlives_the_orchestrator(garden: Garden) -> None:
    body = {"problem": {"text": "x"}, "idempotency_key": "k"}
    first = garden.ask("problem.submit", body)
    garden.orchestrator.close()
    garden.orchestrator = garden.new_orchestrator()
    assert garden.ask("problem.submit", body) == first
    other = garden.ask("problem.submit", {"problem": {"text": "y"}, "idempotency_key": "k"})
    assert other[0] is ReplyStatus.CONFLICT


def test_a_restarted_orchestrator_finishes_what_was_begun_and_what_waited(garden: Garden) -> None:
    garden.start(Requirements)
    keys = [garden.submit(f"text {i}") for i in range(5)]
    garden.turn(10)
    garden.orchestrator.close()
    garden.start(Painter)
    garden.orchestrator = garden.new_orchestrator()
    for i, key in enumerate(keys):
        task = garden.finish(key)
        assert task["stages"]["colour"]["output"]["name"] == f"text {i}"
        assert task["stages"]["app_requirements"]["attempt"] == 1


def test_a_consumer_that_comes_late_gets_its_input_from_the_store(garden: Garden) -> None:
    producer = garden.start(Requirements)
    key = garden.submit("kept")
    garden.until(lambda: garden.reader.task(*key)["stages"]["app_requirements"]["state"] == "SUCCEEDED")
    producer.leave()
    producer.close()
    del garden.nodes["app_requirements"]
    garden.start(Painter)
    assert garden.finish(key)["stages"]["colour"]["output"]["name"] == "kept"


def test_what_an_earlier_version_stored_is_read_from_its_json(garden: Garden) -> None:
    producer = garden.start(Requirements)
    old, key = garden.submit("old"), garden.submit("kept")
    garden.until(lambda: garden.reader.task(*key)["stages"]["app_requirements"]["state"] == "SUCCEEDED")
    waiting = [garden.submit(f"text {number}") for number in range(2)]
    garden.orchestrator.close()
    producer.leave()
    producer.close()
    del garden.nodes["app_requirements"]
    with contextlib.closing(sqlite3.connect(garden.environment.home / "hedgerow.sqlite")) as store, store:
        # As if the newest fields, which come last, had not been there.
        store.execute("UPDATE task SET user_input = substr(user_input, 1, 120), baselines = substr(baselines, 1, 60)")
        store.execute("UPDATE output SET cdr = substr(cdr, 1, length(cdr) - 8)")
    garden.network = MemoryNetwork()
    garden.orchestrator = garden.new_orchestrator()
    garden.meet()
    garden.start(Requirements)
    garden.start(Painter)
    assert garden.finish(key)["stages"]["colour"]["output"]["name"] == "kept"
    for number, each in enumerate(waiting):
        assert garden.finish(each)["stages"]["colour"]["output"]["name"] == f"text {number}"
    garden.finish(old)
    status, body = garden.ask("problem.iterate", {"problem_id": old[0], "changes": {"text": "new"}})
    assert status is ReplyStatus.OK, body
    assert garden.finish((old[0], 2))["stages"]["colour"]["output"]["name"] == "new"
    baselines = codec_of(Baselines).decode(garden.store.task_row(old[0], 2).baselines)
    assert [each.explanation for each in baselines.app_requirements] == ["old"]


def test_a_restarted_node_does_not_run_the_past_again(garden: Garden) -> None:
    calls: list[str] = []

    class Counting(Requirements):
        def process(self, task: Any, user_input: UserInput) -> Any:
            calls.append(str(task.id))
            return super().process(task, user_input)

    first = garden.start(Counting)
    garden.start(Painter)
    for i in range(3):
        garden.finish(garden.submit(f"{i}"))
    first.leave()
    first.close()
    garden.start(Counting, Identity(first.identity.node_id, "app_requirements", first.identity.incarnation + 1))
    garden.turn(20)
    garden.finish(garden.submit("new"))
    assert calls == ["1.1", "2.1", "3.1", "4.1"]


def test_cancel_before_any_node_is_there(garden: Garden) -> None:
    key = garden.submit("never mind")
    status, body = garden.ask("task.cancel", {"problem_id": key[0], "iteration_id": key[1]})
    assert (status, body["state"]) == (ReplyStatus.OK, "CANCELLED")
    assert garden.finish(key)["state"] == "CANCELLED"
    assert garden.ask("task.cancel", {"problem_id": key[0], "iteration_id": key[1]})[1]["state"] == "CANCELLED"


def test_node_commands_are_answered_by_the_node(garden: Garden) -> None:
    garden.start(Requirements)
    garden.turn(5)
    stopped = garden.ask("node.command", {"node": "app_requirements", "command": "STOP"})
    assert (stopped[0], stopped[1]["state"]) == (ReplyStatus.OK, "INITIALIZING")
    refused = garden.ask("node.configure", {"node": "app_requirements", "configuration": {"x": 1}})
    assert refused[0] is ReplyStatus.CONFLICT
    assert "known: none" in refused[1]["message"]


def test_health_names_what_is_missing(garden: Garden) -> None:
    garden.start(Requirements)
    garden.until(lambda: (garden.reader.node("app_requirements") or {}).get("state") == "IDLE")
    body = garden.ask("health", {})[1]
    assert body["ready"] is False
    assert {c["name"]: c["ok"] for c in body["components"]} == {
        "orchestrator": True,
        "store": True,
        "bus": True,
        "processors": True,
        "node app_requirements": True,
        "node colour": False,
    }


def test_processors_are_kept_awake_only_while_a_task_has_news(garden: Garden) -> None:
    garden.start(Requirements)
    garden.start(Painter)
    garden.turn(5)
    assert not garden.awake.held
    garden.finish(garden.submit("quick"))
    assert garden.awake.held
    for _ in range(20):
        garden.orchestrator.step(0.1)  # the nodes may still have something to say
    assert not garden.awake.held
    details = {component["name"]: component["detail"] for component in garden.ask("health", {})[1]["components"]}
    assert details["processors"] == garden.awake.detail
    assert not garden.awake.held


def test_it_makes_way_for_a_senior_orchestrator_and_for_no_other(garden: Garden) -> None:
    other = garden.network.bus()
    junior = Presence(other, Identity.fresh("orchestrator"), Path("elsewhere"))
    junior.serve()
    garden.turn(3)
    assert garden.orchestrator.rival is None
    assert junior.look(garden.network.bus()) is not None
    senior = Presence(other, Identity("id", "orchestrator", incarnation=1), Path("elsewhere"))
    garden.turn(3)
    assert garden.orchestrator.rival is None, "one that only starts has to leave itself"
    senior.serve()
    garden.turn(3)
    assert garden.orchestrator.rival is not None
    assert garden.orchestrator.rival is not None
    assert garden.orchestrator.rival.node_id == "id"


def test_strangers_do_no_harm(garden: Garden) -> None:
    stranger = garden.network.bus()
    outputs = stranger.writer(topic_of(AppRequirements))
    garden.start(Requirements)
    garden.turn(5)
    for task in (TaskId(), TaskId(problem_id=77, iteration_id=7)):
        outputs.write(AppRequirements(header=Header(task=task, stage="nonsense", node_id="nobody")))
    outputs.write_raw(b"\x00\x01\x00\x00\xff\xff\xff\xff")
    infos = stranger.writer(BY_NAME["hedgerow/node_info"])
    infos.write(NodeInfo(node_id="evil", kind="evil", output_topic="evil/Type", output_schema="{" * 10))
    infos.write(NodeInfo(node_id="liar", kind="liar", output_topic="hedgerow/event", output_type="garden.Colour"))
    stranger.writer(BY_NAME["hedgerow/command"], partition="x").write_raw(b"")
    stranger.writer(BY_NAME["hedgerow/command_answer"]).write(CommandAnswer(node_id="nobody", body="no JSON"))
    garden.turn(5)
    status, health = garden.ask("health", {})
    assert status is ReplyStatus.OK
    assert "1 malformed samples ignored" in next(c["detail"] for c in health["components"] if c["name"] == "bus")
    garden.start(Painter)
    assert garden.finish(garden.submit("still here"))["state"] == "SUCCEEDED"


def test_commands_carry_the_kinds_that_nodes_know() -> None:
    assert {kind.name for kind in CommandKind} >= {"START", "STOP", "RESET", "TERMINATE", "RUN", "CANCEL", "PREEMPT"}
