"""The catalogue holds what the page says, and every handler has a description, ports and defaults."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from handler_bench import types

from hedgerow_idl.plan import HandlerDescription
from hedgerow_nodes.serve import catalogue

ROOT = Path(__file__).parents[4]
SOURCES = {
    "image_folder": "image-folder",
    "video_file": "video-file",
    "camera": "camera",
    "rtsp": "rtsp",
    "http_video": "http",
    "http_images": "http",
    "generator": "generator",
    "request": "request",
}
HANDLERS = {
    *("resize", "encode", "decode", "crop", "detect_faces", "align", "recognise_faces", "detect_objects", "classify"),
    *("draw_boxes", "draw_labelled_boxes", "prepare", "read_classes", "onnx", "onnx_partition"),
}
SINKS = {
    "folder": "folder",
    "json_lines": "json-lines",
    "mqtt": "mqtt",
    "http": "http",
    "tcp": "tcp",
    "preview": "preview",
    "log": "log",
    "response": "response",
}


def page() -> Any:
    spec = importlib.util.spec_from_file_location("handlers_page", ROOT / "tools/handlers_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shipped() -> list[HandlerDescription]:
    assert types()
    return catalogue()


def test_everything_that_ships_is_in_the_catalogue() -> None:
    by_role: dict[str, dict[str, str]] = {"source": {}, "handler": {}, "sink": {}}
    for one in shipped():
        by_role[one.role][one.name] = one.class_type
    assert by_role["source"] == SOURCES
    assert by_role["sink"] == SINKS
    assert set(by_role["handler"]) == HANDLERS


@pytest.mark.parametrize("one", shipped(), ids=lambda one: one.name)
def test_each_says_what_it_does_and_what_it_takes(one: HandlerDescription) -> None:
    assert one.description.endswith(".")
    assert bool(one.inputs) == (one.role != "source")
    assert bool(one.outputs) == (one.role != "sink")
    for name, stated in one.parameters.get("properties", {}).items():
        assert name in one.parameters["required"] or "default" in stated
        if stated.get("type") in ("integer", "number"):
            assert "minimum" in stated, f"{name} has no lower limit"
            assert "maximum" in stated, f"{name} has no upper limit"
    told = msgspec.json.encode(one)
    assert msgspec.json.encode(msgspec.json.decode(told, type=HandlerDescription)) == told


def test_the_page_says_the_same() -> None:
    """`tools/handlers_page.py --write` brings it up to date."""
    made = page()
    text = (ROOT / "docs/handlers.md").read_text(encoding="utf-8")
    assert text.partition(made.BEGIN)[2].partition(made.END)[0] == made.tables(shipped())


def test_the_page_shows_defaults_ranges_and_ports() -> None:
    text = page().tables(shipped())
    assert "| `quality` | integer | `80` | ≥ 1, ≤ 100 |" in text
    assert "| `url` | string | must be given | ≥ 1 characters |" in text
    assert "| `draw_boxes` |  | `image`: image, `boxes`: boxes | `image`: image | Draw boxes" in text


def test_handlers_know_no_bus() -> None:
    """Beside what the handler API imports for its types, they bring nothing of the bus into a process."""
    code = (
        "import sys\nfrom hedgerow_nodes.serve.catalogue import handler_modules, load\n"
        "before = set(sys.modules)\n"
        "load(handler_modules())\n"
        "new = {name for name in set(sys.modules) - before if name.startswith(('cyclonedds', 'hedgerow_nodes.core'))}\n"
        "sys.exit(', '.join(sorted(new)) or 0)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], timeout=60, env={"PYTHONPATH": ":".join(sys.path)}, stderr=subprocess.PIPE
    )
    assert (found.returncode, found.stderr) == (0, b"")
