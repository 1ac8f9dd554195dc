"""Older systems' environment variables: each becomes one of ours, with a warning that names it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SYSTEM_PORTS = "no socket is opened for it: processes find each other by DDS (HEDGEROW_DOMAIN, HEDGEROW_DISCOVERY)"


@dataclass(slots=True)
class Translation:
    """Variables to set, and what a person is told about each."""

    variables: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def translated(given: Mapping[str, str]) -> Translation:
    """Read the older variables; what is set under its new name already wins, and what cannot be read is left out."""
    found = Translation()
    for name, read in _READ.items():
        if name not in given:
            continue
        try:
            ours, remark = read(given[name])
        except ValueError as error:
            found.warnings.append(f"{name}={given[name]!r} is ignored: {error}")
            continue
        kept = {key: value for key, value in ours.items() if not given.get(key)}
        found.variables.update(kept)
        found.warnings.append(_sentence(name, ours, kept, remark))
    return found


def _sentence(name: str, ours: Mapping[str, str], kept: Mapping[str, str], remark: str) -> str:
    if not ours:
        return f"{name} is accepted: {remark}"
    new = " ".join(f"{key}={value}" for key, value in ours.items())
    if len(kept) < len(ours):
        left_out = ", ".join(key for key in ours if key not in kept)
        return f"{name} is an older name and is ignored where {left_out} is set; write {new}"
    return f"{name} is an older name; write {new}" + (f" ({remark})" if remark else "")


def _workers(text: str) -> tuple[dict[str, str], str]:
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    addresses = [part.strip().strip("'\"").strip() for part in inner.split(",")]
    addresses = [address for address in addresses if address]
    bad = [address for address in addresses if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.:-]*", address)]
    if bad or not addresses:
        raise ValueError(f"{(bad or [''])[0]!r} is no address; write ['10.0.0.5','10.0.0.6'], or set HEDGEROW_PEERS")
    return {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": ",".join(addresses)}, "workers join by themselves"


def _iterations(text: str) -> tuple[dict[str, str], str]:
    return {
        "HEDGEROW_PROFILE_ITERATIONS": str(_number(text, 1, 10_000))
    }, "`profile_iterations` of a blueprint's network"


def _partitions(text: str) -> tuple[dict[str, str], str]:
    remark = "`max_partitions` of a blueprint: the partitions, not the cuts between them, which are `max_cuts`"
    return {"HEDGEROW_MAX_PARTITIONS": str(_number(text, 1, 10_000))}, remark


def _logging(text: str) -> tuple[dict[str, str], str]:
    words = {"true": "1", "1": "1", "yes": "1", "on": "1", "false": "0", "0": "0", "no": "0", "off": "0", "": "0"}
    if text.strip().lower() not in words:
        raise ValueError("write True or False, or set HEDGEROW_PREDICTION_LOG")
    return {"HEDGEROW_PREDICTION_LOG": words[text.strip().lower()]}, "predicted against real times, each second"


def _api_port(text: str) -> tuple[dict[str, str], str]:
    return {"HEDGEROW_PORT": str(_number(text, 0, 65_535))}, "HTTP, not pickles: see docs/rest.md"


def _no_socket(text: str) -> tuple[dict[str, str], str]:
    _number(text, 0, 65_535)
    return {}, SYSTEM_PORTS


def _number(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"\s*-?\d{1,9}\s*", text) or not least <= int(text) <= most:
        raise ValueError(f"it is no whole number from {least} to {most}")
    return int(text)


_READ: dict[str, Callable[[str], tuple[dict[str, str], str]]] = {
    "WORKER_ADDRESSES": _workers,
    "DNN_EXTRACT_ITERATIONS": _iterations,
    "MAX_SPLIT": _partitions,
    "LOGGING": _logging,
    "API_PORT": _api_port,
    "SYNC_PORT": _no_socket,
    "REGISTRATION_PORT": _no_socket,
}
NAMES = tuple(_READ)
