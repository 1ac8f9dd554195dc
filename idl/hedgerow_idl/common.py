"""The pieces that every message is made of: task ids, the output header, estimates."""

from dataclasses import field

from cyclonedds.idl import IdlEnum, IdlStruct

from hedgerow_idl.kinds import NAN, float64, uint32, wire_type


class Outcome(IdlEnum, typename="hedgerow.Outcome", default="SUCCEEDED"):
    """How an attempt at a stage ended."""

    SUCCEEDED = 0
    FAILED = 1
    CANCELLED = 2
    TIMED_OUT = 3


@wire_type
class TaskId(IdlStruct, typename="hedgerow.TaskId"):
    """Which answer to which problem: both numbers begin at 1, {0, 0} is no task."""

    problem_id: uint32 = 0
    iteration_id: uint32 = 0

    def __str__(self) -> str:
        return f"{self.problem_id}.{self.iteration_id}"

    def __bool__(self) -> bool:
        return self.problem_id > 0 and self.iteration_id > 0


@wire_type
class Header(IdlStruct, typename="hedgerow.Header"):
    """The first field of every output; the framework fills it, an author leaves it alone.

    `stamped_at_s` is in seconds since the Unix epoch, UTC. When `outcome` is not SUCCEEDED, `error_code` holds a
    short word (`NO_MODEL`, `EXCEPTION`, …), `reason` a sentence, and nothing else in the output is read.
    """

    task: TaskId = field(default_factory=TaskId)
    attempt: uint32 = 0
    outcome: Outcome = Outcome.SUCCEEDED
    stamped_at_s: float64 = NAN
    node_id: str = ""
    stage: str = ""
    error_code: str = ""
    reason: str = ""


@wire_type
class Estimate(IdlStruct, typename="hedgerow.Estimate"):
    """A number that somebody worked out: the value, the interval it lies in, how it was found and from what.

    All three numbers have the unit that the field's name states; NaN is unknown. `method` is a short label such as
    `measured`, `roofline`, `catalogue`, `declared`; `source` names data set, version and year, or the calibration.
    """

    value: float64 = NAN
    low: float64 = NAN
    high: float64 = NAN
    method: str = ""
    source: str = ""
