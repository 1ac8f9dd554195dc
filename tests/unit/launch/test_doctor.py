"""What the doctor finds, and the way out it gives."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hedgerow_launch.checks import (
    Verdict,
    home_check,
    lock_check,
    network_check,
    nvml_check,
    package_checks,
    python_check,
    rapl_check,
)
from hedgerow_launch.commands.doctor import _without_password
from hedgerow_launch.lock import SystemLock
from hedgerow_launch.system_checks import system_checks
from hedgerow_nodes.core.environment import Environment

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


def test_this_python_will_do() -> None:
    assert python_check().verdict is OK


def test_a_missing_extra_warns_and_a_missing_core_fails() -> None:
    def installed(name: str) -> str:
        if name in ("torch", "msgspec"):
            raise PackageNotFoundError(name)
        return "1.0"

    found = {check.name: check for check in package_checks(installed)}
    verdicts = {name.removeprefix("packages: "): check.verdict for name, check in found.items()}
    assert verdicts == {"core": FAIL, "orchestrator": OK, "frontend": OK, "advice": WARN}
    assert "missing: torch" in found["packages: advice"].detail
    assert ".[advice]" in found["packages: advice"].way_out


def test_a_home_that_is_to_be_made_is_fine(tmp_path: Path) -> None:
    check = home_check(tmp_path / "new" / "home")
    assert check.verdict is OK
    assert "made at the first start" in check.detail


def test_a_home_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check = home_check(tmp_path / "file")
    assert check.verdict is FAIL
    assert "HEDGEROW_HOME" in check.way_out


def test_the_lock_names_its_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert lock_check(tmp_path).verdict is WARN
    lock = SystemLock.acquire(tmp_path, 42)
    check = lock_check(tmp_path)
    lock.release()
    assert (check.verdict, check.detail) == (OK, f"pid {os.getpid()} runs it (domain 42)")


@pytest.mark.parametrize(
    ("variables", "interfaces", "verdict", "says"),
    [
        ({}, ["lo"], OK, "domain 1, discovery local, interface lo"),
        ({}, ["eth0"], FAIL, "lo is down"),
        ({"HEDGEROW_DISCOVERY": "subnet", "HEDGEROW_DOMAIN": "5"}, ["lo", "eth0"], OK, "domain 5, discovery subnet"),
        ({"HEDGEROW_DISCOVERY": "subnet"}, ["lo"], FAIL, "no interface but lo"),
        ({"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": "10.0.0.2"}, ["lo", "eth0"], OK, "peers 10.0.0.2"),
    ],
)
def test_the_network(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], interfaces: list[str], verdict: Verdict, says: str
) -> None:
    up = type("Up", (), {"isup": True})
    monkeypatch.setattr("psutil.net_if_stats", lambda: dict.fromkeys(interfaces, up))
    check = network_check(Environment.read(variables))
    assert (check.verdict, says in check.detail) == (verdict, True)


def test_energy_counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (rapl_check(tmp_path).verdict, nvml_check(tmp_path / "none").verdict) == (WARN, WARN)
    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("1")
    assert (rapl_check(tmp_path).verdict, rapl_check(tmp_path).detail) == (OK, "1 counters readable")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "not readable" in rapl_check(tmp_path).detail
    assert "chmod" in rapl_check(tmp_path).way_out


def test_a_gpu_whose_driver_does_not_answer_is_told(tmp_path: Path) -> None:
    def mismatch() -> None:
        raise RuntimeError("Driver/library version mismatch")

    device = tmp_path / "nvidiactl"
    device.touch()
    asked = {"NVMLError": RuntimeError, "nvmlDeviceGetCount": lambda: 2, "nvmlShutdown": lambda: None}
    told = nvml_check(device, SimpleNamespace(nvmlInit=lambda: None, **asked))
    assert (told.verdict, told.detail) == (OK, "the driver answers for 2 GPU(s)")
    told = nvml_check(device, SimpleNamespace(nvmlInit=mismatch, **asked))
    assert told.verdict is WARN
    assert "version mismatch" in told.detail
    assert "nvidia-smi" in told.way_out


def test_a_running_system_is_asked_for_everything(frontend: Any) -> None:
    components = [
        {"name": "store", "ok": True, "detail": "7 events"},
        {"name": "orchestrator", "ok": False},
        {"name": "duplicate a", "ok": True, "detail": "node a runs twice"},
    ]
    nodes = [
        {"name": name, "state": state, "last_seen_at": "now"}
        for name, state in (("a", "IDLE"), ("b", "ERROR"), ("c", "INACTIVE"))
    ]
    frontend.answers = {
        "GET /readyz": (503, {"ready": False, "components": components}),
        "GET /api/v1/nodes": (200, {"items": nodes}),
    }
    found = {check.name: check for check in system_checks(running=True)}
    assert {name: check.verdict for name, check in found.items()} == {
        "front end": OK,
        "ready: store": OK,
        "ready: orchestrator": FAIL,
        "ready: duplicate a": WARN,
        "node: a": OK,
        "node: b": FAIL,
        "node: c": WARN,
    }
    assert "node reset b" in found["node: b"].way_out
    assert found["ready: store"].detail == "7 events"


@pytest.mark.parametrize(("running", "verdict"), [(True, FAIL), (False, WARN)])
def test_an_unreachable_front_end_is_a_fault_only_of_a_running_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running: bool, verdict: Verdict
) -> None:
    monkeypatch.delenv("HEDGEROW_URL", raising=False)
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    (check,) = system_checks(running)
    assert (check.name, check.verdict) == ("front end", verdict)
    assert "hedgerow up" in check.way_out


def test_the_exit_code_is_1_if_something_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hedgerow: Callable[..., Any]
) -> None:
    monkeypatch.delenv("HEDGEROW_URL", raising=False)
    monkeypatch.setenv("HEDGEROW_HOME", str(tmp_path))
    result = hedgerow("doctor", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"]) == (0, True)
    assert {"python", "home", "system", "network", "energy: RAPL"} <= {check["name"] for check in report["checks"]}
    assert all(check.keys() == {"name", "verdict", "detail", "way_out"} for check in report["checks"])
    monkeypatch.setenv("HEDGEROW_DOMAIN", "0")
    result = hedgerow("doctor")
    assert result.exit_code == 1
    assert "HEDGEROW_DOMAIN='0'" in result.stdout


def test_a_password_is_not_shown() -> None:
    assert _without_password("postgresql://me:secret@db/x") == "postgresql://me:…@db/x"
    assert _without_password("sqlite:////home/x.sqlite") == "sqlite:////home/x.sqlite"
