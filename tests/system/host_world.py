"""A host, a way to write plans in one line, and waiting for what the host tells."""

import json
import re
import threading
import time
import uuid

from hedgerow_idl.plan import Link, PlacedInstance, Plan
from hedgerow_nodes.serve.host import Host

NODE = "node-1"
PATIENCE_S = 20.0


def plan(handlers, links, epoch=1, service_id="service-1", physical=None, trace=True, node_ids=None):
    """A plan; handlers are `name: (type, parameters)`, links `"a.out > b.in"` or with a dict of settings."""
    physical = physical or {}
    instances = tuple(
        PlacedInstance(
            logical_id=f"{service_id}/{name}",
            physical_id=physical.get(name, f"{service_id}/{name}/1"),
            name=name.split("#")[0],
            replica=int(name.partition("#")[2] or 0),
            handler=kind,
            node_id=(node_ids or {}).get(name, NODE),
            parameters={key: value for key, value in given.items() if not key.startswith("_")},
            restart=given.get("_restart", "on_failure"),
            first_sequence=given.get("_first", 0),
        )
        for name, (kind, given) in handlers.items()
    )
    made = []
    for each in links:
        text, settings = each if isinstance(each, tuple) else (each, {})
        sender, output, receiver, port = re.fullmatch(r"(\S+)\.(\w+) > (\S+)\.(\w+)", text).groups()
        ends = {"sender": f"{service_id}/{sender}", "receiver": f"{service_id}/{receiver}"}
        made.append(Link(output=output, input=port, **ends, **settings))
    return Plan(
        service_id=service_id, service_name="test", epoch=epoch, instances=instances, links=tuple(made), trace=trace
    )


class HostWorld:
    """A host under test."""

    def __init__(self, folder, modules=("tests.system.serve_handlers",), carry=None):
        self.changed = threading.Condition()
        self.ended = set()
        self.lines, self.results, self.outgoing, self.rows = [], {}, [], []
        self.host = Host(folder, list(modules), self.on_event, carry or self.on_outgoing, self.report)

    def on_event(self):
        with self.changed:
            # What an instance has said comes before the event that it has ended.
            self.ended = {each.name for each in self.host.statuses() if each.state.name == "ENDED"}
            for result in self.host.take_results():
                self.results[result.command_id] = result
            self.changed.notify_all()

    def on_outgoing(self, node_id, header, pieces, mode, link):
        with self.changed:
            self.outgoing.append((node_id, header, b"".join(pieces)))
            self.changed.notify_all()

    def report(self, line):
        with self.changed:
            self.lines.append(line)
            self.changed.notify_all()

    def until(self, is_true, what="that", patience_s=PATIENCE_S):
        """Wait for something; fails with what there is instead."""
        give_up_at_s = time.monotonic() + patience_s
        with self.changed:
            while not is_true():
                remaining_s = give_up_at_s - time.monotonic()
                assert remaining_s > 0, f"{what} did not come: {self.shown()}"
                # Counters change without an event: look again after a while.
                self.changed.wait(min(remaining_s, 0.1))

    def shown(self):
        states = [(each.name, each.state.name, each.reason, each.received, each.sent) for each in self.host.statuses()]
        return f"{states} {list(self.results.values())} {self.lines[-5:]}"

    def told(self, name="out"):
        """What a `tell` sink has said."""
        prefix = f"{name}: {{"
        return [json.loads(line[len(name) + 2 :]) for line in list(self.lines) if line.startswith(prefix)]

    def order(self, kind, *arguments):
        """Give an order and wait for its result."""
        command_id = uuid.uuid4().hex
        getattr(self.host, kind)(*arguments, command_id)
        self.until(lambda: command_id in self.results, f"the answer to {kind}")
        return self.results[command_id]

    def run(self, made):
        """Prepare and start a plan."""
        result = self.order("prepare", made, NODE)
        assert result.code.name == "DONE", result
        assert self.order("start", made.service_id, made.epoch).code.name == "DONE"

    def status(self, name):
        return next(each for each in self.host.statuses() if each.name == name)
