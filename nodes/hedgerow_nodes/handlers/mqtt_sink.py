"""A sink that publishes predictions over MQTT, and goes on when the broker comes back."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from msgspec import Meta

from hedgerow_nodes.handlers.transport.framerate import Framerate
from hedgerow_nodes.handlers.transport.plain_values import json_line, plain
from hedgerow_nodes.serve import Context, Value, parameters, sink

PORTS = {"mqtt": 1883, "mqtts": 8883}
QUEUE_IS_FULL = 15  # paho.mqtt.client.MQTT_ERR_QUEUE_SIZE; the library is imported only where a client is made
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1, 30
LAST_WAIT_S = 2.0


class NotPublished(Exception):
    """A message that the broker did not take, or that found no room in the queue while it is away."""


@parameters
class MqttParameters:
    url: Annotated[str, Meta(min_length=1, description="mqtt://HOST[:PORT]/TOPIC, mqtts:// with TLS")]
    qos: Annotated[int, Meta(ge=0, le=2, description="0 at most once, 1 at least once, 2 exactly once")] = 1
    retain: Annotated[bool, Meta(description="the broker keeps the last message for who comes later")] = False
    queue: Annotated[int, Meta(ge=1, le=100_000, description="messages kept while the broker is away")] = 1000
    connect_s: Annotated[float, Meta(ge=0.0, le=60.0, description="time to wait for the broker before work begins")] = (
        3.0
    )
    username: Annotated[str, Meta(description="empty: none")] = ""
    password_variable: Annotated[str, Meta(description="environment variable of the worker that holds it")] = ""


@sink("mqtt", inputs={"value": Value}, parameters=MqttParameters, class_type="mqtt")
class Mqtt:
    """Publish each value as `{"placement_id", "framerate", "prediction", "sequence"}`.

    `placement_id` is the epoch of the item, `framerate` the rate of items here, smoothed, with one decimal.
    """

    def __init__(self, parameters: MqttParameters, context: Context, client: Any = None) -> None:
        self._settings, self._context = parameters, context
        self._host, self._port, self._topic, is_safe = broker(parameters.url)
        self._rate = Framerate()
        self._last: Any = None
        self._news: deque[str] = deque(maxlen=100)
        self._client = client if client is not None else _client(parameters, is_safe)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.reconnect_delay_set(SHORTEST_PAUSE_S, LONGEST_PAUSE_S)
        self._client.max_queued_messages_set(parameters.queue)
        self._client.connect_async(self._host, self._port)
        self._client.loop_start()
        self._wait(parameters.connect_s)

    def process(self, value: Value) -> None:
        """Publish it; while the broker is away messages wait, and what finds no room fails."""
        context = self._context
        self._tell()
        message = {
            "placement_id": context.epoch,
            "framerate": self._rate.seen(),
            "prediction": plain(value),
            "sequence": context.sequence,
        }
        settings, where = self._settings, f"{self._host}:{self._port}"
        told = self._client.publish(self._topic, json_line(message), settings.qos, settings.retain)
        if told.rc == QUEUE_IS_FULL:
            raise NotPublished(f"broker {where} is away or slow and {settings.queue} messages wait; item dropped")
        if told.rc and not settings.qos:
            raise NotPublished(f"broker {where} is away, and with qos 0 nothing waits for it; item dropped")
        self._last = told

    def close(self) -> None:
        """Let what waits go out while the broker is there, and part from it."""
        if self._last is not None and self._client.is_connected():
            with contextlib.suppress(RuntimeError):  # of a message that was queued while the broker was away
                self._last.wait_for_publish(LAST_WAIT_S)
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while not self._client.is_connected():
            if time.monotonic() >= until_s or not self._context.sleep(0.02):
                self._context.log.warning(
                    "broker %s:%d does not answer; it is tried again, messages wait", self._host, self._port
                )
                break
        self._tell()

    def _tell(self) -> None:
        """Log what the client's thread has to say; only the handler's own thread may log."""
        while self._news:
            self._context.log.info("broker %s:%d %s", self._host, self._port, self._news.popleft())

    def _connected(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self._news.append(f"refuses: {reason}" if reason.is_failure else "is connected")

    def _disconnected(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._news.append(f"is lost: {reason}; it is tried again")


def broker(url: str) -> tuple[str, int, str, bool]:
    """Host, port, topic, and whether TLS is spoken, of `mqtt://HOST[:PORT]/TOPIC`.

    Raises:
        ValueError: another scheme, no host, a bad port, no topic, or one with a wildcard.
    """
    parts = urlsplit(url)
    topic = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in PORTS or not parts.hostname or not topic or set(topic) & set("#+\0"):
        raise ValueError(f"url {url!r} is not of the form mqtt://HOST[:PORT]/TOPIC, with a topic without # and +")
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"url {url!r} has a bad port: {error}") from error
    return parts.hostname, port or PORTS[parts.scheme], topic, parts.scheme == "mqtts"


def _client(settings: MqttParameters, is_safe: bool, environment: Callable[[str], str | None] = os.environ.get) -> Any:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2)
    if is_safe:
        client.tls_set()
    if settings.password_variable and environment(settings.password_variable) is None:
        raise ValueError(f"password_variable {settings.password_variable!r} is not set where the worker runs")
    if settings.username:
        password = environment(settings.password_variable) if settings.password_variable else None
        client.username_pw_set(settings.username, password)
    return client
