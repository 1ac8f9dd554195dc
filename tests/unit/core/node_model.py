"""What a node promises about commands and work, told a second time: the model that the node loop is compared with.

It is told the commands in the order in which they are written, then `settle`, which lets everything end that can, and
lists what the node must have answered (`answers`) and written (`outputs`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hedgerow_idl import AnswerCode, CommandKind, NodeState, Outcome
from hedgerow_nodes.core.lifecycle import LIFECYCLE, Trigger

Run = tuple[int, int]
"""Problem and attempt of a RUN."""

HANGS = ("hang", "hang then raise", "hang then heed")
ENDS = {
    "answer": (Outcome.SUCCEEDED, ""),
    "raise": (Outcome.FAILED, "EXCEPTION"),
    "refuse": (Outcome.FAILED, "NO_WAY"),
    "wrong": (Outcome.FAILED, "EXCEPTION"),
    "claim": (Outcome.FAILED, "EXCEPTION"),
    "hang": (Outcome.SUCCEEDED, ""),
    "hang then raise": (Outcome.FAILED, "EXCEPTION"),
    "hang then heed": (Outcome.SUCCEEDED, ""),
}
"""What `process` does at this text, and how the attempt ends if nobody cancels it."""


@dataclass(eq=False)
class Job:
    """A call that the node makes: `start`, `stop`, or a RUN with the text of its input."""

    what: str
    run: Run | None = None
    cancelled: bool = False


@dataclass
class NodeModel:
    """The node; `sick_starts` and `sick_stops` say how many of the next calls raise."""

    state: NodeState = NodeState.INITIALIZING
    stopped: bool = False
    completed: int = 0
    sick_starts: int = 0
    sick_stops: int = 0
    inputs: dict[int, str] = field(default_factory=dict)
    known: set[Run] = field(default_factory=set)
    queue: list[Run] = field(default_factory=list)
    current: Job | None = None
    starting: Job | None = None
    jobs: list[Job] = field(default_factory=list)
    hooks: list[Job] = field(default_factory=list)
    answers: list[tuple[str, AnswerCode, NodeState]] = field(default_factory=list)
    outputs: list[tuple[Run, Outcome, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._start()

    @property
    def hanging(self) -> bool:
        """The call in work ends only when it is released."""
        return bool(self.jobs) and self.jobs[0].what in HANGS

    # --- commands -------------------------------------------------------------------------------------------------

    def run(self, run: Run, command_id: str, *, inputs: int) -> None:
        """RUN, naming so many inputs; one that is accepted is not answered."""
        if self.stopped or self.state in (NodeState.ERROR, NodeState.TERMINATING) or inputs != 1:
            self._answer(command_id, AnswerCode.REFUSED)
        elif run in self.known:
            self._answer(command_id, AnswerCode.DUPLICATE)
        else:
            self.known.add(run)
            self.queue.append(run)

    def unwanted(self, problem: int, command_id: str, kind: CommandKind) -> None:
        """CANCEL or PREEMPT of a task."""
        code = {CommandKind.CANCEL: "CANCELLED", CommandKind.PREEMPT: "PREEMPTED"}[kind]
        self.outputs += [(run, Outcome.CANCELLED, code) for run in self.queue if run[0] == problem]
        self.queue = [run for run in self.queue if run[0] != problem]
        if self.current is not None and self.current.run is not None and self.current.run[0] == problem:
            self.current.cancelled = True
        self._answer(command_id, AnswerCode.ACCEPTED)

    def configure(self, command_id: str, *, valid: bool) -> None:
        """CONFIGURE."""
        self._answer(command_id, AnswerCode.ACCEPTED if valid else AnswerCode.REFUSED)

    def lifecycle(self, trigger: Trigger, command_id: str) -> None:
        """START, STOP, RESET or TERMINATE."""
        if (self.state, trigger) not in LIFECYCLE:
            self._answer(command_id, AnswerCode.REFUSED)
            return
        if trigger is Trigger.START:
            self.stopped = False
            if self.state is NodeState.INITIALIZING and self.starting is None:
                self._start()
        else:
            self._give_up("TERMINATED" if trigger is Trigger.TERMINATE else "STOPPED")
            self.state = LIFECYCLE[self.state, trigger]
            if trigger is not Trigger.TERMINATE:
                self.starting, self.stopped = None, trigger is Trigger.STOP
                self.hooks.clear()  # what was asked for before no longer counts, however it ends
                self._call(Job("stop"))
                if trigger is Trigger.RESET:
                    self._start()
        self._answer(command_id, AnswerCode.ACCEPTED)

    def _answer(self, command_id: str, code: AnswerCode) -> None:
        self.answers.append((command_id, code, self.state))

    def _give_up(self, code: str) -> None:
        self.outputs += [(run, Outcome.CANCELLED, code) for run in self.queue]
        self.queue.clear()
        if self.current is not None and self.current.run is not None:
            self.outputs.append((self.current.run, Outcome.CANCELLED, code))
            self.current = None

    def _start(self) -> None:
        self.starting = Job("start")
        self._call(self.starting)

    def _call(self, hook: Job) -> None:
        self.hooks.append(hook)
        self.jobs.append(hook)

    # --- what follows ---------------------------------------------------------------------------------------------

    def release(self) -> None:
        """The call that hangs goes on, and ends."""
        self._ended(self.jobs.pop(0))

    def settle(self) -> None:
        """End every call that does not hang, and begin what can begin, until neither is left."""
        while True:
            while self.jobs and not self.hanging:
                self._ended(self.jobs.pop(0))
            ready = [run for run in self.queue if run[0] in self.inputs]
            if self.state is not NodeState.IDLE or self.jobs or not ready:
                return
            self.queue.remove(ready[0])
            self.state = NodeState.RUNNING
            self.current = Job(self.inputs[ready[0][0]], ready[0])
            self.jobs.append(self.current)

    def _ended(self, job: Job) -> None:
        if job.run is None:
            self._hook_ended(job)
        elif job is self.current:
            self.current = None
            self.state = NodeState.IDLE
            self.completed += 1
            outcome, code = (Outcome.CANCELLED, "CANCELLED") if job.cancelled else ENDS[job.what]
            self.outputs.append((job.run, outcome, code))
            if outcome is Outcome.SUCCEEDED:
                self.inputs.pop(job.run[0], None)

    def _hook_ended(self, hook: Job) -> None:
        if hook.what == "start":
            failed, self.sick_starts = self.sick_starts > 0, max(0, self.sick_starts - 1)
        else:
            failed, self.sick_stops = self.sick_stops > 0, max(0, self.sick_stops - 1)
        if hook not in self.hooks:
            return
        self.hooks.remove(hook)
        if hook is self.starting:
            self.starting = None
        if self.state is NodeState.INITIALIZING and (failed or hook.what == "start"):
            self.state = NodeState.ERROR if failed else NodeState.IDLE
