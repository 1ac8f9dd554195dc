"""Whatever the container files name is there: commands, modules, variables, extras, ports, addresses, files."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import typer

from deploy import find_peers
from hedgerow_launch.__main__ import app
from hedgerow_launch.launch_file import load
from tests.unit.deploy.deploy_files import (
    COMPOSE_FILES,
    DEPLOY,
    DOCKERFILES,
    KUBERNETES_FILES,
    ROOT,
    command_lines,
    containers,
    dockerfile,
    documents,
    kubernetes_objects,
    services,
    steps_of,
)

TEXTS = [DEPLOY / "README.md", DEPLOY / "control.toml", *DOCKERFILES, *COMPOSE_FILES, *KUBERNETES_FILES]
IN_THE_IMAGE = "/opt/hedgerow/deploy/"


def after_the_entry(line: list[str]) -> list[str]:
    """What find_peers.py becomes when it gets these arguments."""
    return list(find_peers._parser().parse_args(line).command)


def has_command(words: list[str]) -> bool:
    """Tell whether `hedgerow WORD WORD…` is a command of the application."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "list_commands"):
            return True  # what follows a command are its arguments
        context = typer.Context(command)
        if word not in command.list_commands(context):
            return False
        command = command.get_command(context, word)
    return True


def test_containers_run_commands_that_there_are() -> None:
    lines = [after_the_entry(line) for line in command_lines()]
    assert len(lines) == 4 + 3 + 3
    for line in lines:
        if line[0] == "hedgerow":
            assert has_command(line[1:]), line
            launch = load(str(DEPLOY / line[2].removeprefix(IN_THE_IMAGE)))
            assert launch.orchestrator is not None
            assert launch.frontend is not None
        else:
            assert line[:2] == ["python", "-m"], line
            assert line[3] == "--name", line
    assert not has_command(["upp"])


@pytest.mark.parametrize("module", sorted({line[-3] for line in command_lines() if "-m" in line}))
def test_modules_start_and_take_a_name(module: str) -> None:
    command = [sys.executable, "-m", module, "--help"]
    asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == 0, asked.stderr
    assert "--name" in asked.stdout


def test_the_readme_names_commands_that_there_are() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"(?:\.venv/bin/|control )hedgerow ([a-z]+(?: [a-z]+)?)", text)
    assert found
    assert [line for line in found if not has_command(line.split())] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_variables_are_those_of_the_settings_page(path: Path) -> None:
    known = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"\b(?:HEDGEROW|HF)_[A-Z_]+\b", path.read_text(encoding="utf-8")))
    assert named <= known


def test_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [path.read_text(encoding="utf-8") for path in (*DOCKERFILES, *COMPOSE_FILES, DEPLOY / "README.md")]
    lists = [found for text in texts for found in re.findall(r"EXTRAS(?:=|: )([a-z,]+)", text)]
    assert {extra for names in lists for extra in names.split(",")} == {"orchestrator", "frontend", "serve"}
    assert {"orchestrator", "frontend", "serve"} <= set(project["optional-dependencies"])


def test_the_port_is_the_launch_files() -> None:
    frontend = load(str(DEPLOY / "control.toml")).frontend
    assert frontend is not None
    assert frontend.host == "0.0.0.0"
    assert [one.rpartition(":")[2] for one in services()["control"]["ports"]] == [str(frontend.port)]
    ports = [port for one in kubernetes_objects() for box in containers(one) for port in box.get("ports", ())]
    assert ports == [{"name": "http", "containerPort": frontend.port}]


def test_the_token_is_never_written_down() -> None:
    assert services()["control"]["environment"]["HEDGEROW_TOKEN"].startswith("${HEDGEROW_TOKEN:?")
    (secret,) = [one for one in kubernetes_objects() if one["kind"] == "Secret"]
    assert secret["stringData"] == {"token": ""}
    (control,) = [box for one in kubernetes_objects() for box in containers(one) if box["name"] == "control"]
    reference = {"secretKeyRef": {"name": secret["metadata"]["name"], "key": "token"}}
    assert control["env"] == [{"name": "HEDGEROW_TOKEN", "valueFrom": reference}]


def test_compose_peers_are_the_addresses_of_its_services() -> None:
    contents = documents(DEPLOY / "compose.yaml")[0]
    network = ip_network(contents["networks"]["bus"]["ipam"]["config"][0]["subnet"])
    addresses = [one["networks"]["bus"]["ipv4_address"] for one in contents["services"].values()]
    assert len(set(addresses)) == len(contents["services"])
    assert all(ip_address(address) in network for address in addresses)
    for service in contents["services"].values():
        assert service["environment"]["HEDGEROW_PEERS"].split(",") == addresses


def test_kubernetes_peers_are_the_pods_behind_the_headless_service() -> None:
    objects = {(one["kind"], one["metadata"]["name"]): one for one in kubernetes_objects()}
    (settings,) = [one for (kind, _), one in objects.items() if kind == "ConfigMap"]
    name, namespace, *rest = settings["data"]["HEDGEROW_PEERS"].split(".")
    assert rest == ["svc", "cluster", "local"]
    service = objects["Service", name]
    assert service["metadata"]["namespace"] == namespace
    assert service["spec"]["clusterIP"] == "None"
    pods = [one for (kind, _), one in objects.items() if kind == "StatefulSet"]
    assert {one["metadata"]["name"]: one["spec"]["replicas"] for one in pods} == {
        "control": 1,
        "collector": 1,
        "worker": 2,
    }
    for one in pods:
        assert one["spec"]["serviceName"] == name
        assert service["spec"]["selector"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
        assert one["spec"]["selector"]["matchLabels"] == one["spec"]["template"]["metadata"]["labels"]
        for box in containers(one):
            assert box["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]


def test_what_the_image_runs_is_copied_into_it() -> None:
    wanted = {"find_peers.py", "ready.py", "control.toml"}
    for path in DOCKERFILES:
        steps = steps_of(dockerfile(path))
        copied = [value.split() for instruction, value in steps if instruction == "COPY"]
        (own,) = [words[:-1] for words in copied if words[-1] == IN_THE_IMAGE]
        assert {Path(word).name for word in own} == wanted
        assert ("ENTRYPOINT", f'["tini", "--", "python", "{IN_THE_IMAGE}find_peers.py"]') in steps
    for text in (path.read_text(encoding="utf-8") for path in (*COMPOSE_FILES, *KUBERNETES_FILES)):
        assert set(re.findall(rf"{IN_THE_IMAGE}([\w.]+)", text)) <= wanted


def test_the_gpu_build_of_onnx_runtime_is_the_pinned_version() -> None:
    pinned = re.findall(r"^onnxruntime==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)
    assert re.findall(r"onnxruntime-gpu==(\S+)", (DEPLOY / "Dockerfile.cuda").read_text(encoding="utf-8")) == pinned
    dds = re.findall(r"^cyclonedds==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)
    jetson = (DEPLOY / "Dockerfile.jetson").read_text(encoding="utf-8")
    assert re.findall(r"cyclonedds==(\S+)", jetson) == re.findall(r"--branch (\S+)", jetson) == dds
