"""What the orchestrator answers to each verb: submissions, cancellations, node commands, health."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from hedgerow_idl import (
    AnswerCode,
    Command,
    CommandAnswer,
    CommandKind,
    NodeState,
    ReplyStatus,
    Request,
    TaskId,
    UserInput,
)
from hedgerow_idl.loop import LoopDecision, read_decision
from hedgerow_nodes.core.lifecycle import COMMANDS
from hedgerow_orchestrator.desk import Desk, Handler, Later, Refused, digest, repeated
from hedgerow_orchestrator.effects import EventLog, Step
from hedgerow_orchestrator.engine import Engine
from hedgerow_orchestrator.loop import output_in
from hedgerow_orchestrator.node_watch import duplicate_sentence
from hedgerow_orchestrator.pipeline import Pipeline
from hedgerow_orchestrator.registry import Node, Registry
from hedgerow_orchestrator.states import TaskState
from hedgerow_orchestrator.store.changes import RequestAdded, TaskRow
from hedgerow_orchestrator.store.writer import Store
from hedgerow_orchestrator.submission import baselines_of, proposed_input, task_row, user_input_of, with_changes


class Verbs:
    """The handlers of the desk; they read the store, and write through the pass's effects only."""

    def __init__(
        self,
        *,
        engine: Engine,
        registry: Registry,
        store: Store,
        pipeline: Pipeline,
        malformed: Callable[[], int],
        store_component: Callable[[], dict[str, Any]],
        processors: Callable[[], str],
        skipped_ids: int = 0,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._store = store
        self._pipeline = pipeline
        self._malformed = malformed
        self._store_component = store_component
        self._processors = processors
        self._last_problem_id = store.last_ids().problem_id + skipped_ids
        # Whose next iteration leaves out as many ids: the problems of before that have had none since.
        self._skipped_ids = skipped_ids
        self._first_problem_id = self._last_problem_id + 1
        self._continued: set[int] = set()
        # Of the current pass: rows that are not in the store yet, and where further ones go.
        self._step = Step(0.0, 0.0, EventLog(0))
        self._fresh: dict[tuple[int, int], TaskRow] = {}
        self._fresh_keys: dict[str, RequestAdded] = {}

    def table(self) -> dict[str, Handler]:
        """The verbs."""
        return {
            "problem.submit": self.submit,
            "problem.iterate": self.iterate,
            "problem.cancel": self.cancel_problem,
            "task.cancel": self.cancel,
            "node.command": self.command,
            "node.configure": self.configure,
            "pipeline": self.pipeline,
            "health": self.health,
        }

    def next_pass(self, step: Step) -> None:
        """A pass begins: what the last one collected is stored."""
        self._step = step
        self._fresh.clear()
        self._fresh_keys.clear()

    # --- submissions ----------------------------------------------------------------------------------------------

    def submit(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """A new problem: its first iteration."""
        if not self._pipeline.stages:
            text = f"this system takes no problems: pipeline {self._pipeline.name!r} has no stages; use `hedgerow up`"
            raise Refused(ReplyStatus.UNAVAILABLE, text)
        user_input = user_input_of(body.get("problem"))
        return self._once(request, body, lambda: self._submit(user_input, TaskId(), self._next_problem()))

    def iterate(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """A further iteration of a problem, from one of those before."""
        problem_id = _number(body, "problem_id")
        last = self._last_iteration(problem_id)
        if last == 0:
            raise Refused(ReplyStatus.NOT_FOUND, f"problem {problem_id} unknown; known: 1 to {self._last_problem_id}")
        given = body.get("from_iteration")
        from_iteration = last if given is None else _number(body, "from_iteration")
        earlier = self.task_row(problem_id, from_iteration)
        if earlier is None:
            known = f"1 to {last}"
            raise Refused(
                ReplyStatus.NOT_FOUND, f"iteration {from_iteration} unknown; problem {problem_id} has {known}"
            )
        accept, changes = bool(body.get("accept")), body.get("changes") or {}
        if accept and changes:
            text = "accept takes the proposal as it is; leave out either accept or the changes"
            raise Refused(ReplyStatus.INVALID, text, field="accept")
        changed = None if accept else with_changes(earlier.request, changes)
        previous = TaskId(problem_id=problem_id, iteration_id=from_iteration)

        def begin() -> TaskId:
            if not earlier.state.final:
                raise Refused(
                    ReplyStatus.CONFLICT,
                    f"iteration {previous} is {earlier.state}; wait until it has ended, or cancel it",
                )
            user_input = self._proposed(earlier) if changed is None else changed
            return self._submit(user_input, previous, self._next_iteration(problem_id, last))

        return self._once(request, body, begin)

    def _proposed(self, earlier: TaskRow) -> UserInput:
        """What the loop stage of an earlier iteration proposes to the user."""
        stage = self._pipeline.loop_stage
        plain = self._store.accepted_plain(earlier.problem_id, earlier.iteration_id, stage) if stage else None
        decision = LoopDecision() if plain is None else read_decision(plain)
        if not decision.proposals or decision.goes_on:
            why = f"its loop says {decision.decision!r}" if decision.decision else "no loop stage has answered"
            text = f"iteration {earlier.problem_id}.{earlier.iteration_id} proposes nothing to accept: {why}"
            raise Refused(ReplyStatus.CONFLICT, text)
        return proposed_input(decision.proposals[0])

    def _once(self, request: Request, body: dict[str, Any], act: Callable[[], TaskId]) -> dict[str, Any]:
        """Act, unless the same submission was answered before: then give that answer."""
        key = str(body.pop("idempotency_key", None) or request.request_id)
        body_sha256 = digest(body)
        earlier = self._fresh_keys.get(key) or self._store.request_of(key)
        if earlier is not None:
            return repeated(earlier, request.verb, body_sha256)
        task = act()
        answer = {"task": {"problem_id": task.problem_id, "iteration_id": task.iteration_id}}
        row = RequestAdded(key, request.verb, body_sha256, msgspec.json.encode(answer).decode(), self._step.now_s)
        self._fresh_keys[key] = row
        self._step.save(row)
        return answer

    def follow_on(self, step: Step, user_input: UserInput, previous: TaskId) -> TaskId:
        """Open a further iteration of a problem by itself, from one that ended in this pass or before."""
        problem_id = previous.problem_id
        return self._submit(user_input, previous, self._next_iteration(problem_id, self._last_iteration(problem_id)))

    def _submit(self, user_input: UserInput, previous: TaskId, task: TaskId) -> TaskId:
        key = previous.problem_id, previous.iteration_id

        def output_of(stage: str) -> bytes | None:
            fresh: bytes | None = output_in(self._step, key, stage, "cdr")
            return self._store.accepted_output(*key, stage) if fresh is None else fresh

        baselines = baselines_of(previous, output_of, lambda stage: self._store.accepted_plain(*key, stage))
        row = task_row(task, user_input, baselines, self._pipeline, self._step.now_s)
        self._fresh[task.problem_id, task.iteration_id] = row
        self._engine.submit(self._step, row, self._pipeline)
        self._last_problem_id = max(self._last_problem_id, task.problem_id)
        return task

    def _next_problem(self) -> TaskId:
        return TaskId(problem_id=self._last_problem_id + 1, iteration_id=1)

    def _next_iteration(self, problem_id: int, last: int) -> TaskId:
        if self._skipped_ids and problem_id < self._first_problem_id and problem_id not in self._continued:
            self._continued.add(problem_id)
            last += self._skipped_ids
        return TaskId(problem_id=problem_id, iteration_id=last + 1)

    def _last_iteration(self, problem_id: int) -> int:
        fresh = [iteration for problem, iteration in self._fresh if problem == problem_id]
        return max([*fresh, self._store.last_iteration(problem_id)])

    def task_row(self, problem_id: int, iteration_id: int) -> TaskRow | None:
        """A task as it is now: in work, new in this pass and not stored yet, or as stored."""
        run = self._engine.run_of((problem_id, iteration_id))
        if run is not None:
            return run.row
        return self._fresh.get((problem_id, iteration_id)) or self._store.task_row(problem_id, iteration_id)

    # --- tasks ----------------------------------------------------------------------------------------------------

    def cancel(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Cancel a task; one that has ended stays as it is."""
        key = _number(body, "problem_id"), _number(body, "iteration_id")
        task = {"problem_id": key[0], "iteration_id": key[1]}
        row = self.task_row(*key)
        if row is None:
            raise Refused(ReplyStatus.NOT_FOUND, f"task {key[0]}.{key[1]} unknown; see `task list`")
        if row.state.final:
            return {"task": task, "state": row.state}
        self._engine.cancel(self._step, row, self._pipeline)
        return {"task": task, "state": TaskState.CANCELLED}

    def cancel_problem(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Cancel what has not ended of a problem; a loop that goes on by itself ends with it."""
        problem_id = _number(body, "problem_id")
        if self._last_iteration(problem_id) == 0:
            raise Refused(ReplyStatus.NOT_FOUND, f"problem {problem_id} unknown; known: 1 to {self._last_problem_id}")
        cancelled = []
        for key in sorted(self._engine.open_of(problem_id)):
            row = self.task_row(*key)
            if row is not None:
                self._engine.cancel(self._step, row, self._pipeline)
                cancelled.append(key[1])
        return {"problem_id": problem_id, "cancelled": cancelled}

    # --- nodes ----------------------------------------------------------------------------------------------------

    def command(self, request: Request, body: dict[str, Any]) -> Later:
        """A lifecycle command for a node."""
        word = str(body.get("command", ""))
        if word not in [str(trigger) for trigger in COMMANDS]:
            raise Refused(ReplyStatus.INVALID, f"command {word!r} unknown; known: {', '.join(COMMANDS)}")
        return self._order(body, CommandKind[word], "")

    def configure(self, request: Request, body: dict[str, Any]) -> Later:
        """A change of a node's configuration."""
        return self._order(body, CommandKind.CONFIGURE, msgspec.json.encode(body.get("configuration") or {}).decode())

    def answered(self, desk: Desk, answer: CommandAnswer) -> Any:
        """The reply to the request that waited for this answer of a node, if one did."""
        node = self._registry.get(answer.node_id)
        body: dict[str, Any] = {
            "node_id": answer.node_id,
            "name": node.name if node else answer.node_id,
            "code": answer.code.name,
            "state": answer.state.name,
            "reason": answer.reason,
        }
        try:
            if answer.body:
                body["configuration"] = msgspec.json.decode(answer.body)
        except msgspec.DecodeError as error:
            body["message"] = f"node {body['name']} answered with a configuration that is no JSON: {error}"
            return desk.settle(answer.command_id, ReplyStatus.INTERNAL, body)
        if answer.code is AnswerCode.REFUSED:
            body["message"] = answer.reason
            return desk.settle(answer.command_id, ReplyStatus.CONFLICT, body)
        return desk.settle(answer.command_id, ReplyStatus.OK, body)

    def _order(self, body: dict[str, Any], kind: CommandKind, text: str) -> Later:
        node = self._node(str(body.get("node", "")))
        command = Command(
            kind=kind,
            incarnation=node.info.incarnation,
            command_id=str(uuid.uuid4()),
            node_id=node.node_id,
            body=text,
        )
        self._step.commands.append(command)
        return Later(command.command_id)

    def _node(self, name: str) -> Node:
        node = self._registry.find(name)
        if node is None:
            known = ", ".join(sorted({each.name for each in self._registry})) or "none"
            raise Refused(ReplyStatus.NOT_FOUND, f"node {name!r} unknown; known: {known}")
        if node.state is NodeState.INACTIVE:
            raise Refused(ReplyStatus.UNAVAILABLE, f"node {name!r} is INACTIVE: it is not running")
        return node

    # --- the system -----------------------------------------------------------------------------------------------

    def pipeline(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """The stages, in order."""
        stages = self._pipeline.stages.values()
        return {
            "name": self._pipeline.name,
            "stages": [{"name": spec.name, "kind": spec.kind, "inputs": list(spec.inputs)} for spec in stages],
        }

    def health(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Whether a problem submitted now would be answered, component by component."""
        components = [{"name": "orchestrator", "ok": True, "detail": f"{self._engine.active} tasks in work"}]
        components.append(self._store_component())
        malformed, late = self._malformed(), self._engine.late_outputs
        detail = f"since the start {malformed} malformed samples ignored, {late} outputs came late"
        components.append({"name": "bus", "ok": True, "detail": detail})
        components.append({"name": "processors", "ok": True, "detail": self._processors()})
        for used, unused in self._registry.duplicates():
            detail = duplicate_sentence(used, unused)
            components.append({"name": f"duplicate {used.name}", "ok": True, "detail": detail})
        for spec in self._pipeline.stages.values():
            nodes = self._registry.of_kind(spec.kind)
            ok = any(node.accepting for node in nodes)
            detail = ", ".join(_as_told(node) for node in nodes) or f"no node of kind {spec.kind}"
            components.append({"name": f"node {spec.kind}", "ok": ok, "detail": detail})
        return {"ready": all(component["ok"] for component in components), "components": components}


def _as_told(node: Node) -> str:
    malformed = node.status.malformed
    return f"{node.name} {node.state.name}" + (f", {malformed} malformed samples ignored" if malformed else "")


def _number(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Refused(ReplyStatus.INVALID, f"{name} {value!r} is no number from 1", field=name)
    return value
