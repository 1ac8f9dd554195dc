"""What a node writes back: its outputs with the header filled, and its answers to commands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from hedgerow_idl import AnswerCode, Command, CommandAnswer, Header, NodeState, Outcome
from hedgerow_idl.codec import CodecError
from hedgerow_idl.topics import BY_NAME, topic_of
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.identity import Identity


class CommandAnswers:
    """Writes a node's answers to commands."""

    def __init__(self, bus: Bus, identity: Identity) -> None:
        self._identity = identity
        self._answers = bus.writer(BY_NAME["hedgerow/command_answer"])

    def answer(
        self,
        command: Command,
        state: NodeState,
        code: AnswerCode,
        reason: str = "",
        body: str = "",
        missing: Sequence[str] = (),
    ) -> None:
        """Answer a command."""
        self._answers.write(
            CommandAnswer(
                code=code,
                state=state,
                task=command.task,
                attempt=command.attempt,
                incarnation=self._identity.incarnation,
                command_id=command.command_id,
                node_id=self._identity.node_id,
                stage=command.stage,
                reason=reason,
                body=body,
                missing=list(missing),
            )
        )


class Answers(CommandAnswers):
    """Writes a module node's outputs and command answers."""

    def __init__(self, output: type[Any], bus: Bus, identity: Identity, now: Callable[[], float]) -> None:
        super().__init__(bus, identity)
        self._output_type = output
        self._now = now
        self._outputs = bus.writer(topic_of(output))
        self._log = logging.getLogger(f"hedgerow.node.{identity.name}")

    def result(self, command: Command, result: Any) -> bool:
        """Write what `process` returned, or FAILED if it cannot be sent; True if it was sent."""
        expected = self._output_type
        if not isinstance(result, expected):
            self.end(
                command,
                Outcome.FAILED,
                "EXCEPTION",
                f"process returned {type(result).__name__}; {self._identity.name} writes {expected.__name__}",
            )
            return False
        result.header = self._header(command, Outcome.SUCCEEDED)
        try:
            self._outputs.write(result)
        except CodecError as error:
            self.end(command, Outcome.FAILED, "EXCEPTION", f"the output cannot be sent: {error}")
            return False
        return True

    def end(self, command: Command, outcome: Outcome, code: str, reason: str) -> None:
        """Write an output that carries no result, only how the attempt ended and why."""
        header = self._header(command, outcome)
        header.error_code, header.reason = code, reason
        self._outputs.write(self._output_type(header=header))
        self._log.info("%s: task %s %s: %s: %s", self._identity.name, command.task, outcome.name, code, reason)

    def _header(self, command: Command, outcome: Outcome) -> Header:
        return Header(
            task=command.task,
            attempt=command.attempt,
            outcome=outcome,
            stamped_at_s=self._now(),
            node_id=self._identity.node_id,
            stage=command.stage,
        )
