"""The MQTT sink with a real broker, which ends and is started again meanwhile."""

import json
import logging
import os
import shutil
import socket
import subprocess
import threading
import time

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from hedgerow_nodes.serve import Record
from hedgerow_nodes.serve.catalogue import handler_modules, load

pytestmark = pytest.mark.system


class Place:
    """The part of a context that the sink uses."""

    def __init__(self):
        self.sequence, self.epoch, self.log = 0, 1, logging.getLogger("hedgerow.handler.mqtt")

    def sleep(self, seconds):
        time.sleep(seconds)
        return True


class Broker:
    """Debian's mosquitto as a child of the test."""

    def __init__(self, folder):
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            reason = "mosquitto is not installed; on Debian: apt-get install mosquitto"
            if os.environ.get("HEDGEROW_CI") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        settings = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "user root"]
        # Remembers who listened, so that what is published before they are back is kept for them.
        lines += ["persistence true", f"persistence_location {folder}/"]
        settings.write_text("".join(f"{line}\n" for line in lines))
        self._command = [program, "-c", str(settings)]
        self.start()

    def start(self):
        self._child = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        give_up_at_s = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                assert time.monotonic() < give_up_at_s, "mosquitto does not listen"
                time.sleep(0.05)
            else:
                return

    def end(self):
        self._child.terminate()
        self._child.wait(10)


class Listener:
    """A subscriber that keeps what comes."""

    def __init__(self, port, topic):
        self.messages, self.is_ready, self._news = [], threading.Event(), threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self.is_ready.set()
        self._client.on_message = lambda client, data, message: self._take(json.loads(message.payload))
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self.is_ready.wait(10)

    def _take(self, message):
        with self._news:
            self.messages.append(message)
            self._news.notify_all()

    def wait_for(self, sequence):
        with self._news:
            came = self._news.wait_for(lambda: any(each["sequence"] == sequence for each in self.messages), 20)
        assert came, f"message {sequence} did not come: {self.messages}"

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path):
    made = Broker(tmp_path)
    yield made
    made.end()


def publisher(place, port, **parameters):
    types, _failures = load(handler_modules())
    return types["mqtt"].make({"url": f"mqtt://127.0.0.1:{port}/garden/roof", **parameters}, place)


def publish(sink, place, sequences, period_s=0.0):
    for place.sequence in sequences:
        sink.process(Record({"label": "cat"}))
        time.sleep(period_s)


def test_messages_have_placement_and_the_rate_that_is_counted(broker):
    place, listener = Place(), Listener(broker.port, "garden/#")
    sink = publisher(place, broker.port)
    place.epoch = 3
    begun_s = time.monotonic()
    publish(sink, place, range(40), period_s=0.025)
    counted = 39 / (time.monotonic() - begun_s)
    listener.wait_for(39)
    sink.close()
    listener.close()
    assert [message["sequence"] for message in listener.messages] == list(range(40))
    assert {message["placement_id"] for message in listener.messages} == {3}
    assert all(set(one) == {"placement_id", "framerate", "prediction", "sequence"} for one in listener.messages)
    rates = sorted(message["framerate"] for message in listener.messages[1:])
    assert rates[len(rates) // 2] == pytest.approx(counted, rel=0.25)


def test_a_broker_that_comes_back_gets_what_waited(broker):
    place, listener = Place(), Listener(broker.port, "garden/roof")
    sink = publisher(place, broker.port)
    publish(sink, place, range(5))
    listener.wait_for(4)
    broker.end()
    publish(sink, place, range(5, 10), period_s=0.1)
    broker.start()
    publish(sink, place, range(10, 60), period_s=0.05)
    listener.wait_for(59)
    sink.close()
    listener.close()
    # At least once: what was on its way when the broker ended may come twice.
    assert list(dict.fromkeys(message["sequence"] for message in listener.messages)) == list(range(60))


def test_without_a_broker_it_begins_all_the_same(broker):
    broker.end()
    begun_s = time.monotonic()
    place = Place()
    sink = publisher(place, broker.port, connect_s=0.2)
    assert time.monotonic() - begun_s < 2
    publish(sink, place, range(3))
    sink.close()
    assert time.monotonic() - begun_s < 6
