"""The one table of topics: name, type, QoS profile, who writes, who reads. No topic name stands anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cyclonedds.idl import IdlStruct

from hedgerow_idl import advice, bulk, control, serve, telemetry


class Profile(StrEnum):
    """The named QoS profiles; `hedgerow_nodes.core.qos` turns them into policies.

    * STATE: keyed by node, reliable, transient-local, keep-last 1, the writer's liveliness lease and a deadline.
    * RING: not keyed, reliable, transient-local, keep-last 4096 with the same durability-service depth.
    * COMMAND: reliable, volatile, keep-last 8192, one partition a receiver.
    * STREAM: best effort, keep-last 1, newest wins.
    * BULK: reliable, volatile, keep-last 64, for chunks of up to 1 MiB.
    """

    STATE = "state"
    RING = "ring"
    COMMAND = "command"
    STREAM = "stream"
    BULK = "bulk"


RING_DEPTH = 4096
COMMAND_DEPTH = 8192
BULK_DEPTH = 64


@dataclass(frozen=True)
class Topic:
    """One row of the table."""

    name: str
    type: type[IdlStruct]
    profile: Profile
    writer: str
    readers: tuple[str, ...]


_ALL = "every node and the orchestrator"

TOPICS: tuple[Topic, ...] = (
    Topic("hedgerow/node_info", control.NodeInfo, Profile.STATE, _ALL, ("orchestrator", "supervisor", "cli")),
    Topic("hedgerow/node_status", control.NodeStatus, Profile.STATE, _ALL, ("orchestrator", "supervisor")),
    Topic("hedgerow/command", control.Command, Profile.COMMAND, "orchestrator", ("the node named by the partition",)),
    Topic("hedgerow/command_answer", control.CommandAnswer, Profile.COMMAND, "every node", ("orchestrator",)),
    Topic("hedgerow/request", control.Request, Profile.COMMAND, "any client", ("orchestrator",)),
    Topic("hedgerow/reply", control.Reply, Profile.COMMAND, "orchestrator", ("the client named by the partition",)),
    Topic("hedgerow/event", control.Event, Profile.RING, "orchestrator", ("frontend", "supervisor", "cli")),
    Topic(
        "hedgerow/user_input",
        advice.UserInput,
        Profile.RING,
        "orchestrator",
        (
            "app_requirements",
            "ml_model_metadata",
            "hw_constraints",
            "ml_model_provider",
            "hw_resources",
            "carbon_footprint",
            "optimizer",
        ),
    ),
    Topic("hedgerow/baselines", advice.Baselines, Profile.RING, "orchestrator", ("ml_model_provider", "optimizer")),
    Topic(
        "hedgerow/app_requirements",
        advice.AppRequirements,
        Profile.RING,
        "app_requirements",
        ("orchestrator", "ml_model_provider", "hw_resources"),
    ),
    Topic(
        "hedgerow/ml_model_metadata",
        advice.MLModelMetadata,
        Profile.RING,
        "ml_model_metadata",
        ("orchestrator", "ml_model_provider"),
    ),
    Topic(
        "hedgerow/hw_constraints",
        advice.HWConstraints,
        Profile.RING,
        "hw_constraints",
        ("orchestrator", "ml_model_provider", "hw_resources", "optimizer"),
    ),
    Topic(
        "hedgerow/ml_model_provider",
        advice.MLModel,
        Profile.RING,
        "ml_model_provider",
        ("orchestrator", "hw_resources", "carbon_footprint", "optimizer"),
    ),
    Topic(
        "hedgerow/hw_resources",
        advice.HWResources,
        Profile.RING,
        "hw_resources",
        ("orchestrator", "carbon_footprint", "optimizer"),
    ),
    Topic(
        "hedgerow/carbon_footprint",
        advice.CarbonFootprint,
        Profile.RING,
        "carbon_footprint",
        ("orchestrator", "optimizer"),
    ),
    Topic("hedgerow/optimizer", advice.Optimization, Profile.RING, "optimizer", ("orchestrator",)),
    Topic("hedgerow/tensor", bulk.Chunk, Profile.BULK, "any node", ("any node that names the tensor's partition",)),
    Topic("hedgerow/tensor_credit", bulk.Credit, Profile.COMMAND, "readers of tensors", ("the tensor's writer",)),
    Topic("hedgerow/worker_info", serve.WorkerInfo, Profile.STATE, "worker", ("orchestrator", "cli")),
    Topic("hedgerow/worker_status", serve.WorkerStatus, Profile.STATE, "worker", ("orchestrator", "cli")),
    Topic(
        "hedgerow/service_order",
        serve.ServiceOrder,
        Profile.COMMAND,
        "orchestrator",
        ("the worker named by the partition",),
    ),
    Topic("hedgerow/service_answer", serve.ServiceAnswer, Profile.COMMAND, "worker", ("orchestrator",)),
    Topic("hedgerow/item", serve.ItemChunk, Profile.BULK, "worker", ("the worker named by the partition",)),
    Topic("hedgerow/item_credit", serve.ItemCredit, Profile.COMMAND, "worker", ("the worker named by the partition",)),
    Topic("hedgerow/telemetry", telemetry.TelemetryBatch, Profile.RING, "worker", ("collector",)),
)

BY_NAME = {topic.name: topic for topic in TOPICS}
BY_TYPE = {topic.type: topic for topic in TOPICS}


def topic_of(wire_type: type[IdlStruct]) -> Topic:
    """The topic on which a type travels: its row in the table, or a ring named after the type for an author's own.

    The type `garden.Colour` travels on the topic `garden/Colour`.
    """
    known = BY_TYPE.get(wire_type)
    if known is not None:
        return known
    name = str(wire_type.__idl_typename__).replace(".", "/")
    return Topic(name, wire_type, Profile.RING, "its author's node", ("orchestrator",))
