"""A host and its real processes, without a bus: items along links, and what happens when something goes wrong."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.system.host_world import NODE, HostWorld, plan

pytestmark = pytest.mark.system


@pytest.fixture
def world(tmp_path):
    made = HostWorld(tmp_path)
    yield made
    left = [*(pid for *_ids, pid in made.host.processes()), made.host.fork_server_pid()]
    made.host.close()
    assert [pid for pid in left if Path(f"/proc/{pid}").exists()] == []


CHAIN = ["a.record > b.record", "b.record > out.value"]


def test_a_chain_of_a_finite_source_ends(world):
    world.run(plan({"a": ("count", {"items": 50}), "b": ("step", {}), "out": ("tell", {})}, CHAIN))
    world.until(lambda: world.ended == {"a", "b", "out"}, "the end")
    assert [(each["seq"], each["n"]) for each in world.told()] == [(n, n + 1) for n in range(50)]
    events = [(row.event.name, row.sequence_number) for row in world.host.take_rows() if row.logical_id.endswith("/b")]
    for sequence in range(50):
        assert [name for name, number in events if number == sequence].count("RECV") == 1
        assert {name for name, number in events if number == sequence} == {"RECV", "START", "SENT", "END"}
    assert world.status("b").compute_s > 0


def test_two_consumers_get_every_item_and_pictures_arrive_whole(world):
    links = ["a.image > one.image", "a.image > two.image"]
    handlers = {"a": ("pictures", {"items": 40}), "one": ("brightness", {}), "two": ("brightness", {})}
    world.run(plan(handlers, links))
    for name in ("one", "two"):
        world.until(lambda name=name: len(world.told(name)) == 40, name)
        assert world.told(name) == [{"seq": n, "corner": n, "other": n} for n in range(40)]


@pytest.mark.parametrize("what", ["drop_every", "fail_every"])
def test_a_join_never_pairs_what_does_not_belong_together(world, what):
    handlers = {
        "a": ("count", {"items": 200}),
        "b": ("step", {"add": 1000, what: 20}),
        "c": ("step", {"add": 5000, what: 7}),
        "pair": ("pair", {}),
        "out": ("tell", {}),
    }
    links = [
        *("a.record > b.record", "a.record > c.record", "b.record > pair.left", "c.record > pair.right"),
        "pair.record > out.value",
    ]
    world.run(plan(handlers, links))
    world.until(lambda: "out" in world.ended, "the end")
    kept = [n for n in range(200) if n % 20 and n % 7]
    assert [(each["seq"], each["left"], each["right"]) for each in world.told()] == [
        (n, n + 1000, n + 5000) for n in kept
    ]


def test_a_branch_that_leaves_out_almost_everything_holds_nobody_up(world):
    handlers = {
        "a": ("count", {"items": 100}),
        "b": ("step", {"drop_every": 1}),
        "pair": ("pair", {}),
        "out": ("tell", {}),
    }
    links = [
        *("a.record > b.record", ("a.record > pair.left", {"capacity": 3}), "b.record > pair.right"),
        "pair.record > out.value",
    ]
    world.run(plan(handlers, links))
    world.until(lambda: "out" in world.ended, "the end")
    assert world.told() == []
    assert world.status("pair").skipped == 100


def test_lossless_holds_the_source_back(world):
    handlers = {"a": ("count", {"items": 60}), "b": ("step", {"pause_s": 0.005}), "out": ("tell", {})}
    world.run(plan(handlers, [("a.record > b.record", {"capacity": 4}), "b.record > out.value"]))
    most = []
    world.until(lambda: most.append(world.status("b").queued) or "out" in world.ended, "the end")
    assert [each["seq"] for each in world.told()] == list(range(60))
    assert max(most) <= 5  # four items, and the end
    assert world.status("b").dropped == 0


def test_newest_drops_the_older_and_counts_them(world):
    handlers = {"a": ("count", {"items": 400, "pause_s": 0.001}), "b": ("step", {"pause_s": 0.02}), "out": ("tell", {})}
    world.run(plan(handlers, [("a.record > b.record", {"capacity": 1, "mode": "newest"}), "b.record > out.value"]))
    world.until(lambda: "out" in world.ended, "the end")
    told, dropped = world.told(), world.status("b").dropped
    assert told[-1]["seq"] == 399
    assert 0 < dropped == 400 - len(told)
    sequences = [each["seq"] for each in told]
    assert sequences == sorted(sequences)
    rows = [row for row in world.host.take_rows() if row.event.name == "DROP"]
    assert len(rows) == dropped


def test_a_killed_instance_is_begun_anew_and_others_go_on(world):
    world.run(plan({"a": ("count", {"pause_s": 0.002}), "b": ("step", {}), "out": ("tell", {})}, CHAIN))
    other = {"a": ("count", {"pause_s": 0.002}), "b": ("step", {}), "other": ("tell", {})}
    world.run(plan(other, ["a.record > b.record", "b.record > other.value"], service_id="service-2"))
    world.until(lambda: len(world.told()) > 10, "items")
    before = next(each for each in world.host.statuses() if each.logical_id == "service-1/b")
    os.kill(before.pid, signal.SIGKILL)

    def after():
        return next(each for each in world.host.statuses() if each.logical_id == "service-1/b")

    world.until(lambda: after().restarts == 1 and after().state.name == "RUNNING", "another process")
    assert after().pid != before.pid
    assert after().physical_id == before.physical_id
    seen = len(world.told())
    world.until(lambda: len(world.told()) > seen + 10, "more items")
    other_states = [each for each in world.host.statuses() if each.service_id == "service-2"]
    assert [each.restarts for each in other_states] == [0, 0, 0]


def test_a_crash_before_a_join_holds_nobody_up(world):
    handlers = {
        "a": ("count", {"items": 100}),
        "b": ("step", {"die_at": 30}),
        "pair": ("pair", {}),
        "out": ("tell", {}),
    }
    links = ["a.record > b.record", "a.record > pair.left", "b.record > pair.right", "pair.record > out.value"]
    world.run(plan(handlers, links))
    world.until(lambda: "out" in world.ended, "the end")
    told = world.told()
    assert all(each["left"] + 1 == each["right"] for each in told)
    assert 85 <= len(told) < 100
    assert world.status("b").restarts == 1
    assert world.status("b").dropped == 100 - len(told)


def test_one_that_shall_not_be_begun_anew_fails_with_its_reason(world):
    handlers = {"a": ("count", {}), "b": ("step", {"die_at": 5, "_restart": "never"}), "out": ("tell", {})}
    world.run(plan(handlers, CHAIN))
    world.until(lambda: world.status("b").state.name == "FAILED", "failure")
    assert "SIGKILL" in world.status("b").reason


def test_a_source_that_raises_is_begun_anew_where_it_was(world):
    handlers = {"a": ("count", {"fail_at": 5}), "b": ("step", {}), "out": ("tell", {})}
    world.run(plan(handlers, CHAIN))
    world.until(lambda: world.status("a").restarts >= 2, "restarts")
    assert "camera unplugged" in world.status("a").reason
    assert [each["seq"] for each in world.told()] == list(range(5))


@pytest.mark.parametrize(
    ("kind", "given", "reason"),
    [("broken", {}, "no model at /nowhere.onnx"), ("step", {"ad": 1}, "ad"), ("nothing", {}, "nothing")],
)
def test_what_cannot_be_made_fails_the_order_and_leaves_nothing(world, kind, given, reason):
    made = plan({"a": ("count", {}), "b": (kind, given), "out": ("tell", {})}, CHAIN)
    result = world.order("prepare", made, NODE)
    assert result.code.name == "NOT_DONE"
    assert reason in result.reason
    world.until(lambda: not world.host.processes(), "no process")
    assert world.host.statuses() == []
    assert world.order("start", made.service_id, 1).code.name == "REFUSED"


def test_a_swap_loses_and_doubles_nothing(world):
    handlers = {"a": ("count", {"pause_s": 0.001}), "b": ("step", {}), "out": ("tell", {})}
    world.run(plan(handlers, CHAIN))
    world.until(lambda: len(world.told()) > 20, "items")
    second = plan(handlers, CHAIN, epoch=2, physical={"b": "service-1/b/2"})
    world.run(second)
    at = world.status("a").last_sequence + 30
    result = world.order("switch", "service-1", 2, at)
    assert result.at_sequence == at
    world.until(lambda: world.told()[-1]["seq"] > at + 20, "items of the new epoch")
    assert world.order("delete", "service-1", 1).code.name == "DONE"
    assert {each.physical_id for each in world.host.statuses()} == {
        f"service-1/{each}" for each in ("a/1", "b/2", "out/1")
    }
    told = world.told()
    assert sorted(each["seq"] for each in told) == list(range(len(told)))
    assert all(each["epoch"] == (1 if each["seq"] < at else 2) for each in told)
    third = world.order("switch", "service-1", 2, -1)
    assert third.code.name == "DONE"


def test_stop_holds_the_source_and_start_lets_it_go_on(world):
    world.run(plan({"a": ("count", {"pause_s": 0.001}), "b": ("step", {}), "out": ("tell", {})}, CHAIN))
    world.until(lambda: len(world.told()) > 5, "items")
    assert world.order("stop", "service-1").code.name == "DONE"
    world.until(lambda: world.status("a").last_sequence + 1 == len(world.told()), "what was under way")
    assert world.status("a").state.name == "STOPPED"
    assert world.order("start", "service-1", 1).code.name == "DONE"
    seen = len(world.told())
    world.until(lambda: len(world.told()) > seen + 5, "more")
    assert world.order("delete", "service-1", 0).code.name == "DONE"
    assert world.host.statuses() == []


def test_asking_gives_the_answer_or_why_there_is_none(world):
    handlers = {"in": ("request", {}), "b": ("step", {"fail_every": 13}), "out": ("response", {})}
    made = plan(handlers, ["in.value > b.record", "b.record > out.value"])
    assert world.order("prepare", made, NODE).code.name == "DONE"
    assert world.order("infer", "service-1", {"input": {"n": 1}}).code.name == "REFUSED"
    world.order("start", "service-1", 1)
    for n in range(1, 13):
        result = world.order("infer", "service-1", {"input": {"n": n}, "type": "record"})
        assert f'"n":{n + 1}' in result.body
        assert result.at_sequence == n - 1
    failed = world.order("infer", "service-1", {"input": {"n": 13}})
    assert failed.code.name == "NOT_DONE"
    assert "13 is not to my taste" in failed.reason
    frozen = world.status("b").pid
    os.kill(frozen, signal.SIGSTOP)
    late = world.order("infer", "service-1", {"input": {"n": 1}, "timeout_s": 0.2})
    assert "no answer within 0.2 s" in late.reason
    os.kill(frozen, signal.SIGCONT)


def test_a_call_is_answered_and_a_delayed_cast_comes_later(world):
    handlers = {"a": ("count", {"items": 3}), "ask": ("ask", {}), "b": ("step", {"add": 100}), "out": ("tell", {})}
    links = ["a.record > ask.record", "ask.question > b.record", "ask.record > out.value"]
    world.run(plan(handlers, links))
    world.until(lambda: len(world.told()) == 6, "six items")
    told = world.told()
    assert [(each["n"], each["replied"]) for each in told if "n" in each] == [(n, n + 100) for n in range(3)]
    assert [each["late"] for each in told if "late" in each] == [0, 1, 2]


def test_a_frozen_instance_delays_nobody(world):
    links = [("a.record > b.record", {"mode": "newest"}), "b.record > out.value"]
    world.run(plan({"a": ("count", {"pause_s": 0.001}), "b": ("step", {"freeze_at": 5}), "out": ("tell", {})}, links))
    world.until(lambda: world.status("b").dropped > 50, "drops")
    began_s = time.monotonic()
    world.run(
        plan(
            {"a": ("count", {"items": 5}), "b": ("step", {}), "free": ("tell", {})},
            ["a.record > b.record", "b.record > free.value"],
            service_id="service-2",
        )
    )
    world.until(lambda: len(world.told("free")) == 5, "the others")
    assert time.monotonic() - began_s < 5
    assert world.order("delete", "service-1", 0).code.name == "DONE"


def test_a_hundred_instances_are_ready_in_six_seconds(world):
    world.until(lambda: world.host.catalogue() is not None, "a warm fork server")
    began_s = time.monotonic()
    made = plan({f"s{number}": ("step", {}) for number in range(100)}, [])
    assert world.order("prepare", made, NODE).code.name == "DONE"
    took_s = time.monotonic() - began_s
    print(f"{took_s * 10:.1f} ms an instance")
    assert took_s <= 6.0
    assert len({pid for *_ids, pid in world.host.processes()}) == 100


def test_the_fork_server_may_be_killed(world):
    world.run(plan({"a": ("count", {"pause_s": 0.002}), "b": ("step", {}), "out": ("tell", {})}, CHAIN))
    world.until(lambda: len(world.told()) > 5, "items")
    os.kill(world.host.fork_server_pid(), signal.SIGKILL)
    world.until(
        lambda: all(each.restarts == 1 and each.state.name == "RUNNING" for each in world.host.statuses()), "all"
    )
    seen = len(world.told())
    world.until(lambda: len(world.told()) > seen + 5, "more items")


def test_nothing_outlives_a_host_that_is_killed(tmp_path):
    command = [sys.executable, "-m", "tests.system.host_process", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) == 4
        ends = [os.pidfd_open(pid) for pid in pids]
        owner.kill()
    for end in ends:
        assert select.select([end], [], [], 10.0)[0], "a process is left"
        os.close(end)


def test_replicas_share_the_work_and_a_join_behind_them_pairs_all(world):
    handlers = {
        "a": ("count", {"items": 300}),
        "b#0": ("step", {"pause_s": 0.001}),
        "b#1": ("step", {}),
        "pair": ("pair", {}),
        "out": ("tell", {}),
    }
    links = [
        *("a.record > b#0.record", "a.record > b#1.record", "a.record > pair.left"),
        *("b#0.record > pair.right", "b#1.record > pair.right", "pair.record > out.value"),
    ]
    world.run(plan(handlers, links))
    world.until(lambda: "out" in world.ended, "the end")
    assert [(each["left"], each["right"]) for each in world.told()] == [(n, n + 1) for n in range(300)]
    assert [each.received for each in world.host.statuses() if each.name == "b"] == [150, 150]


def test_a_fork_server_that_cannot_begin_fails_orders_and_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    world = HostWorld(tmp_path)
    try:
        result = world.order("prepare", plan({"a": ("count", {})}, []), NODE)
        assert result.code.name == "NOT_DONE"
        assert "fork server ended with code 1" in result.reason
        monkeypatch.undo()
        world.until(lambda: world.host.catalogue() is not None, "another fork server")
        assert world.order("prepare", plan({"a": ("count", {})}, []), NODE).code.name == "DONE"
    finally:
        world.host.close()


def test_an_order_that_comes_twice_is_one_order(world):
    made = plan({"a": ("count", {"items": 3}), "b": ("step", {}), "out": ("tell", {})}, CHAIN)
    for _ in range(2):
        world.host.prepare(made, NODE, "prepare-1")
    world.until(lambda: "prepare-1" in world.results, "the answer")
    assert len(world.host.processes()) == 3
    del world.results["prepare-1"]
    world.host.prepare(made, NODE, "prepare-1")
    world.until(lambda: "prepare-1" in world.results, "the answer again")
    assert len(world.host.processes()) == 3


def test_forked_processes_run_networks_and_work_on_pictures(world):
    names = [f"b{number}" for number in range(4)]
    handlers = {"a": ("count", {"items": 20}), "out": ("tell", {}), **dict.fromkeys(names, ("network", {}))}
    links = [f"a.record > {name}.record" for name in names] + [f"{name}.record > out.value" for name in names]
    world.run(plan(handlers, links))
    world.until(lambda: "out" in world.ended, "the end")
    told = world.told()
    assert len(told) == 80
    assert all(each["n"] == 2 * each["seq"] and each["mean"] == 7 for each in told)


def test_what_was_just_deleted_may_be_prepared_again_at_once(world):
    made = plan({"a": ("count", {"items": 3}), "b": ("step", {}), "out": ("tell", {})}, CHAIN)
    world.run(made)
    before = {pid for *_ids, pid in world.host.processes()}
    world.host.delete("service-1", 0, "delete-1")
    world.run(made)
    world.until(lambda: "delete-1" in world.results, "the answer to the first")
    assert len(world.host.processes()) == 3
    assert not before & {pid for *_ids, pid in world.host.processes()}
    world.until(lambda: "out" in world.ended, "the end")
