"""Malformed samples on every topic, sent by hand in the name of real writers: counted, and no harm done."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import psutil
import pytest
from cyclonedds.idl import IdlStruct
from raw_rtps import data_ports, datagrams, send
from running import KINDS, System, wait_for
from trivial_node import INPUTS, OUTPUTS

from hedgerow_idl import NodeStatus, float64, uint32, wire_type
from hedgerow_idl.topics import BY_NAME, Topic, topic_of
from hedgerow_nodes.core.cyclone_bus import CycloneBus

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

SEED = 20_261_126
AT_ONCE = 20_000
"""So many are sent before the counters are looked at again; nodes tell theirs four times a second."""

MOST_GROWTH = 1.5

READ_BY_ORCHESTRATOR = (
    *(BY_NAME[f"hedgerow/{name}"] for name in ("node_info", "node_status", "command_answer", "request")),
    *(topic_of(output) for output in OUTPUTS.values()),
)


def malformed(good: bytes, chance: random.Random) -> bytes:
    """What is no sample of the type: noise, a stump, a tail, lengths that lie, text that is no UTF-8."""
    kind = chance.randrange(5)
    if kind == 0:
        return good[:4] + chance.randbytes(chance.randrange(4, 200))
    if kind == 1:
        return good[: chance.randrange(4, max(5, len(good) - 8))]
    if kind == 2:
        return good + chance.randbytes(4 * chance.randrange(2, 20))
    if kind == 3:
        at = 4 + 4 * chance.randrange(max(1, (len(good) - 4) // 4))
        return good[:at] + b"\xff\xff\xff\x7f" + good[at + 4 :]
    return good.replace(b"text", b"\xff\xfe\xfd\xfc")


def sample_of(topic: Topic) -> IdlStruct:
    """A sample with some text in each of its own fields of text."""
    sample = topic.type()
    for name, value in vars(sample).items():
        if value == "":
            setattr(sample, name, "text")
    return sample


class Attack:
    """Sends malformed samples on one topic after another and looks at the counters of all who read it."""

    def __init__(self, system: System, bus: CycloneBus, count: int) -> None:
        self._system = system
        self._bus = bus
        self._count = count
        self._chance = random.Random(SEED)
        self._ports = data_ports(system.environment.domain)

    def on(self, topic: Topic, readers: list[str], partition: str = "") -> dict[str, int]:
        """Send on one topic; by how much the counter of each reader grew."""
        writer = self._bus.writer(topic, partition)
        wait_for(lambda: writer.matched() == len(readers))
        good = writer.codec.encode(sample_of(topic))
        guid = writer._entity.get_guid().bytes
        next_number = 1

        def shoot(number: int) -> None:
            nonlocal next_number
            payloads = [malformed(good, self._chance) for _ in range(number)]
            send(self._ports, datagrams(guid, next_number, payloads))
            next_number += number

        def all_grew(before: dict[str, int]) -> bool:
            now = counted(self._system)
            return all(now[reader] > before[reader] for reader in readers)

        before = counted(self._system)
        # A reader hears a writer only once it has discovered it, which the writer cannot see.
        wait_for(lambda: [shoot(10), all_grew(before)][-1], 30.0, lambda: f"{topic.name}: nothing counted")
        before = counted(self._system)
        for first in range(0, self._count, AT_ONCE):
            seen = counted(self._system)
            shoot(min(AT_ONCE, self._count - first))
            wait_for(lambda seen=seen: all_grew(seen), 30.0, lambda: f"{topic.name}: nothing counted")
        # Some of the noise is a sample by chance, and a reader of states keeps only the newest of what waits for it.
        enough = self._count // 4

        def grown() -> dict[str, int]:
            now = counted(self._system)
            return {f"{reader} {topic.name}": now[reader] - before[reader] for reader in readers}

        # What has arrived is counted at once, but told a little later.
        wait_for(lambda: min(grown().values()) >= enough, 30.0, lambda: f"fewer than {enough} counted: {grown()}")
        writer.close()
        return grown()


def counted(system: System) -> dict[str, int]:
    """What `health` says of the malformed samples that the orchestrator and each node have ignored."""
    found = {}
    for part in system.ask("health", {})["components"]:
        number = re.search(r"(\d+) malformed samples", part["detail"])
        found[part["name"].removeprefix("node ")] = int(number[1]) if number else 0
    return {"orchestrator": found["bus"]} | {kind: found[kind] for kind in KINDS}


def readers_of(topic: Topic) -> list[str]:
    """Who reads a topic: the orchestrator what nodes write, a node its inputs."""
    nodes = [kind for kind in KINDS if topic.type in INPUTS[kind]]
    return nodes if topic.writer == "orchestrator" else ["orchestrator", *nodes]


def memory_bytes(system: System) -> dict[str, int]:
    return {name: psutil.Process(process.pid).memory_info().rss for name, process in system.processes.items()}


@pytest.fixture
def stranger(system: System) -> Iterator[CycloneBus]:
    """A place on the bus whose writers' names are borrowed."""
    with CycloneBus(system.environment) as bus:
        yield bus


@pytest.mark.parametrize("count", [1_000, pytest.param(100_000, marks=pytest.mark.chaos)])
def test_malformed_samples_on_every_topic_are_counted_and_do_no_harm(
    system: System, stranger: CycloneBus, count: int
) -> None:
    system.start_all()
    assert system.finish(system.submit("before"))["state"] == "SUCCEEDED"
    attack = Attack(system, stranger, count)
    before = memory_bytes(system)
    grown: dict[str, int] = {}
    for topic in [*READ_BY_ORCHESTRATOR, *(BY_NAME[f"hedgerow/{name}"] for name in ("user_input", "baselines"))]:
        grown |= attack.on(topic, readers_of(topic))
    for kind in KINDS:
        node = system.reader.node(kind)
        assert node is not None
        grown |= attack.on(BY_NAME["hedgerow/command"], [kind], node["node_id"])
    print(f"{count} malformed samples a topic, seed {SEED}, counted: {grown}")
    assert len(grown) == len(READ_BY_ORCHESTRATOR) + sum(len(inputs) for inputs in INPUTS.values()) + len(KINDS)
    assert system.finish(system.submit("after"))["state"] == "SUCCEEDED"
    assert {process.poll() for process in system.processes.values()} == {None}
    after = memory_bytes(system)
    print(f"RSS in MB before and after: {[(name, before[name] >> 20, after[name] >> 20) for name in before]}")
    assert all(after[name] < MOST_GROWTH * before[name] for name in before)


@wire_type
class OtherStatus(IdlStruct, typename="hedgerow.control.NodeStatus"):
    """A type of the same name with other fields."""

    number: uint32 = 0
    value: float64 = 0.0


def test_a_topic_of_another_type_under_the_same_names_is_not_even_matched(system: System, stranger: CycloneBus) -> None:
    system.start_all()
    known = BY_NAME["hedgerow/node_status"]
    assert OtherStatus.__idl_typename__ == NodeStatus.__idl_typename__
    impostor = stranger.writer(Topic(known.name, OtherStatus, known.profile, "a stranger", ()))
    impostor.write(OtherStatus(number=7))
    stranger.flush()
    # What the stranger writes under the right type is matched, so the other topic has been seen as well, and refused.
    wait_for(stranger.writer(BY_NAME["hedgerow/request"]).matched)
    assert impostor.matched() == 0
    assert system.finish(system.submit("undisturbed"))["state"] == "SUCCEEDED"
