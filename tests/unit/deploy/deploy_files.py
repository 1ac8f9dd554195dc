"""Reads the files under deploy/ and says where they leave the schemas of those who define them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("Dockerfile.*"))
COMPOSE_FILES = sorted(DEPLOY.glob("compose*.yaml"))
KUBERNETES_FILES = sorted((DEPLOY / "kubernetes").rglob("*.yaml"))
KUBERNETES_VERSIONS = ("1.30", "1.37")
_COMPOSE_SCHEMA = json.loads((ROOT / "tests" / "data" / "compose-spec.json").read_text(encoding="utf-8"))
_TAG = re.compile(r"[^:@\s]+:(?!latest$)\w*\d[\w.-]*")
_SECRET = re.compile(r"(TOKEN|PASSWORD|SECRET|API_?KEY|PRIVATE)", re.IGNORECASE)


def documents(path: Path) -> list[Any]:
    """All YAML documents of a file, as a user hands them to their program."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def dockerfile(path: Path) -> str:
    """The text of a Dockerfile, as a user builds from it."""
    return path.read_text(encoding="utf-8")


def compose_faults(contents: Any) -> list[str]:
    """Where a compose file leaves the Compose Specification."""
    validator = jsonschema.Draft202012Validator(_COMPOSE_SCHEMA)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(contents)]


def kubernetes_fault(contents: Any, version: str) -> str:
    """Where an object leaves the schema of its kind; empty where it fits. Unknown keys are faults."""
    try:
        kubernetes_validate.validate(contents, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{error.json_path}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return str(error.message)
    return ""


def dockerfile_faults(text: str) -> list[str]:
    """What a Dockerfile does that ours must not: floating bases, root, missing sources, secrets, unpinned packages."""
    steps = steps_of(text)
    return [*_bases(steps), *_user(steps), *_sources(steps), *_secrets(steps), *_packages(steps)]


def steps_of(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile in order, each with what follows it."""
    parser = DockerfileParser(fileobj=BytesIO(text.encode()))
    return [(one["instruction"], one["value"]) for one in parser.structure if one["instruction"] != "COMMENT"]


def _bases(steps: list[tuple[str, str]]) -> Iterator[str]:
    for instruction, value in steps:
        if instruction == "FROM" and not _TAG.fullmatch(value.split()[0]):
            yield f"FROM {value}: no version as the tag"
    if not any(instruction == "FROM" for instruction, _ in steps):
        yield "no FROM"


def _user(steps: list[tuple[str, str]]) -> Iterator[str]:
    last = max((at for at, (instruction, _) in enumerate(steps) if instruction == "FROM"), default=0)
    users = [value for instruction, value in steps[last:] if instruction == "USER"]
    if not users or users[-1].split(":")[0] in ("root", "0"):
        yield f"the image runs as {users[-1] if users else 'root'}"


def _sources(steps: list[tuple[str, str]]) -> Iterator[str]:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    stages = [value.split()[2] for instruction, value in steps if instruction == "FROM" and " AS " in value]
    for instruction, value in steps:
        if instruction == "ADD":
            yield f"ADD {value}: COPY says what it does"
        if instruction != "COPY":
            continue
        options = [word for word in value.split() if word.startswith("--")]
        *sources, _ = [word for word in value.split() if not word.startswith("--")]
        for option in options:
            if option.startswith("--from=") and option.removeprefix("--from=") not in stages:
                yield f"COPY {option}: no such stage"
        if any(option.startswith("--from=") for option in options):
            continue
        for source in sources:
            if not (ROOT / source).exists():
                yield f"COPY {source}: not in the checkout"
            if source.split("/")[0] in ignored:
                yield f"COPY {source}: .dockerignore keeps it out"


def _secrets(steps: list[tuple[str, str]]) -> Iterator[str]:
    for instruction, value in steps:
        if instruction in ("ARG", "ENV") and _SECRET.search(value):
            yield f"{instruction} {value}: a secret would stay in the image"


def _packages(steps: list[tuple[str, str]]) -> Iterator[str]:
    for instruction, value in steps:
        for command in re.split(r"&&|;", value) if instruction == "RUN" else ():
            if "pip install" in command and not re.search("--constraint constraints.txt|--no-deps", command):
                yield f"RUN {command.strip()}: without constraints.txt"
            if re.search(r"--(extra-)?index-url|--trusted-host|npm |curl |wget ", command):
                yield f"RUN {command.strip()}: takes packages from a place of its own"


def containers(contents: Any) -> list[Any]:
    """The containers of a Kubernetes object, none where it has no pods."""
    pod = contents.get("spec", {}).get("template", {}).get("spec", {})
    return [*pod.get("initContainers", ()), *pod.get("containers", ())]


def kubernetes_objects() -> list[Any]:
    """All objects of all Kubernetes files."""
    return [one for path in KUBERNETES_FILES for one in documents(path)]


def services() -> dict[str, Any]:
    """The services of compose.yaml."""
    found: dict[str, Any] = documents(DEPLOY / "compose.yaml")[0]["services"]
    return found


def command_lines() -> list[list[str]]:
    """What the containers run: every compose service, every pod, and what every image runs by itself."""
    lines = [service["command"] for service in services().values()]
    lines += [one["args"] for contents in kubernetes_objects() for one in containers(contents)]
    for path in DOCKERFILES:
        steps = steps_of(dockerfile(path))
        lines += [json.loads(value) for instruction, value in steps if instruction == "CMD"]
    return lines
