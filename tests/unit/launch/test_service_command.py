"""`hedgerow service`: blueprints are read, deployed, waited for, moved and asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hedgerow_launch.blueprint_file import BlueprintFile, read_blueprint
from hedgerow_launch.failures import CommandFailure

Hedgerow = Callable[..., Any]
API = "/api/v1/services"
BLUEPRINT = """name = "faces"

[[handlers]]
name = "camera"
type = "image_folder"

[[handlers]]
name = "detect"
type = "detect_faces"
[handlers.parameters]
width = 0

[[links]]
from = "camera.image"
to = "detect.image"
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "faces.toml"
    path.write_text(BLUEPRINT, encoding="utf-8")
    return path


def service(state: str = "RUNNING", **changes: Any) -> dict[str, Any]:
    placed = {
        "logical_id": "l-1",
        "physical_id": "p-1",
        "name": "camera",
        "handler": "image_folder",
        "node_id": "w-1",
        "replica": 0,
    }
    row = {"physical_id": "p-1", "node": "worker-1", "state": "RUNNING", "restarts": 2, "reason": ""}
    found = {
        "service_id": "s-1",
        "name": "faces",
        "state": state,
        "wanted": "RUNNING",
        "reason": "",
        "epoch": 1,
        "created_at": "2026-11-27T02:00:00.000Z",
        "changed_at": "2026-11-27T02:00:01.000Z",
        "blueprint": {},
        "plan": {"instances": [placed, {**placed, "physical_id": "p-2", "replica": 1}], "links": []},
        "placement": {"cause": "deploy", "reason": "least latency; nothing is better"},
        "instances": [row],
    }
    return {**found, **changes}


def test_a_blueprint_is_deployed_once_under_a_key(frontend: Any, hedgerow: Hedgerow, written: Path) -> None:
    answer = {"service_id": "s-1", "name": "faces", "state": "PREPARING", "epoch": 1}
    frontend.answers = {f"POST {API}": (202, answer)}
    result = hedgerow("service", "deploy", written)
    assert (result.exit_code, result.stdout) == (0, "service faces: PREPARING, hedgerow service show faces\n")
    assert json.loads(hedgerow("service", "deploy", written, "--stopped", "--name", "b", "--json").stdout) == answer
    first, second = frontend.asked
    assert first.body["blueprint"]["handlers"][1]["parameters"] == {"width": 0}
    assert first.body["start"] is True
    assert (second.body["name"], second.body["start"]) == ("b", False)
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    hedgerow("service", "deploy", written, "--idempotency-key", "mine")
    assert frontend.asked[-1].headers["Idempotency-Key"] == "mine"


def test_json_deploys_what_toml_does(frontend: Any, hedgerow: Hedgerow, written: Path) -> None:
    other = written.with_suffix(".json")
    other.write_text(json.dumps(read_blueprint(written).fields), encoding="utf-8")
    frontend.answers = {f"POST {API}": (202, {"service_id": "s", "name": "faces", "state": "PREPARING", "epoch": 1})}
    for path in (written, other):
        assert hedgerow("service", "deploy", path).exit_code == 0
    assert frontend.asked[0].body == frontend.asked[1].body


def test_a_refusal_names_field_and_line(frontend: Any, hedgerow: Hedgerow, written: Path) -> None:
    detail = "handlers[1].parameters.width: 0 is below 1"
    frontend.answers = {f"POST {API}": (400, {"detail": detail, "field": "handlers[1].parameters.width"})}
    result = hedgerow("service", "deploy", written)
    assert (result.exit_code, result.stderr) == (1, f"error: {written}:11: {detail}\n")


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("handlers[0].type", 5),
        ("handlers[1]", 7),
        ("handlers[1].nothing", 7),
        ("links[0].to", 15),
        ("links[3].to", None),
        ("name", 1),
        ("placement.objective", None),
    ],
)
def test_fields_are_found_in_the_file(written: Path, field: str, line: int | None) -> None:
    assert BlueprintFile(written, {}, BLUEPRINT).line_of_field(field) == line


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", "x = ", "a.toml:1: is no TOML"),
        ("a.toml", "x = 2026-11-27", "holds a date"),
        ("a.toml", "x = nan", "holds a date, an inf or a nan"),
        ("a.json", "[1]", "is a JSON list; write an object"),
        ("a.yaml", "x: 1", "name it .toml or .json"),
    ],
)
def test_what_is_no_blueprint_is_refused(
    hedgerow: Hedgerow, tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    result = hedgerow("service", "deploy", path)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_file_that_is_not_there(hedgerow: Hedgerow, tmp_path: Path) -> None:
    result = hedgerow("service", "check", tmp_path / "none.toml")
    assert (result.exit_code, "cannot be read: No such file" in result.stderr) == (2, True)


def test_a_model_beside_the_blueprint_is_named_whole(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text('[[networks]]\nname = "n"\nmodel = "./m.onnx"\n', encoding="utf-8")
    assert read_blueprint(path).fields["networks"][0]["model"] == str((tmp_path / "m.onnx").resolve())


def test_check_prints_problems_and_fails(frontend: Any, hedgerow: Hedgerow, written: Path) -> None:
    problem = {"field": "handlers[0].type", "message": "'image_folder' unknown; known: resize"}
    frontend.answers = {f"POST {API}/check": (200, {"ok": False, "problems": [problem], "plan": None})}
    result = hedgerow("service", "check", written)
    assert result.exit_code == 1
    assert result.stdout == f"{written}:5: handlers[0].type: 'image_folder' unknown; known: resize\n"
    plan = {"places": {"camera#0": "w-1"}, "predicted": {}}
    frontend.answers = {f"POST {API}/check": (200, {"ok": True, "problems": [], "plan": plan})}
    result = hedgerow("service", "check", written)
    assert (result.exit_code, "camera on w-1" in result.stdout) == (0, True)


def test_waiting_ends_when_it_runs(frontend: Any, hedgerow: Hedgerow, written: Path) -> None:
    states = iter(["PREPARING", "PREPARING"])
    event = {"id": 1, "kind": "service.state", "body": {"service_id": "s-1", "name": "faces", "state": "RUNNING"}}
    other = {"id": 2, "kind": "service.state", "body": {"service_id": "s-2", "name": "other", "state": "FAILED"}}
    frontend.answers = {
        f"POST {API}": (202, {"service_id": "s-1", "name": "faces", "state": "PREPARING", "epoch": 1}),
        f"GET {API}/s-1": lambda _asked: (200, service(next(states, "RUNNING"))),
        "GET /api/v1/events": "".join(f"event: {e['kind']}\ndata: {json.dumps(e)}\n\n" for e in (other, event)),
    }
    result = hedgerow("service", "deploy", written, "--watch", "--timeout", 20)
    assert result.exit_code == 0
    assert "service.state: faces RUNNING" in result.stderr
    assert "other" not in result.stderr
    assert "RUNNING, epoch 1" in result.stdout


def test_waiting_for_what_fails_is_a_failure(frontend: Any, hedgerow: Hedgerow) -> None:
    reason = "worker 'b' refused: no memory"
    frontend.answers = {
        f"GET {API}/faces": (200, service("FAILED", reason=reason)),
        "GET /api/v1/events": ": nothing\n\n",
    }
    result = hedgerow("service", "show", "faces", "--wait")
    assert (result.exit_code, f"FAILED, epoch 1: {reason}" in result.stdout) == (1, True)


def test_waiting_for_what_finds_no_place_says_so_once(frontend: Any, hedgerow: Hedgerow) -> None:
    reason = "boundaries [0, 200, 94] do not ascend from 0 to 94, the number of layers"
    states = iter(["DEGRADED", "DEGRADED", "DEGRADED"])

    def shown(_asked: Any) -> tuple[int, dict[str, Any]]:
        state = next(states, "RUNNING")
        return 200, service(state, reason=reason if state == "DEGRADED" else "")

    frontend.answers = {f"GET {API}/faces": shown, "GET /api/v1/events": ": nothing\n\n"}
    result = hedgerow("service", "show", "faces", "--wait", "--timeout", 20)
    assert (result.exit_code, "RUNNING, epoch 1" in result.stdout) == (0, True)
    assert result.stderr.count(f"service faces is DEGRADED: {reason}; waiting for a change") == 1
    assert "hedgerow service delete faces" in result.stderr


def test_waiting_too_long_is_timed_out(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {
        f"GET {API}/faces": (200, service("PREPARING", reason="no worker is there")),
        "GET /api/v1/events": ": nothing\n\n",
    }
    result = hedgerow("service", "show", "faces", "--wait", "--timeout", 0.3)
    assert result.exit_code == 4
    assert "is PREPARING (no worker is there) after 0.3 s" in result.stderr


def test_a_timeout_alone_is_a_mistake(hedgerow: Hedgerow, written: Path) -> None:
    assert hedgerow("service", "deploy", written, "--timeout", 3).exit_code == 2


def test_services_are_listed_and_shown(frontend: Any, hedgerow: Hedgerow) -> None:
    items = {"items": [{k: v for k, v in service().items() if k not in ("plan", "blueprint", "instances")}]}
    frontend.answers = {f"GET {API}": (200, items), f"GET {API}/faces": (200, service())}
    assert json.loads(hedgerow("service", "list", "--all", "--json").stdout) == items
    assert frontend.lines() == [f"GET {API}?deleted=true"]
    assert hedgerow("service", "list").stdout.split()[5:9] == ["faces", "RUNNING", "1", "02:00:01"]
    shown = hedgerow("service", "show", "faces").stdout
    assert "placed by deploy: least latency\n  nothing is better\n" in shown
    assert "camera #1" in shown
    assert "worker-1" in shown


def test_epochs_are_listed_with_cause_and_reason(frontend: Any, hedgerow: Hedgerow) -> None:
    epoch = {"epoch": 2, "state": "ACTIVE", "cause": "failover", "reason": "worker-1 lost", "created_at": None}
    frontend.answers = {f"GET {API}/faces/epochs": (200, {"items": [epoch]})}
    assert "failover" in (shown := hedgerow("service", "show", "faces", "--epochs").stdout)
    assert "worker-1 lost" in shown


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_a_service_is_started_and_stopped(frontend: Any, hedgerow: Hedgerow, verb: str) -> None:
    answer = {"service_id": "s-1", "state": "STOPPED"}
    frontend.answers = {f"POST {API}/faces/{verb}": (200, answer)}
    assert hedgerow("service", verb, "faces").stdout == "service faces: STOPPED\n"
    assert json.loads(hedgerow("service", verb, "faces", "--json").stdout) == answer


def test_a_service_is_deleted(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {f"DELETE {API}/faces": (200, {"service_id": "s-1", "state": "DELETED"})}
    assert hedgerow("service", "delete", "faces").stdout == "service faces: DELETED\n"
    result = hedgerow("service", "delete", "other")
    assert result.exit_code == 1


def test_a_placement_is_given_and_explained(frontend: Any, hedgerow: Hedgerow) -> None:
    answer = {
        "changed": True,
        "verdict": "applied",
        "reason": "as told",
        "predicted": {"throughput_hz": 9.5},
        "epoch": 2,
    }
    frontend.answers = {f"POST {API}/faces/placement": (200, answer)}
    result = hedgerow("service", "place", "faces", "--on", "detect=worker-2", "--cut", "net=40,80", "--dry-run")
    assert frontend.asked[0].body == {
        "dry_run": True,
        "placement": {"detect": "worker-2"},
        "boundaries": {"net": [40, 80]},
    }
    assert result.stdout == "faces: moved (applied), epoch 2: as told\npredicted: 9.5 items/s\n"
    frontend.answers = {f"POST {API}/faces/placement": (200, {**answer, "changed": False, "verdict": "infeasible"})}
    assert hedgerow("service", "place", "faces").exit_code == 1


@pytest.mark.parametrize("wrong", [("--on", "detect"), ("--on", "=a"), ("--cut", "net=a,b")])
def test_a_placement_that_cannot_be_read(hedgerow: Hedgerow, wrong: tuple[str, str]) -> None:
    assert hedgerow("service", "place", "faces", *wrong).exit_code == 2


def test_an_instance_is_moved(frontend: Any, hedgerow: Hedgerow) -> None:
    answer = {"intent_id": "i-1", "state": "ACCEPTED", "reason": ""}
    frontend.answers = {f"POST {API}/faces/migrate": (200, answer)}
    result = hedgerow("service", "migrate", "faces", "detect", "--to", "worker-2", "--replica", 1)
    assert (result.exit_code, result.stdout) == (0, "faces: detect to worker-2 accepted\n")
    assert frontend.asked[0].body == {"handler": "detect", "to": "worker-2", "replica": 1}
    frontend.answers = {f"POST {API}/faces/migrate": (200, {**answer, "state": "DECLINED", "reason": "too small"})}
    assert hedgerow("service", "migrate", "faces", "detect", "--to", "b").exit_code == 1


def test_an_image_is_sent_as_it_is(frontend: Any, hedgerow: Hedgerow, tmp_path: Path) -> None:
    picture = tmp_path / "a.JPG"
    picture.write_bytes(b"\xff\xd8picture")
    answer = {"output": {"type": "record", "value": {"faces": 2}}, "sequence": 7, "took_s": 0.0123}
    frontend.answers = {f"POST {API}/faces/infer": (200, answer)}
    result = hedgerow("service", "infer", "faces", picture, "--timeout", 3)
    assert json.loads(result.stdout) == answer["output"]
    assert result.stderr == "item 7, 12.3 ms\n"
    [asked] = frontend.asked
    assert (asked.path, asked.body) == (f"{API}/faces/infer?timeout_s=3.0", b"\xff\xd8picture")
    assert asked.headers["Content-Type"] == "image/jpeg"


def test_a_record_is_sent_as_json(frontend: Any, hedgerow: Hedgerow, tmp_path: Path) -> None:
    frontend.answers = {f"POST {API}/faces/infer": (200, {"output": 1, "sequence": 0, "took_s": None})}
    hedgerow("service", "infer", "faces", "--record", '{"n": 1}', "--json")
    assert frontend.asked[0].body == {"input": {"type": "record", "value": {"n": 1}}, "timeout_s": 10.0}
    file = tmp_path / "input.json"
    file.write_text('{"type": "text", "value": "x"}', encoding="utf-8")
    hedgerow("service", "infer", "faces", file)
    assert frontend.asked[1].body["input"] == {"type": "text", "value": "x"}
    assert hedgerow("service", "infer", "faces").exit_code == 2
    assert hedgerow("service", "infer", "faces", "--record", "[1]").exit_code == 2
    assert hedgerow("service", "infer", "faces", file, "--record", "{}").exit_code == 2


def test_a_packet_is_traced(frontend: Any, hedgerow: Hedgerow) -> None:
    event = {"event": "start", "handler": "detect", "node": "w", "port": "", "logical_id": "l"}
    events = [
        {**event, "at_s": 10.0, "size_bytes": None},
        {**event, "event": "end", "at_s": 10.0125, "size_bytes": 2e6},
    ]
    trace = {"service_id": "s", "service": "faces", "sequence": 4, "events": events, "hops": [], "total_s": 0.0125}
    frontend.answers = {f"GET {API}/faces/trace": (200, trace)}
    result = hedgerow("service", "trace", "faces", 4)
    assert "12.500" in result.stdout
    assert "2 MB" in result.stdout
    assert result.stderr == "item 4 of faces, 12.5 ms\n"
    assert frontend.lines() == [f"GET {API}/faces/trace?sequence=4"]
    frontend.answers = {f"GET {API}/faces/trace": (200, {**trace, "sequence": None, "events": [], "total_s": None})}
    assert "no item of faces has been traced" in hedgerow("service", "trace", "faces").stderr


def test_rates_are_asked_for_again_where_there_is_no_difference_yet(
    frontend: Any, hedgerow: Hedgerow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hedgerow_launch.commands.service_items.BETWEEN_LOOKS_S", 0.0)
    stage = {
        "name": "detect",
        "replica": 0,
        "node": "worker-1",
        "state": "RUNNING",
        "in_per_s": 9.97,
        "out_per_s": None,
        "compute_s": 0.0123,
        "predicted_s": 0.012,
        "queued": 0,
        "dropped": 3,
        "skipped": 0,
        "refused": None,
        "failed": 0,
    }
    first = {"epoch": 1, "at": "x", "over_s": None, "throughput_per_s": None, "predicted_throughput_per_s": 10.0}
    answers = iter([{**first, "stages": []}, {**first, "over_s": 2.0, "throughput_per_s": 9.9, "stages": [stage]}])
    frontend.answers = {f"GET {API}/faces/rates": lambda _asked: (200, next(answers))}
    result = hedgerow("service", "rates", "faces")
    row = result.stdout.splitlines()[1]
    assert row.split() == ["detect", "worker-1", "RUNNING", "10.0", "–", "12.3", "ms", "12", "ms", "0", "3", "dropped"]
    assert "9.9 /s at the end, 10 /s predicted" in result.stderr


def test_a_model_is_uploaded(frontend: Any, hedgerow: Hedgerow, tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(b"onnx")
    frontend.answers = {"POST /api/v1/models": (201, {"model": "upload:ab", "sha256": "ab", "size_bytes": 4})}
    assert hedgerow("service", "upload", model).stdout == "upload:ab\n"
    assert frontend.asked[0].body == b"onnx"


@pytest.mark.parametrize("columns", [80])
def test_tables_fit(frontend: Any, hedgerow: Hedgerow, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedgerow_launch.commands.printing._WIDTH_OF_FILES", columns)
    frontend.answers = {f"GET {API}/faces": (200, service()), f"GET {API}": (200, {"items": [service()]})}
    for arguments in (("list",), ("show", "faces")):
        lines = hedgerow("service", *arguments).stdout.splitlines()
        assert max(map(len, lines)) <= columns
        assert not any(line.strip() in ("RUNNI", "NG") for line in lines)


def test_a_name_that_is_unknown_is_a_failure_with_the_known_ones(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {f"GET {API}/x": (404, {"detail": "service 'x' unknown; known: faces"})}
    result = hedgerow("service", "show", "x")
    assert (result.exit_code, result.stderr) == (1, "error: service 'x' unknown; known: faces\n")


def test_files_are_read_by_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(CommandFailure, match="no UTF-8"):
        read_blueprint(tmp_path / "a.toml")
