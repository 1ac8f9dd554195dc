"""Workers as real processes: they announce themselves, run a chain over two of them, measure links, leave, and die."""

from __future__ import annotations

import json
import os
import signal
import statistics
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from worker_system import Workers, chain, descendants

from hedgerow_idl.plan import PlacedInstance, Plan
from hedgerow_idl.serve import InstanceState, OrderCode, OrderKind
from hedgerow_nodes.core.bus import Kind
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.partition.runtime import CPU

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

ITEMS = 200
TRIALS = 5
FROZEN_DELAY_S = 0.05
"""A frozen worker may delay a start elsewhere by no more than this; starts without one are measured in between."""


@pytest.fixture
def workers(hedgerow_environment: Environment) -> Iterator[Workers]:
    """A bus without workers yet; what the test starts ends with it."""
    system = Workers(hedgerow_environment)
    yield system
    system.close()


def received(workers: Workers, service_id: str) -> list[int]:
    """The sequences that a chain's sink has got, by its trace."""
    events = (row for row in workers.packets if row.event.name == "RECV" and row.logical_id == f"{service_id}/out")
    return [row.sequence_number for row in events]


def test_items_of_a_chain_over_two_workers_all_arrive_once(workers: Workers) -> None:
    first, second = workers.up("first", "second")
    info = workers.infos[first]
    assert info.cores == len(os.sched_getaffinity(0))
    assert "count" in [handler["name"] for handler in json.loads(info.catalogue)]
    plan = chain(first, second, {"items": ITEMS})
    assert [answer.code for answer in workers.prepare(plan)] == [OrderCode.DONE, OrderCode.DONE]
    workers.begin(plan)
    workers.until(lambda: len(received(workers, "s")) >= ITEMS)
    workers.until(lambda: workers.instance(first, "numbers").state is InstanceState.ENDED)
    assert received(workers, "s") == list(range(ITEMS))
    workers.until(lambda: any(link.sent_items >= ITEMS for link in workers.statuses[first].links))


def measured(workers: Workers, sender: str, receiver: str) -> dict[str, Any] | None:
    """What a worker measures of its link to another one; None if that one is not there for it."""
    answer = workers.order(sender, OrderKind.MEASURE, body=json.dumps({"workers": [receiver]}))
    (link,) = json.loads(answer.body)["links"]
    return None if link["reason"] else link


def test_both_directions_of_a_link_are_measured(workers: Workers) -> None:
    first, second = workers.up("first", "second")
    for sender, receiver in ((first, second), (second, first)):
        # Two workers that have just announced themselves to us may not have found each other yet.
        link = workers.until(lambda sender=sender, receiver=receiver: measured(workers, sender, receiver))
        assert link["to_node_id"] == receiver
        assert link["bandwidth_bytes_per_s"] > 1e6
        assert 0 < link["latency_s"] < 1
        figure = workers.until(lambda sender=sender: workers.statuses[sender].links)[0]
        assert figure.bandwidth_bytes_per_s == link["bandwidth_bytes_per_s"]


def test_a_worker_that_is_told_to_leave_leaves_no_process_behind(workers: Workers) -> None:
    first, second = workers.up("first", "second")
    plan = chain(first, second, {"items": -1, "pause_s": 0.01})
    workers.prepare(plan)
    workers.begin(plan)
    workers.until(lambda: len(received(workers, "s")) > 10)
    process = workers.processes.pop("second")
    below = descendants(process.pid)
    assert len(below) >= 2  # the fork server and the sink
    process.send_signal(signal.SIGTERM)
    workers.until(lambda: (second, Kind.DISPOSED) in workers.ends)
    assert process.wait(10) == 0
    assert psutil.wait_procs(below, 10)[1] == []


@pytest.mark.long
def test_a_worker_that_is_killed_is_lost_and_leaves_no_process_behind(workers: Workers) -> None:
    first, second = workers.up("first", "second")
    plan = chain(first, second, {"items": -1, "pause_s": 0.01})
    workers.prepare(plan)
    workers.begin(plan)
    workers.until(lambda: len(received(workers, "s")) > 10)
    below = descendants(workers.processes["second"].pid)
    workers.kill("second")
    workers.until(lambda: (second, Kind.LOST) in workers.ends)
    assert psutil.wait_procs(below, 10)[1] == []
    # Its source need not wait for credits that will never come.
    sent = workers.instance(first, "numbers").sent
    workers.until(lambda: workers.instance(first, "numbers").sent > sent + 50)


@pytest.mark.long
def test_a_frozen_worker_delays_nobody_elsewhere(workers: Workers) -> None:
    first, second, third = workers.up("first", "second", "third")
    to_second = chain(first, second, {"items": -1, "pause_s": 0.001}, "frozen")
    workers.prepare(to_second)
    workers.begin(to_second)
    workers.until(lambda: len(received(workers, "frozen")) > 10)
    took_s: dict[bool, list[float]] = {False: [], True: []}
    for trial in range(2 * TRIALS):
        is_frozen = trial % 2 == 1
        if is_frozen:
            workers.processes["second"].send_signal(signal.SIGSTOP)
        plan = chain(first, third, {"items": 20}, f"trial-{trial}")
        began_s = time.monotonic()
        workers.prepare(plan)
        workers.begin(plan)
        took_s[is_frozen].append(time.monotonic() - began_s)
        workers.until(lambda trial=trial: len(received(workers, f"trial-{trial}")) == 20)
        if is_frozen:
            workers.processes["second"].send_signal(signal.SIGCONT)
    calm_s, frozen_s = statistics.median(took_s[False]), statistics.median(took_s[True])
    print(
        f"start of a chain: {calm_s * 1e3:.0f} ms, beside a frozen worker {frozen_s * 1e3:.0f} ms, medians of {TRIALS}"
    )
    assert frozen_s < calm_s + FROZEN_DELAY_S


def test_handlers_use_those_execution_providers_alone_that_their_worker_may(workers: Workers) -> None:
    """With ONNX Runtime's package for processors, which has a second provider, though one without devices."""
    workers.start_worker("any")
    workers.start_worker("cpu", execution_providers=[CPU])
    workers.until(lambda: len(workers.infos) == 2, 60)
    reasons = {}
    for name in ("any", "cpu"):
        parameters = {"model": "shipped:digits-mlp.onnx", "providers": ["azure"]}
        network = PlacedInstance(
            logical_id=f"{name}/n",
            physical_id=f"{name}/n/1",
            name="n",
            handler="onnx",
            node_id=workers.names[name],
            parameters=parameters,
        )
        (answer,) = workers.prepare(Plan(service_id=name, service_name=name, epoch=1, instances=(network,), links=()))
        reasons[name] = answer.reason
    assert reasons["cpu"].endswith(f"execution provider 'azure' is not on this worker; it has {CPU}"), reasons
    assert "is not on this worker" not in reasons["any"]


def test_a_wrong_configuration_ends_the_start_with_the_reason(workers: Workers) -> None:
    workers.start_worker("wrong", execution_providers=["NoSuchProvider"])
    assert workers.processes["wrong"].wait(60) == 2
    assert "NoSuchProvider" in workers.log_of("wrong")
