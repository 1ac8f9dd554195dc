"""Container files fit the schemas of those who define them, and a file that does not is found."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.deploy_files import (
    COMPOSE_FILES,
    DEPLOY,
    DOCKERFILES,
    KUBERNETES_FILES,
    KUBERNETES_VERSIONS,
    compose_faults,
    dockerfile,
    dockerfile_faults,
    documents,
    kubernetes_fault,
)


def name(path: Path) -> str:
    return str(path.relative_to(DEPLOY))


def test_every_kind_of_file_is_there() -> None:
    assert [path.name for path in DOCKERFILES] == ["Dockerfile.cpu", "Dockerfile.cuda", "Dockerfile.jetson"]
    assert [path.name for path in COMPOSE_FILES] == ["compose.cuda.yaml", "compose.yaml"]
    kinds = {one["kind"] for path in KUBERNETES_FILES for one in documents(path)}
    assert kinds == {"Namespace", "ConfigMap", "Secret", "Service", "NetworkPolicy", "StatefulSet"}


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=name)
def test_compose_files_fit_the_specification(path: Path) -> None:
    assert [fault for one in documents(path) for fault in compose_faults(one)] == []


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("services", "control", "comand"), ["hedgerow"]),
        (("services", "control", "ports"), "5001:5001"),
        (("services", "worker-1", "networks", "bus", "ipv4_address"), 172),
        (("services", "worker-1", "restart"), True),
        (("services", "control", "healthcheck", "retries"), {}),
        (("networks", "bus", "ipam", "config"), {"subnet": "172.30.57.0/24"}),
        (("volumes",), ["control"]),
    ],
)
def test_a_wrong_compose_file_is_found(keys: tuple[str, ...], value: object) -> None:
    assert compose_faults(mutated(documents(DEPLOY / "compose.yaml")[0], keys, value))


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("path", KUBERNETES_FILES, ids=name)
def test_kubernetes_files_fit_the_schemas_of_their_kinds(path: Path, version: str) -> None:
    assert [fault for one in documents(path) if (fault := kubernetes_fault(one, version))] == []


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("kind",), "StatefulSets"),
        (("spec", "replica"), 1),
        (("spec", "replicas"), "one"),
        (("spec", "selector"), None),
        (("spec", "template", "spec", "containers", 0, "args"), "hedgerow up"),
        (("spec", "template", "spec", "containers", 0, "livenessProbe", "httpGet", "port"), None),
        (("spec", "template", "spec", "securityContext", "runAsUser"), "hedgerow"),
        (("spec", "volumeClaimTemplates", 0, "spec", "accessModes"), "ReadWriteOnce"),
    ],
)
def test_a_wrong_kubernetes_file_is_found(keys: tuple[str | int, ...], value: object) -> None:
    contents = mutated(documents(DEPLOY / "kubernetes" / "40-control.yaml")[0], keys, value)
    assert all(kubernetes_fault(contents, version) for version in KUBERNETES_VERSIONS)


@pytest.mark.parametrize("path", DOCKERFILES, ids=name)
def test_dockerfiles_have_versions_no_root_no_secret_and_what_they_copy(path: Path) -> None:
    assert dockerfile_faults(dockerfile(path)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("python:3.11.13-slim-bookworm\n", "python\n", "no version"),
        ("python:3.11.13-slim-bookworm\n", "python:latest\n", "no version"),
        ("USER 10001:10001\n", "", "runs as root"),
        ("USER 10001:10001\n", "USER root\n", "runs as root"),
        ("COPY idl idl\n", "COPY idle idl\n", "not in the checkout"),
        ("COPY idl idl\n", "COPY tests tests\n", ".dockerignore"),
        ("COPY idl idl\n", "ADD idl idl\n", "ADD idl"),
        ("--from=build", "--from=built", "no such stage"),
        ("ENV PATH", "ENV HEDGEROW_TOKEN=abc\nENV PATH", "secret"),
        ("--constraint constraints.txt ", "", "without constraints.txt"),
        ("--constraint constraints.txt ", "--constraint constraints.txt --index-url ELSEWHERE ", "a place of its own"),
    ],
)
def test_a_wrong_dockerfile_is_found(old: str, new: str, fault: str) -> None:
    text = dockerfile(DEPLOY / "Dockerfile.cpu")
    assert old in text
    assert any(fault in found for found in dockerfile_faults(text.replace(old, new)))


def mutated(contents: Any, keys: tuple[str | int, ...], value: object) -> Any:
    """A copy with another value in one place; None takes it away."""
    changed = copy.deepcopy(contents)
    place = changed
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return changed
