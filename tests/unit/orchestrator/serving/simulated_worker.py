"""A worker as the tests play it: it does at once what orders say, tells its status when asked, and may be frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from hedgerow_idl.plan import HandlerDescription, Plan, PortDescription
from hedgerow_idl.serve import (
    InstanceState,
    InstanceStatus,
    LinkFigure,
    OrderCode,
    OrderKind,
    Resource,
    ServiceAnswer,
    ServiceOrder,
    WorkerInfo,
    WorkerStatus,
)


def handler(
    name: str, inputs: str = "", outputs: str = "", role: str = "handler", **more: object
) -> HandlerDescription:
    """A description; ports as `image:image boxes:boxes`."""

    def ports(text: str) -> tuple[PortDescription, ...]:
        return tuple(PortDescription(name=each.split(":")[0], type=each.split(":")[1]) for each in text.split())

    return HandlerDescription(name=name, role=role, inputs=ports(inputs), outputs=ports(outputs), **more)  # type: ignore[arg-type]


RESIZE_SCHEMA = {
    "type": "object",
    "properties": {
        "width": {"type": "integer", "minimum": 1, "maximum": 16384, "default": 640},
        "filter": {"anyOf": [{"enum": ["linear", "cubic"]}, {"type": "null"}]},
    },
    "required": [],
}
CATALOGUE = (
    handler("camera", "", "image:image", "source", class_type="camera"),
    handler("generator", "", "record:record", "source"),
    handler("request", "", "record:record", "source"),
    handler("resize", "image:image", "image:image", parameters=RESIZE_SCHEMA),
    handler("detect", "image:image", "boxes:boxes"),
    handler("draw", "image:image boxes:boxes", "image:image"),
    handler("change", "record:record", "record:record"),
    handler("folder", "image:image", "", "sink"),
    handler("lines", "record:record", "", "sink"),
    handler("onnx_partition", "tensors:tensors", "tensors:tensors"),
    handler("tensor_source", "", "tensors:tensors", "source"),
    handler("tensor_sink", "tensors:tensors", "", "sink"),
)

_OF_AN_EPOCH = (OrderKind.START, OrderKind.SWITCH_EPOCH)
"""Orders that are refused where the epoch was not prepared."""


@dataclass
class Running:
    """One instance."""

    status: InstanceStatus
    is_source: bool


@dataclass(repr=False)
class SimulatedWorker:
    """One process after another under one name.

    Attributes:
        inbox: orders that have reached it and are not done.
        is_frozen: it does and tells nothing.
        refuses: why it prepares nothing; empty while it does.
        done: orders that were done, by command id, with their answers.
    """

    node_id: str
    incarnation: int = 1
    info: WorkerInfo = field(default_factory=WorkerInfo)
    status: WorkerStatus = field(default_factory=WorkerStatus)
    inbox: list[ServiceOrder] = field(default_factory=list)
    is_frozen: bool = False
    refuses: str = ""
    epochs: dict[tuple[str, int], Plan] = field(default_factory=dict)
    instances: dict[str, Running] = field(default_factory=dict)
    done: dict[str, ServiceAnswer] = field(default_factory=dict)
    profile: str = ""
    seen: list[ServiceOrder] = field(default_factory=list)

    def __repr__(self) -> str:
        return self.node_id

    def announce(
        self, *, cores: int = 2, clock_hz: float = 2e9, labels: Sequence[str] = (), providers: Sequence[str] = ()
    ) -> WorkerInfo:
        """What it is; `providers` are cameras."""
        self.info = WorkerInfo(
            node_id=self.node_id,
            incarnation=self.incarnation,
            cores=cores,
            clock_hz=clock_hz,
            memory_bytes=8 * 2**30,
            labels=list(labels),
            run_times=["python"],
            host_id=self.node_id,
            catalogue=msgspec.json.encode(CATALOGUE).decode(),
            resources=[
                Resource(
                    provider_id=each,
                    class_type="camera",
                    outputs=["image"],
                    configuration=msgspec.json.encode({"index": each}).decode(),
                )
                for each in providers
            ],
        )
        return self.info

    def tell(self) -> WorkerStatus:
        """How it is; sources have gone on by ten items."""
        for each in self.instances.values():
            if each.is_source and each.status.state is InstanceState.RUNNING:
                each.status.last_sequence += 10
        self.status.node_id, self.status.incarnation = self.node_id, self.incarnation
        self.status.instances = [each.status for each in self.instances.values()]
        return self.status

    def work(self) -> list[ServiceAnswer]:
        """Do all that has reached it."""
        if self.is_frozen:
            return []
        orders, self.inbox = self.inbox, []
        return [self._answer(order) for order in orders if order.incarnation == self.incarnation]

    def restart(self, incarnation: int) -> None:
        """A new process: it knows nothing."""
        self.incarnation = incarnation
        for held in (self.inbox, self.epochs, self.instances, self.done):
            held.clear()

    def link(self, to: str, bandwidth: float = 1e7, latency: float = 0.001) -> None:
        """It has measured a link."""
        figure = LinkFigure(to_node_id=to, bandwidth_bytes_per_s=bandwidth, latency_s=latency, age_s=1.0)
        self.status.links = [each for each in self.status.links if each.to_node_id != to] + [figure]

    def _answer(self, order: ServiceOrder) -> ServiceAnswer:
        if order.command_id in self.done:
            return self.done[order.command_id]
        self.seen.append(order)
        code, reason, at_sequence, body = OrderCode.DONE, "", -1, ""
        if order.kind is OrderKind.PREPARE:
            if self.refuses:
                code, reason = OrderCode.NOT_DONE, self.refuses
            else:
                self._prepare(order)
        elif order.kind is OrderKind.PROFILE:
            code = OrderCode.DONE if self.profile else OrderCode.NOT_DONE
            body, reason = self.profile, "" if self.profile else "the model is no model"
        elif order.kind is OrderKind.DELETE:
            self._delete(order)
        elif order.kind in _OF_AN_EPOCH and (order.service_id, order.epoch) not in self.epochs:
            code, reason = OrderCode.REFUSED, f"epoch {order.epoch} is unknown"
        elif order.kind is OrderKind.SWITCH_EPOCH:
            at_sequence = self._switch(order)
        elif order.kind is OrderKind.INFER:
            body = msgspec.json.encode({"output": msgspec.json.decode(order.body)["input"]}).decode()
            at_sequence = 7
        elif order.kind is OrderKind.MEASURE:
            figures = {"latency_s": 0.001, "bandwidth_bytes_per_s": 2e7}
            links = [{"to_node_id": each, **figures} for each in msgspec.json.decode(order.body)["workers"]]
            body = msgspec.json.encode({"links": links}).decode()
        else:
            self._set(order)
        answer = ServiceAnswer(
            code=code,
            kind=order.kind,
            incarnation=self.incarnation,
            epoch=order.epoch,
            at_sequence=at_sequence,
            command_id=order.command_id,
            node_id=self.node_id,
            service_id=order.service_id,
            reason=reason,
            body=body,
        )
        self.done[order.command_id] = answer
        return answer

    def _prepare(self, order: ServiceOrder) -> None:
        plan = msgspec.json.decode(order.body, type=Plan)
        self.epochs[plan.service_id, plan.epoch] = plan
        fed = {link.receiver for link in plan.links}
        for each in plan.instances:
            if each.node_id == self.node_id and each.physical_id not in self.instances:
                status = InstanceStatus(
                    service_id=plan.service_id,
                    logical_id=each.logical_id,
                    physical_id=each.physical_id,
                    name=each.name,
                    epoch=plan.epoch,
                    state=InstanceState.READY,
                    pid=1,
                    last_sequence=each.first_sequence - 1,
                )
                self.instances[each.physical_id] = Running(status, each.logical_id not in fed)

    def _of(self, order: ServiceOrder) -> list[Running]:
        return [each for each in self.instances.values() if each.status.service_id == order.service_id]

    def _set(self, order: ServiceOrder) -> None:
        state = InstanceState.RUNNING if order.kind is OrderKind.START else InstanceState.STOPPED
        plan = self.epochs.get((order.service_id, order.epoch))
        for each in self._of(order):
            mine = plan is None or each.status.physical_id in {one.physical_id for one in plan.instances}
            if mine and each.status.state not in (InstanceState.ENDED, InstanceState.FAILED):
                each.status.state = state

    def _switch(self, order: ServiceOrder) -> int:
        plan = self.epochs[order.service_id, order.epoch]
        stays = {each.physical_id for each in plan.instances}
        at_sequence = order.at_sequence
        for each in self._of(order):
            if each.is_source and each.status.state is InstanceState.READY:
                each.status.last_sequence = order.at_sequence - 1
            elif each.is_source:
                at_sequence = max(at_sequence, each.status.last_sequence + 1)
                if each.status.physical_id in stays:
                    each.status.epoch = order.epoch
                elif each.status.state is InstanceState.RUNNING:
                    each.status.state = InstanceState.STOPPED
        return at_sequence

    def _delete(self, order: ServiceOrder) -> None:
        for key in list(self.epochs):
            if key[0] == order.service_id and order.epoch in (0, key[1]):
                del self.epochs[key]
        kept = {each.physical_id for plan in self.epochs.values() for each in plan.instances}
        for physical_id, each in list(self.instances.items()):
            if each.status.service_id == order.service_id and physical_id not in kept:
                del self.instances[physical_id]
