"""`hedgerow worker` and `hedgerow handler`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Hedgerow = Callable[..., Any]
WORKERS = "/api/v1/workers"
WORKER = {
    "node_id": "w-1",
    "name": "worker-1",
    "state": "IDLE",
    "incarnation": 3,
    "last_seen_at": "2026-11-27T02:00:00.000Z",
    "is_cordoned": True,
    "is_draining": False,
    "reason": "new disk",
    "catalogue": [{"name": "resize", "role": "handler"}],
    "info": {
        "cores": 2,
        "memory_bytes": 8e9,
        "cpu_name": "N150",
        "labels": ["site=roof"],
        "gpus": [{"name": "T4", "memory_bytes": 16e9}],
        "resources": [{"provider_id": "cam-1", "class_type": "camera"}],
        "has_tpm": True,
    },
    "status": {
        "cpu_percent": 12.5,
        "load_1": None,
        "links": [{"to_node_id": "w-2", "bandwidth_bytes_per_s": 1.25e7, "latency_s": 0.002, "age_s": 3.0}],
        "instances": [{"name": "detect", "state": "RUNNING", "pid": 42, "restarts": 1, "reason": ""}],
    },
    "at": None,
}
HANDLER = {
    "name": "resize",
    "role": "handler",
    "description": "Resize to a width and a height in pixels.",
    "inputs": [{"name": "image", "type": "image"}],
    "outputs": [{"name": "image", "type": "image"}],
    "parameters": {
        "properties": {
            "width": {"type": "integer", "default": 640, "minimum": 1, "maximum": 16384},
            "mode": {"enum": ["fit", "fill"]},
        },
        "required": ["mode"],
    },
    "class_type": "",
    "run_time": "python",
    "workers": ["worker-1"],
}


def test_workers_are_listed_and_shown(frontend: Any, hedgerow: Hedgerow) -> None:
    other = {**WORKER, "node_id": "w-2", "name": "worker-2", "is_cordoned": False, "info": {}, "status": {}}
    frontend.answers = {f"GET {WORKERS}": (200, {"items": [WORKER, other]}), f"GET {WORKERS}/worker-1": (200, WORKER)}
    listed = hedgerow("worker", "list").stdout.splitlines()
    assert listed[1].split() == ["worker-1", "IDLE", "nothing", "2", "8", "GB", "12%", "1", "site=roof"]
    assert listed[2].split() == ["worker-2", "IDLE", "all", "–", "–", "0"]
    shown = hedgerow("worker", "show", "worker-1").stdout
    for text in (
        "nothing (new disk)",
        "T4 (16 GB)",
        "cam-1 (camera)",
        "no, yes",
        "12.5 MB/s",
        "worker-2",
        "resize",
        "42",
    ):
        assert text in shown
    assert json.loads(hedgerow("worker", "show", "worker-1", "--json").stdout) == WORKER


@pytest.mark.parametrize(
    ("verb", "is_cordoned", "is_draining", "line"),
    [
        ("cordon", True, False, "worker-1: cordoned\n"),
        ("uncordon", False, False, "worker-1: takes all\n"),
        ("drain", True, True, "worker-1: draining\n"),
    ],
)
def test_a_policy_is_set_with_its_reason(
    frontend: Any, hedgerow: Hedgerow, verb: str, is_cordoned: bool, is_draining: bool, line: str
) -> None:
    answer = {"node_id": "w-1", "is_cordoned": is_cordoned, "is_draining": is_draining, "intent_id": None}
    frontend.answers = {f"POST {WORKERS}/worker-1/{verb}": (200, answer)}
    assert hedgerow("worker", verb, "worker-1", "--reason", "new disk").stdout == line
    assert frontend.asked[0].body == {"reason": "new disk"}
    assert json.loads(hedgerow("worker", verb, "worker-1", "--json").stdout) == answer


def test_links_are_measured(frontend: Any, hedgerow: Hedgerow) -> None:
    link = {"from_node_id": "w-1", "to_node_id": "w-2", "bandwidth_bytes_per_s": 1.25e7, "latency_s": None}
    frontend.answers = {
        f"POST {WORKERS}/measure": (200, {"links": [link]}),
        f"GET {WORKERS}": (200, {"items": [WORKER]}),
    }
    result = hedgerow("worker", "measure", "worker-1", "w-2")
    assert result.stdout.splitlines()[1].split() == ["worker-1", "w-2", "12.5", "MB/s", "–"]
    assert frontend.asked[0].body == {"workers": ["worker-1", "w-2"]}
    hedgerow("worker", "measure", "--json")
    assert frontend.asked[-1].body == {}


def test_handlers_are_listed_and_shown(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {"GET /api/v1/handlers": (200, {"items": [HANDLER]})}
    assert hedgerow("handler", "list").stdout.splitlines()[1].split() == [
        *("resize", "handler", "image:", "image", "image:", "image", "1")
    ]
    shown = hedgerow("handler", "show", "resize").stdout
    assert "1 … 16384" in shown
    assert "fit | fill" in shown
    assert "needed" in shown
    result = hedgerow("handler", "show", "resise")
    assert (result.exit_code, result.stderr) == (1, "error: handler 'resise' unknown; known: resize\n")
