"""What a store holds while a service runs on two workers: rows for tests, and for a look at the pages."""

from __future__ import annotations

import json
from typing import Any

from hedgerow_idl import InstanceStatus, NodeInfo, NodeState, NodeStatus, WorkerInfo, WorkerStatus
from hedgerow_idl.plain import to_plain
from hedgerow_idl.serve import Gpu, InstanceState, LinkFigure, Resource
from hedgerow_orchestrator.store.changes import Change, NodeRow
from hedgerow_orchestrator.store.serving_changes import (
    InstanceRow,
    ServiceEpochRow,
    ServiceRow,
    WorkerPolicyRow,
    WorkerRow,
)

BEGAN_AT_S = 1_795_000_000.0
SERVICE_ID = "7d7e6f3a-52a4-4f0e-8f0c-6d2b6b1c9a01"
OTHER_ID = "7d7e6f3a-52a4-4f0e-8f0c-6d2b6b1c9a02"
ROOF, SHED = "id-worker-roof", "id-worker-shed"
PARTS = (
    ("camera", 0, "image_folder", ROOF, 0.002),
    ("detect", 0, "detect_faces", ROOF, 0.041),
    ("align", 0, "align", SHED, 0.004),
    ("recognise", 0, "recognise_faces", SHED, 0.028),
    ("recognise", 1, "recognise_faces", SHED, 0.030),
    ("draw", 0, "draw", SHED, 0.003),
    ("screen", 0, "preview", SHED, 0.006),
)
BLUEPRINT: dict[str, Any] = {
    "name": "faces",
    "handlers": [
        {"name": "camera", "type": "image_folder", "parameters": {"path": "photos", "fps": 10}},
        {"name": "detect", "type": "detect_faces"},
        {"name": "align", "type": "align"},
        {"name": "recognise", "type": "recognise_faces", "instances": 2},
        {"name": "draw", "type": "draw"},
        {"name": "screen", "type": "preview"},
    ],
    "links": [
        {"from": "camera.image", "to": "detect.image", "mode": "newest"},
        {"from": "camera.image", "to": "draw.image"},
        {"from": "detect.boxes", "to": "align.boxes"},
        {"from": "align.boxes", "to": "recognise.boxes"},
        {"from": "recognise.boxes", "to": "draw.boxes"},
        {"from": "draw.image", "to": "screen.image"},
    ],
}
SCHEMA = {
    "type": "object",
    "properties": {
        "width": {"type": "integer", "default": 640, "minimum": 1, "maximum": 16384, "description": "pixels <wide>"},
        "mode": {"enum": ["fit", "fill"], "default": "fit"},
        "path": {"type": "string"},
    },
    "required": ["path"],
}
CATALOGUE = [
    {
        "name": name,
        "role": role,
        "description": f"What {name} does, in one sentence.",
        "inputs": [] if role == "source" else [{"name": "image", "type": "image"}],
        "outputs": [] if role == "sink" else [{"name": "image", "type": "image"}],
        "parameters": SCHEMA if name != "draw" else {},
        "class_type": "camera" if role == "source" else "",
        "run_time": "python",
    }
    for name, role in (
        ("image_folder", "source"),
        ("detect_faces", "handler"),
        ("align", "handler"),
        ("recognise_faces", "handler"),
        ("draw", "handler"),
        ("preview", "sink"),
    )
]


def logical(name: str, replica: int = 0) -> str:
    return f"logical-{name}-{replica}"


def physical(name: str, replica: int = 0) -> str:
    return f"physical-{name}-{replica}"


def plan() -> dict[str, Any]:
    instances = [
        {
            "logical_id": logical(name, replica),
            "physical_id": physical(name, replica),
            "name": name,
            "replica": replica,
            "handler": handler,
            "node_id": node,
            "provider_id": "",
            "parameters": {},
            "restart": "on_failure",
            "memory_bytes": 0.0,
            "first_sequence": 0,
        }
        for name, replica, handler, node, _ in PARTS
    ]
    links = []
    for link in BLUEPRINT["links"]:
        (sender, output), (receiver, given) = (link[end].split(".") for end in ("from", "to"))
        for name, replica, *_ in PARTS:
            senders = [part for part in PARTS if part[0] == sender]
            if name == receiver:
                links += [
                    {
                        "sender": logical(sender, part[1]),
                        "output": output,
                        "receiver": logical(receiver, replica),
                        "input": given,
                        "mode": link.get("mode", "lossless"),
                        "weight": 0.5 if receiver == "recognise" else 1.0,
                        "capacity": 8,
                        "delay_s": 0.0,
                    }
                    for part in senders
                ]
    return {
        "service_id": SERVICE_ID,
        "service_name": "faces",
        "epoch": 2,
        "instances": instances,
        "links": links,
        "trace": True,
        "predicted": predicted(),
    }


def predicted() -> dict[str, Any]:
    stages = {name if name != "recognise" else f"{name}#{replica}": cost for name, replica, *_, cost in PARTS}
    return {
        "bottleneck_s": 0.1,
        "throughput_hz": 10.0,
        "latency_s": 0.14,
        "stages": {**stages, "draw": None},
        "links": [],
        "is_exact": True,
        "words": ["detect is the slowest stage with 41 ms.", "worker-shed has the most room."],
    }


def worker_rows(name: str, node_id: str, at_s: float = BEGAN_AT_S + 60, items: int = 600) -> list[Change]:
    """A worker with what it runs; `items` have come through by `at_s`."""
    info = NodeInfo(node_id=node_id, incarnation=3, pid=811, name=name, kind="worker", host="pc")
    status = NodeStatus(node_id=node_id, incarnation=3, state=NodeState.IDLE)
    worker = WorkerInfo(
        node_id=node_id,
        incarnation=3,
        cores=4,
        clock_hz=2.4e9,
        memory_bytes=8_000_000_000,
        disk_bytes=64_000_000_000,
        has_tpm=True,
        refresh_deadline_s=1.0,
        host_id="pc",
        cpu_name="Intel N150",
        catalogue=json.dumps(CATALOGUE),
        gpus=[Gpu(name="T4 <16>", memory_bytes=16_000_000_000)] if node_id == SHED else [],
        labels=["site=roof"] if node_id == ROOF else ["site=shed", "quiet"],
        run_times=["python"],
        execution_providers=["CPUExecutionProvider"],
        resources=[Resource(provider_id="cam-1", class_type="camera", outputs=["image"])] if node_id == ROOF else [],
    )
    instances = [
        InstanceStatus(
            service_id=SERVICE_ID,
            logical_id=logical(part, replica),
            physical_id=physical(part, replica),
            name=part,
            epoch=2,
            state=InstanceState.RUNNING,
            pid=900 + at,
            restarts=1 if part == "detect" else 0,
            received=round(items * {"camera": 0, "recognise": 0.5, "draw": 2}.get(part, 1)),
            sent=round(items * {"camera": 2, "recognise": 0.5, "screen": 0}.get(part, 1)),
            dropped=7 if part == "detect" else 0,
            queued=at,
            last_sequence=items - 1,
            compute_s=cost * 1.1,
            memory_bytes=9e7 + at * 1e7,
        )
        for at, (part, replica, _, node, cost) in enumerate(PARTS)
        if node == node_id
    ]
    links = [LinkFigure(to_node_id=SHED, bandwidth_bytes_per_s=1.25e7, latency_s=0.0021, age_s=12.0, sent_items=5)]
    report = WorkerStatus(
        node_id=node_id,
        incarnation=3,
        stamped_at_s=at_s,
        load_1=0.7,
        cpu_percent=31.5,
        memory_available_bytes=5.1e9,
        disk_free_bytes=3.1e10,
        links=links if node_id == ROOF else [],
        instances=instances,
    )
    info_text, status_text, worker_text, report_text = (
        json.dumps(to_plain(sample)) for sample in (info, status, worker, report)
    )
    return [
        NodeRow(node_id, name, "worker", 3, "IDLE", at_s, info_text, status_text),
        WorkerRow(node_id, worker_text, report_text, at_s),
    ]


def serving_story() -> list[Change]:
    """`faces` runs in its second epoch on two workers, the third is gone; `broken` has failed."""
    gone = NodeRow("id-worker-gone", "worker-gone", "worker", 1, "INACTIVE", BEGAN_AT_S, "{}", "{}")
    reason = "worker-gone was lost; detect runs on worker-roof now"
    bad = "no worker can host 'net': worker-roof has 5.1 GB of memory <needs 64 GB>"
    began = (BEGAN_AT_S + 1, BEGAN_AT_S + 2.5)
    rows: list[Change] = [
        *worker_rows("worker-roof", ROOF),
        *worker_rows("worker-shed", SHED),
        gone,
        WorkerRow("id-worker-gone", "{}", "{}", BEGAN_AT_S),
        WorkerPolicyRow(SHED, True, False, "new disk on Monday", BEGAN_AT_S + 30),
        ServiceRow(
            SERVICE_ID, "faces", "RUNNING", "RUNNING", "", 2, json.dumps(BLUEPRINT), BEGAN_AT_S, BEGAN_AT_S + 20
        ),
        ServiceRow(
            OTHER_ID, "broken", "FAILED", "RUNNING", bad, 0, '{"name": "broken"}', BEGAN_AT_S - 9, BEGAN_AT_S - 8
        ),
        ServiceEpochRow(SERVICE_ID, 1, "RETIRED", "deploy", "", json.dumps(plan()), "{}", None, BEGAN_AT_S, *began),
        ServiceEpochRow(
            *(SERVICE_ID, 2, "ACTIVE", "failover", reason, json.dumps(plan()), json.dumps(predicted()), 0.012),
            *(BEGAN_AT_S + 20, BEGAN_AT_S + 20.8, None),
        ),
    ]
    for name, replica, handler, node, _ in PARTS:
        key = (physical(name, replica), SERVICE_ID, logical(name, replica), name, handler, node)
        rows.append(InstanceRow(*key, 1, "RUNNING", "", int(name == "detect"), None, BEGAN_AT_S + 1, None))
    lost = ("physical-old", SERVICE_ID, logical("detect"), "detect", "detect_faces", "id-worker-gone", 1)
    rows.append(InstanceRow(*lost, "FAILED", "its worker is gone", 0, 9, BEGAN_AT_S + 1, BEGAN_AT_S + 19))
    return rows


def item_events() -> list[dict[str, Any]]:
    """Where one item was: at three instances, over two links, dropped at a fourth; as the store's reader says it."""
    events = [
        ("camera", "start", 0.0, "", None),
        ("camera", "end", 0.002, "", None),
        ("camera", "sent", 0.0021, "image", 61_000),
        ("detect", "recv", 0.003, "image", 61_000),
        ("detect", "start", 0.0032, "", None),
        ("detect", "end", 0.0441, "", None),
        ("detect", "sent", 0.0443, "boxes", 2_400),
        ("align", "recv", 0.0462, "boxes", 2_400),
        ("align", "start", 0.0463, "", None),
        ("draw", "drop", 0.0475, "", None),
    ]
    nodes = {name: node for name, _, _, node, _ in PARTS}
    return [
        {
            "at_s": BEGAN_AT_S + 40 + at_s,
            "event": event,
            "handler": name,
            "node": nodes[name].removeprefix("id-"),
            "port": port,
            "size_bytes": size,
            "logical_id": logical(name),
            "physical_id": physical(name),
        }
        for name, event, at_s, port, size in events
    ]
