"""The contract of a loop stage: the two fields of its output by which the orchestrator opens the next iteration.

A pipeline names the stage (`[loop] stage = "NAME"`). Its output may be of any type that has

* `decision: str`. `continue` asks for the next iteration; any other word, and none, asks for nothing.
* `next_input: sequence[UserInput]`. The user inputs to go on with, the best first. The first is opened when the task
  ends SUCCEEDED, in the same commit; where that iteration FAILS, the one after it is opened in its place, and so on.
  With another decision the first is what a user takes who accepts the proposal.

All else of the output is the stage's own, and the orchestrator does not read it.
"""

from __future__ import annotations

from typing import Any

import msgspec

CONTINUE = "continue"
FILLED_BY_THE_SYSTEM = ("header", "previous")


class LoopDecision(msgspec.Struct, frozen=True):
    """What an output in its plain form says of the loop; an output without these fields says nothing."""

    decision: str = ""
    next_input: list[dict[str, Any]] = []

    @property
    def goes_on(self) -> bool:
        """The next iteration is to be opened without asking anybody."""
        return self.decision == CONTINUE and bool(self.next_input)

    @property
    def proposals(self) -> list[dict[str, Any]]:
        """The user inputs, best first, without what the system fills in."""
        return [{k: v for k, v in one.items() if k not in FILLED_BY_THE_SYSTEM} for one in self.next_input]


def read_decision(plain: str) -> LoopDecision:
    """Read an output's plain JSON.

    Raises:
        msgspec.ValidationError: it has one of the fields with another type.
    """
    return msgspec.json.decode(plain, type=LoopDecision)
