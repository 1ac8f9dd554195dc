"""Links of an epoch are opened when it is prepared: its first item waits for no greeting."""

from hedgerow_idl.plan import Link, PlacedInstance, Plan
from hedgerow_nodes.core.memory_bus import MemoryNetwork
from hedgerow_nodes.worker_side.data_plane import DataPlane
from hedgerow_nodes.worker_side.item_stream import Outgoing
from hedgerow_nodes.worker_side.plan_book import PlanBook


def placed(name, node_id):
    return PlacedInstance(logical_id=name, physical_id=name, name=name, handler="step", node_id=node_id)


def linked(sender, receiver):
    return Link(sender=sender, output="record", receiver=receiver, input="record")


def test_the_other_workers_that_instances_here_send_to():
    book = PlanBook()
    instances = (placed("a", "one"), placed("b", "two"), placed("c", "two"), placed("d", "three"))
    links = (linked("a", "b"), linked("b", "c"), linked("c", "d"))
    book.learn(Plan(service_id="s", service_name="s", epoch=2, instances=instances, links=links))
    assert [book.receivers("s", 2, node) for node in ("one", "two", "three")] == [{"two"}, {"three"}, set()]
    assert book.receivers("s", 3, "one") == set()


class Ends:
    """Two workers' ends, under a clock that stands still."""

    def __init__(self):
        network = MemoryNetwork()
        self.arrived = []
        self.sender, self.receiver = (
            DataPlane(network.bus(), name, self.arrived.append, self.ignore, self.ignore, lambda: 1.0)
            for name in ("one", "two")
        )

    def ignore(self, *_told):
        pass


def test_the_first_item_goes_at_once_where_the_link_was_opened():
    ends = Ends()
    ends.sender.open_to(["two"])
    for _ in range(2):
        ends.sender.step()
        ends.receiver.step()
    ends.sender.send("two", Outgoing({"seq": 0}, [b"x"]))
    ends.sender.step()
    ends.receiver.step()
    assert len(ends.arrived) == 1


def test_nothing_is_opened_to_a_worker_that_is_gone():
    ends = Ends()
    ends.sender.gone("two", "the worker is lost")
    ends.sender.open_to(["two"])
    assert ends.sender.next_due_at_s == float("inf")
