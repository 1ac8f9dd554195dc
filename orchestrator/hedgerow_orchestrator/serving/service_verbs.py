"""What the orchestrator answers to the verbs of services and workers; see docs/decisions/0015-serving.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from hedgerow_idl import Reply, ReplyStatus, Request
from hedgerow_idl.serve import OrderCode, OrderKind, ServiceAnswer, ServiceOrder
from hedgerow_orchestrator.blueprint_defaults import BlueprintDefaults
from hedgerow_orchestrator.desk import Desk, Handler, Later, Refused, digest, repeated
from hedgerow_orchestrator.effects import EventLog, Step
from hedgerow_orchestrator.serving import lifecycle
from hedgerow_orchestrator.serving.blueprint import Blueprint, BlueprintError, Problem, as_object, parse
from hedgerow_orchestrator.serving.blueprint_check import check
from hedgerow_orchestrator.serving.figures import network_key
from hedgerow_orchestrator.serving.link_measuring import MEASURE_S, Job, links_of
from hedgerow_orchestrator.serving.orders import Open
from hedgerow_orchestrator.serving.parts import Key
from hedgerow_orchestrator.serving.placing import deployed_boundaries
from hedgerow_orchestrator.serving.proposal import NoPlace
from hedgerow_orchestrator.serving.proposal import Request as PlaceRequest
from hedgerow_orchestrator.serving.service import Service
from hedgerow_orchestrator.serving.service_engine import Conflict, ServiceEngine
from hedgerow_orchestrator.serving.swapping import sources_of
from hedgerow_orchestrator.serving.workers import Worker, union_of_catalogues
from hedgerow_orchestrator.store.changes import RequestAdded

LONGEST_INFER_S = 600.0


class Keys(Protocol):
    """Where answers to submissions with an idempotency key are kept."""

    def request_of(self, idempotency_key: str) -> RequestAdded | None:
        """The submission that carried this key."""


class ServiceVerbs:
    """The handlers of the desk that are about services and workers."""

    def __init__(self, engine: ServiceEngine, keys: Keys, defaults: BlueprintDefaults) -> None:
        self._engine = engine
        self._keys = keys
        self._defaults = defaults
        self._step = Step(0.0, 0.0, EventLog(0))
        self._fresh: dict[str, RequestAdded] = {}
        # By the id under which a request waits: how many answers are still to come, and what came.
        self._measuring: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        self._asked_at_s: dict[str, float] = {}

    def table(self) -> dict[str, Handler]:
        """The verbs."""
        return {
            "service.deploy": self.deploy,
            "service.check": self.check,
            "service.start": self._simple(self._engine.start),
            "service.stop": self._simple(self._engine.stop),
            "service.delete": self._simple(self._engine.delete),
            "service.place": self.place,
            "service.migrate": self.migrate,
            "service.infer": self.infer,
            "worker.cordon": self.cordon,
            "worker.uncordon": self.uncordon,
            "worker.drain": self.drain,
            "worker.measure": self.measure,
        }

    def next_pass(self, step: Step) -> None:
        """A pass begins: what the last one collected is stored."""
        self._step = step
        self._fresh.clear()

    # --- services -------------------------------------------------------------------------------------------------

    def deploy(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """A new service."""
        key = str(body.pop("idempotency_key", None) or request.request_id)
        body_sha256 = digest(body)
        earlier = self._fresh.get(key) or self._keys.request_of(key)
        if earlier is not None:
            return repeated(earlier, request.verb, body_sha256)
        blueprint = self._blueprint(body)
        if problems := check(blueprint, self._catalogue()):
            raise _invalid(problems)
        name = str(body.get("name") or blueprint.name)
        try:
            service = self._engine.deploy(self._step, blueprint, name, start=bool(body.get("start", True)))
        except Conflict as error:
            raise Refused(ReplyStatus.CONFLICT, str(error), field="name") from error
        answer = self._told(service)
        row = RequestAdded(key, request.verb, body_sha256, msgspec.json.encode(answer).decode(), self._step.now_s)
        self._fresh[key] = row
        self._step.save(row)
        self._step.durable = True
        return answer

    def check(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Whether a blueprint could be deployed, and how it would be placed now."""
        try:
            blueprint = self._blueprint(body)
        except Refused as refused:
            return {"ok": False, "problems": refused.body["problems"]}
        if problems := check(blueprint, self._catalogue()):
            return {"ok": False, "problems": [msgspec.to_builtins(each) for each in problems]}
        core = self._engine.core
        if any(not core.figures.profiles.get(network_key(each)) for each in blueprint.networks):
            return {"ok": True, "problems": [], "plan": None, "reason": "its networks are profiled when it is deployed"}
        try:
            proposal = core.propose(blueprint, list(core.workers.values()), core.figures, PlaceRequest())
        except NoPlace as error:
            return {"ok": False, "problems": [{"field": "placement", "message": str(error)}]}
        places = {f"{name}#{replica}": core.label(node) for (name, replica), node in proposal.nodes.items()}
        return {"ok": True, "problems": [], "plan": {"places": places, "predicted": proposal.predicted}}

    def place(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Another placement: as a person says, or as is best now."""
        service = self._service(body)
        moves: dict[Key, str] = {}
        for wish, worker in _object(body, "placement").items():
            for key in self._keys_of(service, str(wish), "placement"):
                moves[key] = self._worker(str(worker), "placement").node_id
        boundaries = {
            str(name): self._bounds(service, str(name), bounds) for name, bounds in _object(body, "boundaries").items()
        }
        try:
            answer = self._engine.place(self._step, service, moves, boundaries, dry_run=bool(body.get("dry_run")))
        except Conflict as error:
            raise Refused(ReplyStatus.CONFLICT, str(error)) from error
        return {
            "changed": answer.is_changed,
            "verdict": answer.verdict,
            "reason": answer.reason,
            "predicted": answer.predicted,
            "epoch": answer.epoch,
        }

    def migrate(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Move one instance to another worker."""
        service = self._service(body)
        wish = str(body.get("handler", ""))
        replica = body.get("replica")
        keys = self._keys_of(service, wish if replica is None else f"{wish}#{replica}", "handler")
        if len(keys) > 1:
            raise Refused(ReplyStatus.INVALID, f"{wish!r} has {len(keys)} replicas; say which", field="replica")
        worker = self._worker(str(body.get("to", "")), "to")
        try:
            intent = self._engine.migrate(self._step, service, keys[0], worker)
        except Conflict as error:
            raise Refused(ReplyStatus.CONFLICT, str(error)) from error
        return {"intent_id": intent.intent_id, "state": intent.state, "reason": intent.reason}

    def infer(self, request: Request, body: dict[str, Any]) -> Later:
        """One input and its result."""
        service = self._service(body)
        epoch = service.active
        if epoch is None or not service.is_running:
            told = f"service {service.row.name!r} is {service.row.state}: {service.row.reason or 'it does not run'}"
            raise Refused(ReplyStatus.UNAVAILABLE, told)
        sources = [each for each in epoch.plan.instances if each.physical_id in sources_of(epoch)]
        entries = [each for each in sources if each.handler == "request"]
        if not entries:
            names = ", ".join(sorted(each.name for each in sources))
            told = f"service {service.row.name!r} has no source of type request; its sources are {names}"
            raise Refused(ReplyStatus.CONFLICT, told)
        time_out_s = min(float(body.get("timeout_s") or 30.0), LONGEST_INFER_S)
        given = {name: value for name, value in body.items() if name not in ("service", "timeout_s")}
        order = ServiceOrder(
            kind=OrderKind.INFER,
            incarnation=self._engine.core.workers[entries[0].node_id].incarnation,
            epoch=epoch.number,
            node_id=entries[0].node_id,
            service_id=service.service_id,
            body=msgspec.json.encode({**given, "timeout_s": time_out_s, "name": entries[0].name}).decode(),
        )
        step = self._step
        command_id = self._engine.core.orders.add(order, "infer", step.clock_s, step.now_s, time_out_s)
        self._asked_at_s[command_id] = step.clock_s
        return Later(command_id, time_out_s)

    # --- workers --------------------------------------------------------------------------------------------------

    def cordon(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Give a worker nothing new."""
        return self._policy(body, cordoned=True, draining=None)

    def uncordon(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Let a worker take new instances again."""
        return self._policy(body, cordoned=False, draining=False)

    def drain(self, request: Request, body: dict[str, Any]) -> dict[str, Any]:
        """Move everything off a worker."""
        worker = self._worker(str(body.get("worker", "")), "worker")
        intent = self._engine.drain(self._step, worker, str(body.get("reason") or ""))
        return {**_policy_of(worker), "intent_id": intent.intent_id, "state": intent.state, "reason": intent.reason}

    def measure(self, request: Request, body: dict[str, Any]) -> Later | dict[str, Any]:
        """Measure the links between workers, each direction by its sender, one sender after the other."""
        wanted = body.get("workers") or [each.node_id for each in self._engine.core.workers.values() if each.is_here]
        workers = [self._worker(str(each), "workers") for each in wanted]
        gone = [each.label for each in workers if not each.is_here]
        if gone:
            raise Refused(ReplyStatus.UNAVAILABLE, f"worker {gone[0]!r} is not here", field="workers")
        if len(workers) < 2:
            return {"links": []}
        token = self._engine.core.new_id()
        jobs = []
        for worker in workers:
            others = tuple(each.node_id for each in workers if each is not worker)
            jobs.append(Job(worker.node_id, others, token))
        self._measuring[f"measure {token}"] = (len(jobs), [])
        lifecycle.measure(self._engine.core, self._step, jobs)
        return Later(f"measure {token}", MEASURE_S * len(jobs))

    # --- answers --------------------------------------------------------------------------------------------------

    def answered(self, desk: Desk) -> list[Reply | None]:
        """Replies to requests whose workers have answered."""
        told, self._engine.core.told = self._engine.core.told, []
        replies = []
        for one, answer in told:
            if one.purpose == "infer":
                replies.append(self._inferred(desk, answer))
            else:
                replies.append(self._measured(desk, one, answer))
        return replies

    def _inferred(self, desk: Desk, answer: ServiceAnswer) -> Reply | None:
        asked_at_s = self._asked_at_s.pop(answer.command_id, self._step.clock_s)
        if answer.code is not OrderCode.DONE:
            where = self._engine.core.label(answer.node_id)
            status = ReplyStatus.CONFLICT if answer.code is OrderCode.REFUSED else ReplyStatus.UNAVAILABLE
            return desk.settle(answer.command_id, status, {"message": f"worker {where}: {answer.reason}"})
        try:
            output = msgspec.json.decode(answer.body) if answer.body else None
        except msgspec.DecodeError as error:
            return desk.settle(answer.command_id, ReplyStatus.INTERNAL, {"message": f"the result is no JSON: {error}"})
        if isinstance(output, dict) and "output" in output:
            body = {"sequence": answer.at_sequence, **output}
        else:
            body = {"output": output, "sequence": answer.at_sequence}
        return desk.settle(answer.command_id, ReplyStatus.OK, {"took_s": self._step.clock_s - asked_at_s, **body})

    def _measured(self, desk: Desk, one: Open, answer: ServiceAnswer) -> Reply | None:
        if one.purpose not in self._measuring:
            return None
        left, links = self._measuring[one.purpose]
        label = self._engine.core.label
        for link in links_of(answer):
            names = {"from": label(answer.node_id), "to": label(str(link.get("to_node_id", "")))}
            links.append({**names, "from_node_id": answer.node_id, **link})
        if answer.code is not OrderCode.DONE:
            links.append({"from": label(answer.node_id), "from_node_id": answer.node_id, "reason": answer.reason})
        if left > 1:
            self._measuring[one.purpose] = (left - 1, links)
            return None
        del self._measuring[one.purpose]
        return desk.settle(one.purpose, ReplyStatus.OK, {"links": links})

    # --- what requests name ---------------------------------------------------------------------------------------

    def _simple(self, act: Callable[[Step, Service], None]) -> Handler:
        def handle(request: Request, body: dict[str, Any]) -> dict[str, Any]:
            service = self._service(body)
            try:
                act(self._step, service)
            except Conflict as error:
                raise Refused(ReplyStatus.CONFLICT, str(error)) from error
            self._step.durable = True
            return self._told(service)

        return handle

    def _told(self, service: Service) -> dict[str, Any]:
        row = service.row
        return {
            "service_id": row.service_id,
            "name": row.name,
            "state": row.state,
            "wanted": row.wanted,
            "epoch": row.epoch,
            "reason": row.reason,
        }

    def _blueprint(self, body: dict[str, Any]) -> Blueprint:
        try:
            given = as_object(body.get("blueprint"))
            return parse(self._defaults.filled(given) if isinstance(given, dict) else given)
        except BlueprintError as error:
            raise _invalid(error.problems) from error

    def _catalogue(self) -> dict[str, Any]:
        return union_of_catalogues(list(self._engine.core.workers.values()))

    def _service(self, body: dict[str, Any]) -> Service:
        name = str(body.get("service", ""))
        service = self._engine.core.service(name)
        if service is None:
            known = ", ".join(sorted(each.row.name for each in self._engine.core.services.values())) or "none"
            raise Refused(ReplyStatus.NOT_FOUND, f"service {name!r} unknown; known: {known}", field="service")
        return service

    def _worker(self, name: str, field: str) -> Worker:
        worker = self._engine.core.worker(name)
        if worker is None:
            known = ", ".join(sorted(each.label for each in self._engine.core.workers.values())) or "none"
            raise Refused(ReplyStatus.NOT_FOUND, f"worker {name!r} unknown; known: {known}", field=field)
        return worker

    def _keys_of(self, service: Service, wish: str, field: str) -> list[Key]:
        """The instances that a wish names: all replicas of `detect`, one as `detect#1`, a part as `net/0`."""
        name, _, replica = wish.partition("#")
        keys = [key for key in service.logical_ids if key[0] == name and (not replica or str(key[1]) == replica)]
        current = [key for key in keys if key in service.current]
        if not current:
            known = ", ".join(sorted({key[0] for key in service.current})) or "none"
            raise Refused(
                ReplyStatus.NOT_FOUND, f"{wish!r} is no instance of {service.row.name!r}; known: {known}", field=field
            )
        return current

    def _bounds(self, service: Service, name: str, bounds: Any) -> tuple[int, ...]:
        known = deployed_boundaries(service)
        if name not in known:
            told = f"{name!r} is no network of {service.row.name!r}; known: {', '.join(known) or 'none'}"
            raise Refused(ReplyStatus.NOT_FOUND, told, field="boundaries")
        if not isinstance(bounds, list) or not all(isinstance(each, int) for each in bounds):
            raise Refused(ReplyStatus.INVALID, f"{bounds!r} is no list of layers", field=f"boundaries.{name}")
        last = known[name][-1]
        inner = [each for each in bounds if each not in (0, last)]
        if inner != sorted(set(inner)) or any(not 0 < each < last for each in inner):
            told = f"{bounds} do not ascend within 0 to {last}, the number of layers"
            raise Refused(ReplyStatus.INVALID, told, field=f"boundaries.{name}")
        return (0, *inner, last)

    def _policy(self, body: dict[str, Any], *, cordoned: bool, draining: bool | None) -> dict[str, Any]:
        worker = self._worker(str(body.get("worker", "")), "worker")
        is_draining = worker.is_draining if draining is None else draining
        reason = str(body.get("reason") or "")
        self._engine.set_policy(self._step, worker, cordoned=cordoned, draining=is_draining, reason=reason)
        self._step.durable = True
        return {**_policy_of(worker), "intent_id": ""}


def _policy_of(worker: Worker) -> dict[str, Any]:
    return {
        "node_id": worker.node_id,
        "name": worker.label,
        "is_cordoned": worker.is_cordoned,
        "is_draining": worker.is_draining,
        "reason": worker.reason,
    }


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise Refused(ReplyStatus.INVALID, f"{name} {value!r} is no object", field=name)
    return value


def _invalid(problems: list[Problem]) -> Refused:
    first = problems[0]
    told = [msgspec.to_builtins(each) for each in problems]
    return Refused(ReplyStatus.INVALID, f"{first.field}: {first.message}", field=first.field, problems=told)
