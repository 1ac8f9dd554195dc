"""One sample of every type, both ways, between Python (Cyclone) and a C++ peer built from the .idl files (Fast DDS)."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest
from cyclonedds.idl import IdlStruct

from hedgerow_idl.fields import Enumeration, Primitive, Sequence, Struct, Text
from hedgerow_idl.reflection import tree_of
from hedgerow_idl.testing import first_difference
from hedgerow_idl.topics import TOPICS, Topic
from hedgerow_nodes.core.bus import Kind
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain

pytestmark = [pytest.mark.system, pytest.mark.interop, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
OWN_START = 5000  # kOwnStart in peer.cpp
PATIENCE_S = 60.0
TOOLS = {"fastddsgen": "fastddsgen", "java": "default-jre-headless", "cmake": "cmake", "c++": "g++"}

each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.type.__name__)


def distinct(kind, number, name=""):
    """A value that no other field of the sample has, counted as `Counter` in peer.hpp counts."""
    match kind:
        case Struct():
            return kind.type(**{f.name: distinct(f.kind, number, f.name) for f in kind.fields})
        case Sequence(element=element):
            items = [distinct(element, number, name) for _ in range(2)]
            return bytes(items) if kind.is_octets else items
        case Enumeration():
            return list(kind.type)[1 + next(number) % (len(kind.members) - 1)]
        case Text():
            return f"{name}-{next(number)}-ä€"
        case Primitive(is_bool=True):
            return next(number) >= 0
        case Primitive(is_float=True):
            return next(number) + 0.25
        case Primitive():
            return next(number) % (100 if kind.size == 1 else 1 << 15)


def dumped(kind, value, place) -> Iterator[str]:
    """The lines that the peer prints for a value."""
    match kind:
        case Struct():
            for member in kind.fields:
                yield from dumped(member.kind, getattr(value, member.name), f"{place}.{member.name}")
        case Sequence(element=element):
            yield f"{place}={len(value)} elements"
            for at, item in enumerate(value):
                yield from dumped(element, item, f"{place}[{at}]")
        case Enumeration():
            yield f"{place}={value.value}"
        case Primitive(is_float=True):
            yield f"{place}={value:.17g}"
        case Primitive():
            yield f"{place}={int(value)}"
        case Text():
            yield f"{place}={value}"


def sent_on(topic: Topic) -> list[IdlStruct]:
    """What Python writes: first every field with a value of its own, then nothing but defaults, NaN among them."""
    return [distinct(tree_of(topic.type), count(1)), topic.type()]


@dataclass
class Exchange:
    """What came back on one topic."""

    echoed: list[IdlStruct] = field(default_factory=list)
    own: list[IdlStruct] = field(default_factory=list)
    disposed: list[IdlStruct] = field(default_factory=list)
    malformed: int = 0


class Side:
    """The Python side of all topics: takes what comes until it is complete."""

    def __init__(self, bus: CycloneBus, process: subprocess.Popen[bytes], complaint: Path) -> None:
        self.bus = bus
        self.process = process
        self.complaint = complaint
        self.exchanges = {topic.name: Exchange() for topic in TOPICS}
        self.writers = [bus.writer(topic) for topic in TOPICS]
        self.echoes = [bus.reader(replace(topic, name=f"{topic.name}/echo")) for topic in TOPICS]
        self.owns = [bus.reader(replace(topic, name=f"{topic.name}/own")) for topic in TOPICS]

    def until(self, what, is_done) -> None:
        give_up_at_s = time.monotonic() + PATIENCE_S
        while not is_done():
            assert self.process.poll() in (None, 0), f"the peer ended: {self.complaint.read_text(encoding='utf-8')}"
            assert time.monotonic() < give_up_at_s, f"no {what} within {PATIENCE_S:g} s: {self.exchanges}"
            self.bus.flush()
            self.bus.wait(0.05)
            self.take()

    def take(self) -> None:
        for topic, echo, own in zip(TOPICS, self.echoes, self.owns, strict=True):
            exchange = self.exchanges[topic.name]
            exchange.echoed += [received.sample for received in echo.take() if received.kind is Kind.DATA]
            for received in own.take():
                (exchange.own if received.kind is Kind.DATA else exchange.disposed).append(received.sample)
            exchange.malformed = echo.malformed + own.malformed

    def run(self) -> None:
        found = self.exchanges.values()
        # Both ways: what is written before both ends know each other is lost.
        readers = [reader.condition.get_datareader() for reader in (*self.echoes, *self.owns)]
        self.until("match of the writers", lambda: all(writer.matched() for writer in self.writers))
        self.until("match of the readers", lambda: all(reader.get_matched_publications() for reader in readers))
        self.write(0)
        self.until("first echo", lambda: all(len(one.echoed) == 1 and one.own for one in found))
        self.write(1)
        self.until("second echo", lambda: all(len(one.echoed) == 2 for one in found))
        keyed = [self.exchanges[topic.name] for topic in TOPICS if tree_of(topic.type).key().fields]
        self.until("goodbye", lambda: all(one.disposed for one in keyed))
        self.until("end of the peer", lambda: self.process.poll() is not None)

    def write(self, at: int) -> None:
        for topic, writer in zip(TOPICS, self.writers, strict=True):
            writer.write(sent_on(topic)[at])


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The peer's executable; a tool that is missing is a failure, for this is asked for by its marker only."""
    for program, package in TOOLS.items():
        assert shutil.which(program), f"no {program}: apt-get install {package} libfastrtps-dev libfastcdr-dev"
    build = tmp_path_factory.mktemp("peer")
    configure = ["cmake", "-S", str(HERE), "-B", str(build), f"-DPython3_EXECUTABLE={sys.executable}"]
    for command in (configure, ["cmake", "--build", str(build), "--parallel", "2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return build / "peer"


@pytest.fixture(scope="module")
def exchanged(peer: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Exchange], list[str]]:
    """What Python received, by topic, and the lines that the peer printed about what it received."""
    folder = tmp_path_factory.mktemp("exchange")
    seen, complaint = folder / "seen.txt", folder / "complaint.txt"
    with free_domain() as domain, seen.open("wb") as out, complaint.open("wb") as error:
        environment = Environment.read({"HEDGEROW_HOME": str(folder), "HEDGEROW_DOMAIN": str(domain)})
        process = subprocess.Popen([str(peer), str(domain), "2"], stdout=out, stderr=error)
        try:
            with CycloneBus(environment) as bus:
                side = Side(bus, process, complaint)
                side.run()
        finally:
            process.kill()
            process.wait()
    return side.exchanges, seen.read_text(encoding="utf-8").splitlines()


@each_topic
def test_the_peer_reads_every_field_as_python_wrote_it(exchanged, topic):
    _, seen = exchanged
    for at, sample in enumerate(sent_on(topic)):
        place = f"{topic.name}#{at}"
        assert [line for line in seen if line.startswith(f"{place}.")] == list(
            dumped(tree_of(topic.type), sample, place)
        )


@each_topic
def test_what_the_peer_sends_back_is_what_python_wrote(exchanged, topic):
    exchange = exchanged[0][topic.name]
    assert exchange.malformed == 0
    for echoed, sent in zip(exchange.echoed, sent_on(topic), strict=True):
        assert first_difference(echoed, sent) is None


@each_topic
def test_python_reads_every_field_as_the_peer_wrote_it(exchanged, topic):
    (own,) = exchanged[0][topic.name].own
    assert first_difference(own, distinct(tree_of(topic.type), count(OWN_START))) is None


@each_topic
def test_a_goodbye_of_the_peer_names_the_instance(exchanged, topic):
    key = tree_of(topic.type).key().fields
    expected = distinct(tree_of(topic.type), count(OWN_START))
    goodbyes = exchanged[0][topic.name].disposed
    assert len(goodbyes) == (1 if key else 0)
    for goodbye in goodbyes:
        assert first_difference(goodbye, topic.type(**{f.name: getattr(expected, f.name) for f in key})) is None
