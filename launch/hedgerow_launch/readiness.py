"""Which processes have come up, and for those that have not, what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hedgerow_idl import NodeState
from hedgerow_launch.observations import FrontendReady, NodeSeen, Observation, OrchestratorSeen
from hedgerow_launch.plan import Role
from hedgerow_launch.supervised import Supervised, describe_exit

UP = (NodeState.IDLE, NodeState.RUNNING)


class Readiness:
    """Judges the processes by what the bus and the front end show of them."""

    def __init__(self, supervised: Sequence[Supervised], host: str) -> None:
        self._supervised = supervised
        self._host = host
        self._nodes: dict[tuple[str, str, int], NodeSeen] = {}
        self._orchestrator = False
        self._frontend_pid: int | None = None

    def see(self, message: Observation) -> None:
        """Take in what was observed."""
        if isinstance(message, NodeSeen):
            self._nodes[message.name, message.host, message.pid] = message
        elif isinstance(message, OrchestratorSeen):
            self._orchestrator = True
        elif isinstance(message, FrontendReady):
            self._frontend_pid = message.pid
            self._orchestrator = True

    def missing(self, role: Role | None = None) -> list[Supervised]:
        """The processes, of one role or all, that are not up."""
        return [one for one in self._supervised if role in (None, one.plan.role) and not self._is_up(one)]

    def _is_up(self, one: Supervised) -> bool:
        if one.process is None:
            return False
        if one.plan.role is Role.ORCHESTRATOR:
            return self._orchestrator
        if one.plan.role is Role.FRONTEND:
            return self._frontend_pid == one.process.pid
        return any(seen.state in UP for seen in self._sightings(one))

    def _sightings(self, one: Supervised) -> list[NodeSeen]:
        """What the bus shows of this child now; a wrapped command may announce another pid than its own."""
        return [
            seen
            for (name, host, pid), seen in self._nodes.items()
            if name == one.name
            and seen.state is not NodeState.INACTIVE
            and (not one.plan.own_process or (one.process and (host, pid) == (self._host, one.process.pid)))
        ]

    def explain(self, one: Supervised, last_lines: Callable[[str], Sequence[str]]) -> str:
        """Say why a process counts as missing: its exit or its state, and the end of its output."""
        if one.process is None and one.last_exit is not None:
            what = f"it {describe_exit(one.last_exit)}, {one.exits} times in all"
        elif seen := self._sightings(one):
            what = f"it is in state {seen[0].state.name}" + (f" ({seen[0].error})" if seen[0].error else "")
        elif one.plan.role is Role.NODE:
            what = "it runs, but has not announced itself on the bus under this name"
        else:
            what = "it runs, but does not answer yet"
        if one.process is not None and one.last_exit is not None:
            what += f"; an earlier start {describe_exit(one.last_exit)}"
        lines = list(last_lines(one.name))
        shown = "; its last lines:\n" + "\n".join(f"    {line}" for line in lines) if lines else "; it printed nothing"
        return f"{one.plan.role} '{one.name}' did not come up: {what}{shown}"
