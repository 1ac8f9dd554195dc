"""A store on disk with realistic tasks, a request client that records what it is asked, and apps over both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask

from hedgerow_frontend import create_app
from hedgerow_frontend.settings import Settings
from hedgerow_idl import (
    AppRequirements,
    Calibration,
    CarbonFootprint,
    ClassCount,
    ColumnFacts,
    DatasetFacts,
    DeviceCandidate,
    Estimate,
    Event,
    HostFacts,
    HWConstraints,
    HWResources,
    Limit,
    MLModel,
    MLModelMetadata,
    ModelCandidate,
    ModelVariant,
    NodeInfo,
    NodeState,
    NodeStatus,
    ReplyStatus,
    TaskId,
    TaskScore,
    UserInput,
)
from hedgerow_idl.plain import to_plain
from hedgerow_nodes.core.request_client import Answer, OrchestratorUnreachable
from hedgerow_orchestrator.states import StageState, TaskState
from hedgerow_orchestrator.store import migrate
from hedgerow_orchestrator.store.changes import (
    AttemptRow,
    Change,
    EventAdded,
    NodeRow,
    OutputAdded,
    StageRow,
    TaskRow,
)
from hedgerow_orchestrator.store.reader import StoreReader
from hedgerow_orchestrator.store.writer import Store

BEGAN_AT_S = 1_795_000_000.0
TEXT = "Count people and bicycles in photos from a street camera within 100 ms on a small edge computer in Spain"


@dataclass
class RecordingClient:
    """Stands for the orchestrator: answers as told and remembers what it was asked."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    unreachable: bool = False
    callbacks: list[Callable[[Event], None]] = field(default_factory=list)

    def call(self, verb: str, body: dict[str, Any], timeout_s: float = 5.0) -> Answer:
        if self.unreachable:
            raise OrchestratorUnreachable(f"no answer to {verb!r} within {timeout_s:g} s")
        self.calls.append((verb, body))
        return self.answers.get(verb, Answer(ReplyStatus.OK, {"task": {"problem_id": 3, "iteration_id": 1}}))

    def on_event(self, callback: Callable[[Event], None]) -> None:
        self.callbacks.append(callback)

    def answer(self, verb: str, status: ReplyStatus = ReplyStatus.OK, **body: Any) -> None:
        self.answers[verb] = Answer(status, body)


def estimate(value: float, method: str, source: str, spread: float = 0.1) -> Estimate:
    return Estimate(value=value, low=value * (1 - spread), high=value * (1 + spread), method=method, source=source)


def outputs() -> dict[str, Any]:
    """One output of each module node, as the six would write them for the worked example."""
    here = "calibration 3f9c of pc, 2 threads"
    latency = Limit(name="latency_s", comparison="<=", value=0.1, unit="s", found_in="text", excerpt="within 100 ms")
    edge = Limit(
        name="device_class", comparison="==", value=1.0, unit="flag", found_in="text", excerpt="small edge computer"
    )
    candidates = [
        ModelCandidate(
            id="ssdlite320_mobilenet_v3_large",
            family="SSDlite",
            parameters=3_440_060,
            flops_per_inference=1.16e9,
            weights_bytes=1.38e7,
            latency_s=estimate(0.0412, "roofline", here, 0.3),
            memory_bytes=estimate(4.1e7, "computed", "weights and activations"),
            accuracy=21.3,
            accuracy_metric="box AP",
            accuracy_source="torchvision 0.28, COCO val2017",
        ),
        ModelCandidate(
            id="fasterrcnn_resnet50_fpn",
            family="Faster R-CNN",
            parameters=41_755_286,
            flops_per_inference=2.69e11,
            weights_bytes=1.67e8,
            latency_s=estimate(4.9, "roofline", here, 0.3),
            memory_bytes=estimate(6.2e8, "computed", "weights and activations"),
            rejected="latency 4.9 s is above the limit of 0.1 s",
        ),
    ]
    devices = [
        DeviceCandidate(
            id="jetson-orin-nano",
            name="Jetson Orin Nano 8 GB",
            device_class="edge",
            latency_s=estimate(0.0123, "roofline", "vendor data sheet 2023", 0.4),
            power_w=estimate(11.2, "load-scaled TDP", "vendor data sheet 2023", 0.4),
            energy_j=estimate(0.138, "power x latency", "vendor data sheet 2023", 0.5),
            memory_required_bytes=5.5e7,
            memory_bytes=8e9,
            bound="memory",
        ),
        DeviceCandidate(
            id="cortex-m7",
            name="STM32H7 <Cortex-M7>",
            device_class="microcontroller",
            memory_required_bytes=5.5e7,
            memory_bytes=1e6,
            rejected="needs 55 MB, has 1 MB",
        ),
    ]
    first = devices[0]
    return {
        "app_requirements": AppRequirements(limits=[latency, edge], explanation="Two limits stand in the text."),
        "ml_model_metadata": MLModelMetadata(
            tasks=[
                TaskScore(id="object-detection", score=0.81),
                TaskScore(id="image-segmentation", score=0.34),
                TaskScore(id="image-classification", score=0.22),
            ],
            margin=0.47,
            modality="image",
            metrics=["mean average precision"],
            decided_by="text",
            dataset=[
                DatasetFacts(
                    name="crossing <1>.csv",
                    format="CSV",
                    modality="cv",
                    rows=2048.0,
                    rows_read=2048,
                    columns_total=3,
                    columns=[
                        ColumnFacts(name="photo", kind="image file", distinct=2048),
                        ColumnFacts(name="bicycles", kind="integer", missing=7, distinct=9, minimum=0.0, maximum=8.0),
                    ],
                    target="bicycles",
                    target_why="the text speaks of it as what is to be predicted",
                    class_balance=[ClassCount(value="0", rows=1500), ClassCount(value="1", rows=500)],
                    tasks=["object-detection"],
                    remarks=["One remark."],
                )
            ],
            explanation="The words count, people and photos point to object-detection.",
        ),
        "hw_constraints": HWConstraints(
            device_class="edge",
            limits=[edge],
            host=HostFacts(
                host="pc",
                cpu="AMD EPYC 7B13",
                physical_cores=1,
                logical_cores=2,
                memory_bytes=2.5e10,
                available_memory_bytes=1.9e10,
            ),
            explanation="An edge device is asked for; memory and power are left open.",
        ),
        "ml_model_provider": MLModel(
            task="object-detection",
            chosen="ssdlite320_mobilenet_v3_large",
            runtime="onnxruntime",
            precision="float32",
            parameters=3_440_060,
            flops_per_inference=1.16e9,
            weights_bytes=1.38e7,
            activation_bytes=2.7e7,
            counted_by="counted on the meta device",
            latency_s=estimate(0.0386, "measured", "median of 20 runs here", 0.06),
            cpu_time_s=estimate(0.0702, "measured", "median of 20 runs here", 0.06),
            peak_memory_bytes=estimate(5.5e7, "measured", "resident set", 0.02),
            calibration=Calibration(
                id="3f9c",
                host="pc",
                calibrated_at_s=BEGAN_AT_S,
                threads=2,
                compute_flops_per_s=6.1e10,
                bandwidth_bytes_per_s=1.9e10,
                software="onnxruntime 1.22",
            ),
            candidates=candidates,
            sample_result="person 0.91, bicycle 0.77",
            variants=[
                ModelVariant(
                    id="int8 static",
                    precision="int8",
                    method="static",
                    weights_bytes=3.4e6,
                    latency_s=estimate(0.0213, "measured", "median of 5 runs here", 0.06),
                    output_difference=estimate(0.0832, "measured", "outputs on the sample", 0.0),
                    largest_difference=estimate(1.53, "measured", "outputs on the sample", 0.0),
                    agreement=estimate(0.98, "measured", "outputs on the sample", 0.0),
                    agreement_about="overlap of boxes, mean",
                    sample_result="person 0.90",
                )
            ],
            explanation="Of two candidates one keeps the latency of 100 ms; it is the lighter one as well.",
        ),
        "hw_resources": HWResources(
            chosen=first.id,
            device_name=first.name,
            device_class=first.device_class,
            latency_s=first.latency_s,
            power_w=first.power_w,
            energy_j=first.energy_j,
            memory_required_bytes=estimate(5.5e7, "measured", "ml_model_provider", 0.02),
            memory_bytes=8e9,
            embodied_kgco2e=estimate(31.0, "declared", "vendor, product carbon footprint 2023", 0.5),
            lifetime_years=4.0,
            memory_bytes_source="data sheet of the board",
            lifetime_years_source="assumed of edge devices",
            bound="memory",
            candidates=devices,
            explanation="The only edge device with enough memory that keeps the latency.",
        ),
        "carbon_footprint": CarbonFootprint(
            location="ES",
            functional_unit="1 inference",
            energy_kwh=estimate(3.83e-8, "power x latency", "hw_resources", 0.5),
            ram_energy_kwh=estimate(4.1e-9, "default", "assumed 0.375 W/GB", 0.5),
            per_thousand_gco2e=estimate(8.6e-3, "computed", "1,000 inferences", 0.5),
            intensity_g_per_kwh=estimate(146.0, "annual average", "Ember 2024, CC BY 4.0", 0.2),
            pue=Estimate(value=1.0, low=1.0, high=1.0, method="declared", source="edge device, no data centre"),
            operational_gco2e=estimate(5.6e-6, "computed", "energy x PUE x intensity", 0.5),
            embodied_gco2e=estimate(3.0e-6, "computed", "share of 4 years", 0.5),
            carbon_gco2e=estimate(8.6e-6, "computed", "operation and embodied share", 0.5),
            sci_gco2e=estimate(8.6e-6, "computed", "ISO/IEC 21031:2024", 0.5),
            within_limit="no limit was given",
            explanation="Most of it is operation: the Spanish grid emits 146 g CO2e per kWh.",
        ),
    }


def node_row(name: str, state: NodeState, configuration: str = "{}") -> NodeRow:
    node_id = f"id-{name}"
    info = NodeInfo(
        node_id=node_id,
        incarnation=4,
        pid=4711,
        name=name,
        kind=name,
        host="pc",
        description=f"What {name} does, in one sentence.",
        output_topic=f"hedgerow/{name}",
        output_type="hedgerow.advice.Something",
        configuration=configuration,
        configuration_schema='{"type": "object"}',
        inputs=["hedgerow/user_input"],
    )
    status = NodeStatus(node_id=node_id, incarnation=4, state=state, completed=12)
    if state is NodeState.RUNNING:
        status = NodeStatus(
            node_id=node_id,
            incarnation=4,
            state=state,
            task=TaskId(problem_id=2, iteration_id=1),
            progress=0.4,
            detail="run 8 of 20",
            completed=12,
        )
    plain = (json.dumps(to_plain(sample)) for sample in (info, status))
    return NodeRow(node_id, name, name, 4, state.name, BEGAN_AT_S + 50, *plain)


def task_row(problem_id: int, iteration_id: int, state: TaskState, request: UserInput, **changes: Any) -> TaskRow:
    row = TaskRow(
        problem_id=problem_id,
        iteration_id=iteration_id,
        pipeline="advice",
        state=state,
        created_at_s=BEGAN_AT_S + 10 * problem_id + iteration_id,
        finished_at_s=BEGAN_AT_S + 10 * problem_id + iteration_id + 2.25 if state.final else None,
        previous_iteration_id=None,
        title=request.text[:80],
        request=json.dumps(to_plain(request)),
        user_input=b"",
        baselines=b"",
        error_code="",
        reason="",
    )
    return msgspec.structs.replace(row, **changes)


def stage_rows(problem_id: int, iteration_id: int, states: dict[str, StageState], reason: str = "") -> list[Change]:
    rows: list[Change] = []
    for position, (name, state) in enumerate(states.items()):
        began = None if state is StageState.WAITING else BEGAN_AT_S + 20 + position
        ended = began + 0.75 if began is not None and state.final else None
        error = ("NO_MODEL", reason) if state is StageState.FAILED else ("", "")
        key = (problem_id, iteration_id, name)
        node = "" if began is None else f"id-{name}"
        rows.append(StageRow(*key, position, state, 0 if began is None else 1, node, began, ended, *error))
        if began is not None:
            rows.append(AttemptRow(*key, 1, state, node, 4, f"c-{name}", began, began + 60, ended, *error))
    return rows


def output_rows(problem_id: int, iteration_id: int, found: dict[str, Any]) -> list[Change]:
    return [
        OutputAdded(
            problem_id,
            iteration_id,
            name,
            1,
            True,
            "type",
            "topic",
            f"id-{name}",
            BEGAN_AT_S,
            b"\0",
            json.dumps(to_plain(sample) if hasattr(sample, "header") else sample),
        )
        for name, sample in found.items()
    ]


def story() -> list[Change]:
    """Problem 1 with a good and a failed iteration, problem 2 that runs and has a node of an author's own, events."""
    found = outputs()
    asked = UserInput(text=TEXT, max_latency_s=0.1, location="ES", inputs=["photo"], outputs=["count", "boxes"])
    strict = UserInput(text=TEXT, max_latency_s=1e-6, location="ES", previous=TaskId(problem_id=1, iteration_id=1))
    running = UserInput(text="Name the plant <script>alert(1)</script> in a picture & say how sure you are")
    done = dict.fromkeys(found, StageState.SUCCEEDED)
    failed = {**done, "ml_model_provider": StageState.FAILED, "hw_resources": StageState.CANCELLED}
    failed["carbon_footprint"] = StageState.CANCELLED
    half = {**dict.fromkeys(found, StageState.WAITING), "app_requirements": StageState.SUCCEEDED}
    half |= {"ml_model_metadata": StageState.RUNNING, "leaf_shape": StageState.SUCCEEDED}
    leaf = {
        "header": {},
        "leaf_area_bytes": 2048,
        "sharpness": to_plain(estimate(0.7, "measured", "photo")),
        "seen": [{"species": "Crataegus", "score": 0.9, "poisonous": False}],
        "remark": None,
        "explanation": "The edge is lobed.",
    }
    no_model = "no model keeps 1 µs; the fastest needs 41 ms"
    events = [
        EventAdded(
            n, BEGAN_AT_S + n, kind, TaskId(problem_id=problem, iteration_id=iteration), stage, "", json.dumps({"n": n})
        )
        for n, (kind, problem, iteration, stage) in enumerate(
            [
                ("orchestrator.started", 0, 0, ""),
                ("task.submitted", 1, 1, ""),
                ("stage.succeeded", 1, 1, "app_requirements"),
                ("task.succeeded", 1, 1, ""),
                ("task.submitted", 1, 2, ""),
                ("task.failed", 1, 2, ""),
                ("task.submitted", 2, 1, ""),
            ],
            start=1,
        )
    ]
    return [
        *(node_row(name, NodeState.IDLE) for name in found if name != "ml_model_metadata"),
        node_row("ml_model_metadata", NodeState.RUNNING, '{"threads": 2}'),
        node_row("leaf_shape", NodeState.ERROR),
        task_row(1, 1, TaskState.SUCCEEDED, asked),
        *stage_rows(1, 1, done),
        *output_rows(1, 1, found),
        task_row(1, 2, TaskState.FAILED, strict, previous_iteration_id=1, error_code="NO_MODEL", reason=no_model),
        *stage_rows(1, 2, failed, no_model),
        *output_rows(1, 2, {name: found[name] for name in list(found)[:3]}),
        task_row(2, 1, TaskState.RUNNING, running),
        *stage_rows(2, 1, half),
        *output_rows(2, 1, {"app_requirements": AppRequirements(explanation="No limits."), "leaf_shape": leaf}),
        *events,
    ]


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreReader]:
    folder: Path = tmp_path_factory.mktemp("store")
    urls = (f"sqlite:///{folder / 'hedgerow.sqlite'}", f"file://{folder / 'blobs'}")
    migrate.upgrade(urls[0])
    store = Store(*urls)
    store.commit(story())
    reader = StoreReader(*urls)
    yield reader
    reader.close()
    store.close()


@pytest.fixture
def client() -> RecordingClient:
    return RecordingClient()


@pytest.fixture
def make_app(stored: StoreReader, client: RecordingClient) -> Callable[..., Flask]:
    def make(reader: Any = None, **settings: Any) -> Flask:
        app = create_app(reader=reader or stored, client=client, settings=Settings(**settings))
        app.testing = False
        return app

    return make


@pytest.fixture
def web(make_app: Callable[..., Flask]) -> Any:
    """A test client over the whole app."""
    return make_app().test_client()
