"""The messages that run the system: who is there, how he is, what he shall do, and what happened."""

from dataclasses import field

from cyclonedds.idl import IdlEnum, IdlStruct

from hedgerow_idl.common import TaskId
from hedgerow_idl.kinds import NAN, float64, key, sequence, uint32, uint64, wire_type


class NodeState(IdlEnum, typename="hedgerow.control.NodeState", default="INITIALIZING"):
    """Where a node stands in its lifecycle; INACTIVE is only seen from outside: the node is gone."""

    INITIALIZING = 0
    IDLE = 1
    RUNNING = 2
    ERROR = 3
    TERMINATING = 4
    INACTIVE = 5


class CommandKind(IdlEnum, typename="hedgerow.control.CommandKind", default="START"):
    """START to TERMINATE are for a node, RUN to PREEMPT for a task on it, CONFIGURE changes its configuration."""

    START = 0
    STOP = 1
    RESET = 2
    TERMINATE = 3
    RUN = 4
    CANCEL = 5
    PREEMPT = 6
    CONFIGURE = 7


class AnswerCode(IdlEnum, typename="hedgerow.control.AnswerCode", default="ACCEPTED"):
    """What a node made of a command; MISSING_INPUTS asks for the inputs named to be sent again."""

    ACCEPTED = 0
    REFUSED = 1
    DUPLICATE = 2
    MISSING_INPUTS = 3


class ReplyStatus(IdlEnum, typename="hedgerow.control.ReplyStatus", default="OK"):
    """How a request ended."""

    OK = 0
    INVALID = 1
    NOT_FOUND = 2
    CONFLICT = 3
    UNAVAILABLE = 4
    INTERNAL = 5


@wire_type
class NodeInfo(IdlStruct, typename="hedgerow.control.NodeInfo"):
    """A node's announcement, once for each start; `incarnation` grows with every start.

    It is part of the key: of two processes under one id each has an announcement, a status and an end of its own.
    `inputs` are topic names in the order in which `Command.input_attempts` refers to them. `output_schema`,
    `configuration_schema` and `configuration` are JSON texts.
    """

    node_id: str = ""
    incarnation: uint64 = 0
    key("node_id", "incarnation")
    pid: uint32 = 0
    started_at_s: float64 = NAN
    name: str = ""
    kind: str = ""
    host: str = ""
    version: str = ""
    description: str = ""
    output_topic: str = ""
    output_type: str = ""
    output_schema: str = ""
    configuration_schema: str = ""
    configuration: str = ""
    inputs: sequence[str] = field(default_factory=list)
    capabilities: sequence[str] = field(default_factory=list)


@wire_type
class NodeStatus(IdlStruct, typename="hedgerow.control.NodeStatus"):
    """How a node is; `last_progress_at_s` is stamped by the work itself, the rest by the loop beside it.

    `malformed` counts the samples that the node has left out since its start because they were none of their type.
    """

    node_id: str = ""
    incarnation: uint64 = 0
    key("node_id", "incarnation")
    state: NodeState = NodeState.INITIALIZING
    task: TaskId = field(default_factory=TaskId)
    attempt: uint32 = 0
    queued: uint32 = 0
    completed: uint64 = 0
    malformed: uint64 = 0
    progress: float64 = NAN
    last_progress_at_s: float64 = NAN
    stamped_at_s: float64 = NAN
    stage: str = ""
    detail: str = ""
    error: str = ""


@wire_type
class Command(IdlStruct, typename="hedgerow.control.Command"):
    """An order to one node; the same `command_id` twice is the same order.

    `incarnation` is the one that is meant; another one under the same id neither obeys nor answers. 0 means any.
    `deadline_at_s` is in seconds since the Unix epoch, NaN for none. `input_attempts` says, input by input, which
    attempt's output is the accepted one. `body` is the JSON text of a CONFIGURE.
    """

    kind: CommandKind = CommandKind.START
    task: TaskId = field(default_factory=TaskId)
    attempt: uint32 = 0
    deadline_at_s: float64 = NAN
    incarnation: uint64 = 0
    command_id: str = ""
    node_id: str = ""
    stage: str = ""
    body: str = ""
    input_attempts: sequence[uint32] = field(default_factory=list)


@wire_type
class CommandAnswer(IdlStruct, typename="hedgerow.control.CommandAnswer"):
    """What the node made of a command, and the state it is in afterwards."""

    code: AnswerCode = AnswerCode.ACCEPTED
    state: NodeState = NodeState.INITIALIZING
    task: TaskId = field(default_factory=TaskId)
    attempt: uint32 = 0
    incarnation: uint64 = 0
    command_id: str = ""
    node_id: str = ""
    stage: str = ""
    reason: str = ""
    body: str = ""
    missing: sequence[str] = field(default_factory=list)


@wire_type
class Request(IdlStruct, typename="hedgerow.control.Request"):
    """A client's wish to the orchestrator: a verb and a JSON text."""

    request_id: str = ""
    client_id: str = ""
    verb: str = ""
    body: str = ""


@wire_type
class Reply(IdlStruct, typename="hedgerow.control.Reply"):
    """The orchestrator's answer to a request."""

    status: ReplyStatus = ReplyStatus.OK
    request_id: str = ""
    client_id: str = ""
    body: str = ""


@wire_type
class Event(IdlStruct, typename="hedgerow.control.Event"):
    """Something that happened; `event_id` is the row's id in the store, the SSE id and the replay cursor."""

    event_id: uint64 = 0
    at_s: float64 = NAN
    task: TaskId = field(default_factory=TaskId)
    kind: str = ""
    stage: str = ""
    node_id: str = ""
    body: str = ""
