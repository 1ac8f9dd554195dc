"""What the MQTT sink publishes, through a client that stands for paho's; a real broker is in the system tests."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from handler_bench import FakeContext, made
from paho.mqtt.enums import MQTTErrorCode

from hedgerow_nodes.handlers.mqtt_sink import QUEUE_IS_FULL, Mqtt, MqttParameters, NotPublished, _client, broker
from hedgerow_nodes.handlers.transport.framerate import Framerate
from hedgerow_nodes.serve import BadHandler, Box, Boxes, Record


@dataclass
class Told:
    rc: int = 0
    waited_s: float | None = None

    def wait_for_publish(self, timeout: float) -> None:
        self.waited_s = timeout


@dataclass
class Reason:
    is_failure: bool
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass
class FakeClient:
    """Takes what paho's client takes."""

    is_there: bool = True
    rc: int = 0
    messages: list[tuple[str, bytes, int, bool]] = field(default_factory=list)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    last: Told = field(default_factory=Told)
    on_connect: Any = None
    on_disconnect: Any = None

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> Told:
        self.messages.append((topic, payload, qos, retain))
        self.last = Told(self.rc)
        return self.last

    def is_connected(self) -> bool:
        return self.is_there

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.calls.append((name, *given))


def sink(client: FakeClient, context: FakeContext, **parameters: Any) -> Mqtt:
    given = {"url": "mqtt://broker/site/roof", "connect_s": 0.05} | parameters
    return Mqtt(MqttParameters(**given), context, client)


def test_a_message_has_placement_rate_prediction_and_number(tmp_path: Path) -> None:
    context, client = FakeContext(tmp_path), FakeClient()
    publisher = sink(client, context, retain=True)
    context.sequence, context.epoch = 41, 6
    publisher.process(Record({"label": "cat"}))
    context.sequence, context.epoch = 42, 7
    publisher.process(Boxes((Box("cat", 0.5, 1, 2, 3, 4),), 10, 20))
    assert [(topic, qos, retain) for topic, _, qos, retain in client.messages] == [("site/roof", 1, True)] * 2
    first, second = (json.loads(payload) for _, payload, _, _ in client.messages)
    assert first == {"placement_id": 6, "framerate": None, "prediction": {"label": "cat"}, "sequence": 41}
    assert set(second) == set(first)
    assert (second["placement_id"], second["sequence"]) == (7, 42)
    assert second["framerate"] > 0
    assert second["prediction"]["boxes"][0]["label"] == "cat"


def test_the_client_connects_by_itself_and_is_left_in_order(tmp_path: Path) -> None:
    client = FakeClient()
    publisher = sink(client, FakeContext(tmp_path), url="mqtt://broker:1999/t", queue=5)
    assert ("connect_async", "broker", 1999) in client.calls
    assert ("reconnect_delay_set", 1, 30) in client.calls
    assert ("max_queued_messages_set", 5) in client.calls
    publisher.process(Record({}))
    publisher.close()
    assert client.last.waited_s is not None
    assert [name for name, *_ in client.calls[-2:]] == ["disconnect", "loop_stop"]


def test_a_broker_that_is_away_holds_nothing_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    client = FakeClient(is_there=False, rc=int(MQTTErrorCode.MQTT_ERR_NO_CONN))
    with caplog.at_level(logging.INFO):
        publisher = sink(client, FakeContext(tmp_path))
        publisher.process(Record({}))
        assert "broker:1883 does not answer; it is tried again" in caplog.text
        client.on_connect(client, None, None, Reason(False, "Success"), None)
        client.on_disconnect(client, None, None, Reason(True, "keep alive timeout"), None)
        assert "keep alive" not in caplog.text, "logged by the handler's own thread only"
        publisher.process(Record({}))
    assert "broker broker:1883 is connected" in caplog.text
    assert "broker broker:1883 is lost: keep alive timeout; it is tried again" in caplog.text


def test_what_finds_no_room_fails(tmp_path: Path) -> None:
    assert int(MQTTErrorCode.MQTT_ERR_QUEUE_SIZE) == QUEUE_IS_FULL
    full = sink(FakeClient(rc=QUEUE_IS_FULL), FakeContext(tmp_path), queue=5)
    with pytest.raises(NotPublished, match="5 messages wait"):
        full.process(Record({}))
    away = sink(FakeClient(rc=int(MQTTErrorCode.MQTT_ERR_NO_CONN)), FakeContext(tmp_path), qos=0)
    with pytest.raises(NotPublished, match="with qos 0 nothing waits"):
        away.process(Record({}))


def test_the_rate_is_smoothed_by_half() -> None:
    times = iter([0.0, 0.1, 0.2, 0.7, 0.7, 1.2])
    rate = Framerate(lambda: next(times))
    assert [rate.seen() for _ in range(6)] == [None, 10.0, 10.0, 6.0, 6.0, 4.0]


def test_addresses_of_brokers() -> None:
    assert broker("mqtt://host/a/b") == ("host", 1883, "a/b", False)
    assert broker("mqtts://[::1]:99/a%20b") == ("::1", 99, "a b", True)
    for bad in ("http://host/a", "mqtt:///a", "mqtt://host", "mqtt://host/", "mqtt://host/a/+", "mqtt://host/%23"):
        with pytest.raises(ValueError, match="is not of the form mqtt://HOST"):
            broker(bad)
    with pytest.raises(ValueError, match="bad port"):
        broker("mqtt://host:99999/a")


def test_a_password_comes_from_the_environment_only() -> None:
    given = MqttParameters(url="mqtt://h/t", username="me", password_variable="BROKER_PASSWORD")
    client = _client(given, False, {"BROKER_PASSWORD": "secret"}.get)
    assert client.username == "me"
    assert client.password == "secret"
    with pytest.raises(ValueError, match="'BROKER_PASSWORD' is not set"):
        _client(given, False, {}.get)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "url"),
        ({"url": "mqtt://h/t", "qos": 3}, "qos"),
        ({"url": "mqtt://h/t", "queue": 0}, "queue"),
        ({"url": "mqtt://h/t", "connect_s": -1}, "connect_s"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(parameters: dict[str, object], field: str) -> None:
    with pytest.raises(BadHandler, match=field):
        made("mqtt", **parameters)
