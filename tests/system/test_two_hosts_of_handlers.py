"""A service over two hosts, whose items are handed over as two workers would."""

import time
import uuid

import msgspec
import pytest

from tests.system.host_world import HostWorld, plan

pytestmark = pytest.mark.system


class Pair:
    """Two hosts; what one gives out the other takes in, until the wire is cut."""

    def __init__(self, folder):
        self.is_cut = False
        self.worlds = {name: HostWorld(folder / name, carry=self.carry) for name in ("one", "two")}

    def carry(self, node_id, header, pieces, mode, link):
        if not self.is_cut:
            self.worlds[node_id].host.incoming(header, b"".join(pieces))

    def each(self, kind, *arguments):
        results = {}
        for name, world in self.worlds.items():
            more = (name,) if kind == "prepare" else ()
            command_id = uuid.uuid4().hex
            getattr(world.host, kind)(*arguments, *more, command_id)
            world.until(lambda world=world, key=command_id: key in world.results, kind)
            results[name] = world.results[command_id]
        return results


@pytest.fixture
def pair(tmp_path):
    made = Pair(tmp_path)
    yield made
    for world in made.worlds.values():
        world.host.close()


STUCK_S = 0.5
"""A source that has sent nothing for so long waits."""

CHAIN = ["a.record > b.record", "b.record > out.value"]


def test_a_chain_over_two_hosts_holds_back_loses_nothing_and_ends(pair):
    handlers = {"a": ("count", {"items": 100}), "b": ("step", {"pause_s": 0.002}), "out": ("tell", {})}
    links = [("a.record > b.record", {"capacity": 3}), "b.record > out.value"]
    pair.each("prepare", plan(handlers, links, node_ids={"a": "one", "b": "two", "out": "one"}))
    pair.each("start", "service-1", 1)
    one, two = pair.worlds.values()
    most = []
    one.until(lambda: most.append(two.status("b").queued) or "out" in one.ended, "the end")
    assert [(each["seq"], each["n"]) for each in one.told()] == [(n, n + 1) for n in range(100)]
    assert max(most) <= 4


def test_a_migration_to_the_other_host_loses_and_doubles_nothing(pair):
    handlers = {"a": ("count", {"pause_s": 0.001}), "b": ("step", {}), "out": ("tell", {})}
    pair.each("prepare", plan(handlers, CHAIN, node_ids=dict.fromkeys(handlers, "one")))
    pair.each("start", "service-1", 1)
    one, two = pair.worlds.values()
    one.until(lambda: len(one.told()) > 20, "items")
    node_ids = {"a": "one", "b": "two", "out": "one"}
    second = plan(handlers, CHAIN, epoch=2, physical={"b": "service-1/b/2"}, node_ids=node_ids)
    pair.each("prepare", second)
    pair.each("start", "service-1", 2)
    at = one.order("switch", "service-1", 2, -1).at_sequence
    one.until(lambda: max(each["seq"] for each in one.told()) > at + 20, "items of the new epoch")
    pair.each("delete", "service-1", 1)
    assert two.status("b").received > 0
    told = one.told()
    assert sorted(each["seq"] for each in told) == list(range(len(told)))
    assert all(each["epoch"] == (1 if each["seq"] < at else 2) for each in told)


def test_a_question_is_answered_over_the_other_host(pair):
    handlers = {"in": ("request", {}), "b": ("step", {}), "out": ("response", {})}
    links = ["in.value > b.record", "b.record > out.value"]
    pair.each("prepare", plan(handlers, links, node_ids={"in": "one", "b": "two", "out": "two"}))
    pair.each("start", "service-1", 1)
    result = pair.worlds["one"].order("infer", "service-1", {"input": {"n": 41}})
    assert '"n":42' in result.body


def test_a_host_that_is_gone_holds_nobody_up(pair):
    handlers = {"a": ("count", {"pause_s": 0.001}), "b": ("step", {}), "pair": ("pair", {}), "out": ("tell", {})}
    links = ["a.record > b.record", "a.record > pair.left", "b.record > pair.right", "pair.record > out.value"]
    node_ids = {"a": "one", "b": "two", "pair": "one", "out": "one"}
    pair.each("prepare", plan(handlers, links, node_ids=node_ids))
    pair.each("start", "service-1", 1)
    one = pair.worlds["one"]
    one.until(lambda: len(one.told()) > 20, "items")
    pair.is_cut = True
    stuck = [-1]

    def is_stuck():
        before, stuck[0] = stuck[0], one.status("a").last_sequence
        return before == stuck[0]

    one.until(is_stuck, "a source that waits")
    one.host.node_gone("two")
    second = plan(handlers, links, epoch=2, physical={"b": "service-1/b/2"}, node_ids=dict.fromkeys(handlers, "one"))
    one.order("prepare", second, "one")
    one.order("start", "service-1", 2)
    at = one.order("switch", "service-1", 2, -1).at_sequence
    one.until(lambda: one.told()[-1]["seq"] > at + 10, "items of the new epoch")
    assert all(each["left"] + 1 == each["right"] for each in one.told())


def test_items_of_an_epoch_that_is_not_known_are_refused_and_counted(pair):
    handlers = {"a": ("count", {"items": 1}), "b": ("step", {}), "out": ("tell", {})}
    pair.each("prepare", plan(handlers, CHAIN, node_ids={"a": "one", "b": "two", "out": "two"}))
    pair.each("start", "service-1", 1)
    two = pair.worlds["two"]
    two.until(lambda: two.status("b").received == 1, "the item")
    ends = {"from": "service-1/a", "out": "record", "to": "service-1/b", "in": "record"}
    header = {"service": "service-1", "epoch": 7, "seq": 5, **ends, "type": "record", "kind": "cast", "call": ""}
    two.host.incoming({**header, "at": 0.0}, b"")
    assert two.status("b").refused == 1
    assert two.status("b").received == 1


def test_a_source_moves_to_the_other_host_at_a_number(pair):
    handlers = {"a": ("count", {"pause_s": 0.001}), "b": ("step", {}), "out": ("tell", {})}
    pair.each("prepare", plan(handlers, CHAIN, node_ids=dict.fromkeys(handlers, "one")))
    pair.each("start", "service-1", 1)
    one, two = pair.worlds.values()
    one.until(lambda: len(one.told()) > 20, "items")
    node_ids = {"a": "two", "b": "one", "out": "one"}
    pair.each("prepare", plan(handlers, CHAIN, epoch=2, physical={"a": "service-1/a/2"}, node_ids=node_ids))
    at = one.order("switch", "service-1", 2, -1).at_sequence
    assert two.order("switch", "service-1", 2, at).at_sequence == at
    pair.each("start", "service-1", 2)
    one.until(lambda: max(each["seq"] for each in one.told()) > at + 20, "items of the new epoch")
    told = one.told()
    assert [each["seq"] for each in told] == list(range(len(told)))
    assert all(each["epoch"] == (1 if each["seq"] < at else 2) for each in told)


def test_a_source_that_has_ended_ends_the_next_epoch_too(pair):
    handlers = {"a": ("count", {"items": 5}), "b": ("step", {}), "out": ("tell", {})}
    pair.each("prepare", plan(handlers, CHAIN, node_ids=dict.fromkeys(handlers, "one")))
    pair.each("start", "service-1", 1)
    one, two = pair.worlds.values()
    one.until(lambda: "out" in one.ended, "the end")
    node_ids = {"a": "one", "b": "two", "out": "one"}
    pair.each("prepare", plan(handlers, CHAIN, epoch=2, physical={"b": "service-1/b/2"}, node_ids=node_ids))
    pair.each("start", "service-1", 2)
    assert one.order("switch", "service-1", 2, -1).at_sequence == 5
    two.until(lambda: "b" in two.ended, "the end of the new instance")


def stuck_at_the_other_host(pair):
    """A chain over both, whose source waits for the other one, which gives nothing back any more; its plan."""
    handlers = {"a": ("count", {"pause_s": 0.001}), "b": ("step", {}), "out": ("tell", {})}
    made = plan(handlers, CHAIN, node_ids={"a": "one", "b": "two", "out": "one"})
    starts = {"one": 5, "two": 7}
    instances = tuple(msgspec.structs.replace(each, incarnation=starts[each.node_id]) for each in made.instances)
    made = msgspec.structs.replace(made, instances=instances)
    pair.each("prepare", made)
    pair.each("start", "service-1", 1)
    one = pair.worlds["one"]
    one.until(lambda: len(one.told()) > 20, "items")
    pair.is_cut = True
    seen = [-1, 0.0]

    def is_stuck():
        at = one.status("a").last_sequence
        if at != seen[0]:
            seen[:] = at, time.monotonic()
        return time.monotonic() - seen[1] > STUCK_S

    one.until(is_stuck, "a source that waits")
    return made


def test_what_is_lost_and_not_given_up_is_waited_for(pair):
    stuck_at_the_other_host(pair)
    one = pair.worlds["one"]
    at = one.status("a").last_sequence
    one.host.node_gone("two", 6)  # the start before: nothing is placed there
    one.host.node_back("two")
    time.sleep(STUCK_S)
    assert one.status("a").last_sequence == at


def test_a_start_that_was_given_up_gets_items_again_when_it_is_back(pair):
    stuck_at_the_other_host(pair)
    one, two = pair.worlds.values()
    at = one.status("a").last_sequence
    one.host.node_gone("two", 7, is_over=False)
    one.until(lambda: one.status("a").last_sequence > at + 20, "a source that does not wait")
    received = two.status("b").received
    pair.is_cut = False
    one.host.node_back("two")
    two.until(lambda: two.status("b").received > received + 20, "items after it is back")
    told = one.told()
    assert len({each["seq"] for each in told}) == len(told)


def test_a_plan_says_what_nobody_waits_for_any_more(pair):
    first = stuck_at_the_other_host(pair)
    one = pair.worlds["one"]
    handlers = {"a": ("count", {"pause_s": 0.001}), "b": ("step", {}), "out": ("tell", {})}
    second = plan(handlers, CHAIN, epoch=2, physical={"b": "service-1/b/2"}, node_ids=dict.fromkeys(handlers, "one"))
    second = msgspec.structs.replace(second, lost=("service-1/b/1",))
    one.order("prepare", second, "one")
    one.order("start", "service-1", 2)
    sent = one.status("a").last_sequence
    at = one.order("switch", "service-1", 2, -1).at_sequence
    assert at <= sent + 2  # nothing was thrown after what is lost: its source waited until it was told
    one.until(lambda: one.told()[-1]["seq"] > at + 20, "items of the new epoch")
    told = [each["seq"] for each in one.told()]
    assert told == sorted(set(told))
    assert set(range(at, told[-1] + 1)) <= set(told)
    assert first.lost == ()
