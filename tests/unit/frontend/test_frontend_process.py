"""The process around the app: its port and the file that says where it listens."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from hedgerow_frontend.__main__ import announce, listen, main, withdraw
from hedgerow_frontend.settings import Settings


def test_port_0_is_any_free_one() -> None:
    with listen(Settings(port=0)) as listener:
        assert listener.getsockname()[1] > 0


def test_a_port_in_use_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    with listen(Settings(port=0)) as listener:
        port = listener.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"frontend: cannot listen at http://127.0.0.1:{port}: address already in use; ")


@pytest.mark.parametrize(
    ("variables", "arguments", "text"),
    [
        ({}, ["--host", "0.0.0.0"], "set HEDGEROW_TOKEN"),
        ({"HEDGEROW_PORT": "x"}, [], "'x' is no port"),
        ({"HEDGEROW_DOMAIN": "400"}, [], "HEDGEROW_DOMAIN='400'"),
        ({"HEDGEROW_PORT": "0", "HEDGEROW_STORE": "oracle://x"}, [], "oracle"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    arguments: list[str],
    text: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("frontend: ")
    assert text in line


def test_the_announcement_comes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "run" / "frontend.json"
    announce(path, "http://127.0.0.1:7")
    assert json.loads(path.read_text()) == {"url": "http://127.0.0.1:7", "pid": os.getpid()}
    assert list(path.parent.iterdir()) == [path]
    withdraw(path)
    withdraw(path)
    assert not path.exists()


def test_the_announcement_of_another_process_stays(tmp_path: Path) -> None:
    path = tmp_path / "frontend.json"
    path.write_text(json.dumps({"url": "http://127.0.0.1:8", "pid": os.getpid() + 1}))
    withdraw(path)
    assert path.exists()


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "run").write_text("a file where a folder should be")
    with caplog.at_level(logging.WARNING):
        announce(tmp_path / "run" / "frontend.json", "http://127.0.0.1:7")
    assert "HEDGEROW_URL=http://127.0.0.1:7" in caplog.text


def test_the_openapi_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--openapi"]) == 0
    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.0"
