"""`hedgerow compat import`: an older coordinator's files become variables, hints and one blueprint over its nodes."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import hedgerow_launch.__main__ as entry
from hedgerow_launch.compat.service_files import ServiceRefused, blueprint_of

CLIENT, SERVER = 0, 1
NODES = {CLIENT: "phone", SERVER: "cloud"}


def handler(number: int, kind: int, name: str = "h", **params: Any) -> dict[str, Any]:
    return {"handler_id": number, "handler_name": name, "handler_type": kind, "params": params}


def link(source: int, target: int, output: int = 0, number: int = 0) -> dict[str, int]:
    return {"source_handler": source, "source_output": output, "target_handler": target, "target_input": number}


def block(node: int, handlers: list[dict[str, Any]], links: list[dict[str, int]]) -> dict[str, Any]:
    return {"node_id": node, "blueprint": {"handlers": handlers, "links": links}}


OFFLOAD = {
    "service_id": 1,
    "service_name": "offload_detect",
    "template": [
        block(
            CLIENT,
            [
                handler(0, 2, "capture", source="video.mp4", fps=25),
                handler(1, 5, "encode", quality=80),
                handler(2, 0, "tx", addr="10.0.0.2", port=9100),
                handler(3, 1, "rx", addr="0.0.0.0", port=9101),
                handler(4, 17, "draw"),
                handler(5, 3, "render", fps=0),
            ],
            [link(0, 1), link(1, 2), link(0, 4), link(3, 4, number=1), link(4, 5)],
        ),
        block(
            SERVER,
            [
                handler(0, 1, "rx", port=9100),
                handler(1, 6, "decode"),
                handler(2, 7, "yolo", thresh=0.4, gpu=True),
                handler(3, 0, "tx", addr="10.0.0.1", port=9101),
            ],
            [link(0, 1), link(1, 2), link(2, 3)],
        ),
    ],
}


def test_a_chain_over_two_nodes_becomes_one_blueprint() -> None:
    found = blueprint_of(OFFLOAD, NODES)
    assert found.blueprint["name"] == "offload_detect"
    handlers = {each["name"]: each for each in found.blueprint["handlers"]}
    assert [(each["type"], each["requires"]["nodes"]) for each in handlers.values()] == [
        ("video_file", ["phone"]),
        ("encode", ["phone"]),
        ("draw_labelled_boxes", ["phone"]),
        ("preview", ["phone"]),
        ("decode", ["cloud"]),
        ("detect_objects", ["cloud"]),
    ]
    assert handlers["capture-0-0"]["parameters"] == {"path": "video.mp4", "fps": 25}
    assert handlers["yolo-1-2"]["parameters"] == {"threshold": 0.4}
    assert [(each["from"], each["to"], each["mode"]) for each in found.blueprint["links"]] == [
        ("capture-0-0.image", "encode-0-1.image", "newest"),
        ("capture-0-0.image", "draw-0-4.image", "newest"),
        ("draw-0-4.image", "render-0-5.image", "lossless"),
        ("decode-1-1.image", "yolo-1-2.image", "lossless"),
        ("encode-0-1.encoded_image", "decode-1-1.encoded_image", "lossless"),
        ("yolo-1-2.boxes", "draw-0-4.boxes", "lossless"),
    ]
    said = "\n".join(found.warnings)
    assert "yolo-1-2 (detect_objects) has no parameter gpu" in said
    assert "tx and rx handlers became links" in said


@pytest.mark.parametrize(
    ("source", "type_name", "parameters"),
    [
        (0, "camera", {"index": 0}),
        ("2", "camera", {"index": 2}),
        ("frames/%04d.jpg", "image_folder", {"path": "frames/%04d.jpg"}),
        ("rtsp://cam/1", "rtsp", {"url": "rtsp://cam/1"}),
        ("a.mp4", "video_file", {"path": "a.mp4"}),
    ],
)
def test_a_capture_is_the_source_that_it_names(source: Any, type_name: str, parameters: dict[str, Any]) -> None:
    service = {"service_id": 3, "template": [block(CLIENT, [handler(0, 2, source=source)], [])]}
    (made,) = blueprint_of(service, NODES).blueprint["handlers"]
    assert (made["type"], made["parameters"]) == (type_name, parameters)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([block(9, [], [])], "node 9 unknown; known: 0, 1"),
        ([block(CLIENT, [handler(0, 4), handler(0, 4)], [])], "handler 0 is there twice"),
        ([block(CLIENT, [handler(0, 18)], [])], "handler_type 18 unknown"),
        ([block(CLIENT, [handler(0, 4)], [link(0, 1)])], "names handler 1 of node 0"),
        ([block(CLIENT, [handler(0, 2), handler(1, 0, port=1)], [link(0, 1)])], "to port 1 arrives nowhere"),
        ([block(CLIENT, [handler(0, 2), handler(1, 3)], [link(0, 1, output=1)])], "has no output 1"),
        ([block(CLIENT, [handler(0, 2), handler(1, 4)], [link(0, 1, number=2)])], "has no input 2"),
        ([{"node_id": "x"}], "node_id 'x' is no number"),
        ([{"node_id": 0, "blueprint": {"handlers": 3}}], "handlers is no list"),
        ("x", "template is no list"),
    ],
)
def test_what_leads_nowhere_is_refused_with_its_place(parts: Any, says: str) -> None:
    with pytest.raises(ServiceRefused) as raised:
        blueprint_of({"service_id": 1, "service_name": "s", "template": parts}, NODES)
    assert says in str(raised.value)


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The folder of a described coordinator."""
    for folder, name, value in (
        ("nodes", "node-0", {"node_id": 0, "node_name": "phone", "node_type": "client", "node_addr": "10.0.0.1"}),
        ("nodes", "node-1", {"node_id": 1, "node_name": "cloud", "node_type": "server", "node_addr": "10.0.0.2"}),
        ("services", "offload_detect", OFFLOAD),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.json").write_text(json.dumps(value))
    (tmp_path / "services" / "empty.json").write_text("")
    (tmp_path / "coordinator.conf").write_text(
        "[coordinator]\nnode_path = nodes\nservice_type_path = services\nhandler_type_path = handlers\n"
        "[database]\ndb_addr = 10.0.0.9\ndb_port = 5432\ndb_user = root\ndb_passwd = hunter2\ndb_schema = reports\n"
    )
    return tmp_path


Run = Callable[..., Any]


@pytest.fixture
def run() -> Run:
    return lambda *words: CliRunner().invoke(entry.app, ["compat", "import", *map(str, words)])


def test_import_writes_variables_hints_and_blueprints(older: Path, run: Run) -> None:
    into = older / "imported"
    result = run(older / "coordinator.conf", "--into", into)
    assert result.exit_code == 0, result.output
    lines = (into / "hedgerow.env").read_text().splitlines()
    assert "export HEDGEROW_STORE=postgresql://root:hunter2@10.0.0.9:5432/reports" in lines
    assert "export HEDGEROW_PEERS=10.0.0.1,10.0.0.2" in lines
    assert stat.S_IMODE((into / "hedgerow.env").stat().st_mode) == 0o600
    assert json.loads((into / "nodes.json").read_text())[0] == {
        "name": "phone",
        "address": "10.0.0.1",
        "labels": ["type=client"],
    }
    blueprint = json.loads((into / "blueprints" / "offload_detect.json").read_text())
    assert blueprint == blueprint_of(OFFLOAD, NODES).blueprint
    assert [path.name for path in (into / "blueprints").iterdir()] == ["offload_detect.json"]
    assert "hunter2" not in result.output
    assert "handler_type_path is unused" in result.output


def test_import_says_what_is_wrong_and_writes_nothing(older: Path, run: Run) -> None:
    (older / "nodes" / "node-2.json").write_text('{"node_id": 1, "node_name": "x", "node_addr": "y"}')
    result = run(older / "coordinator.conf", "--into", older / "imported")
    assert result.exit_code == 2
    assert "node_id 1 is in two files" in result.output
    assert not (older / "imported").exists()


def test_older_variables_are_told_and_set_before_any_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HEDGEROW_PORT", raising=False)
    monkeypatch.setenv("API_PORT", "6968")
    seen: list[str | None] = []
    monkeypatch.setattr(entry, "app", lambda prog_name: seen.append(entry.os.environ.get("HEDGEROW_PORT")))
    entry.main()
    monkeypatch.delenv("HEDGEROW_PORT")
    assert seen == ["6968"]
    assert "warning: API_PORT is an older name; write HEDGEROW_PORT=6968" in capsys.readouterr().err
