"""Whether a service can be asked, and what it wants to be given: from its plan and the handlers that there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

View = Mapping[str, Any]
REQUEST, RESPONSE = "request", "response"
ANSWERING = frozenset({"RUNNING", "SWITCHING", "DEGRADED"})


@dataclass(frozen=True)
class Asking:
    """How a service is asked: `why_not` is empty where it can be now; `takes` names the types that its inputs may have.

    `is_made_for_it` tells whether it has the ends for it at all.
    """

    is_made_for_it: bool
    why_not: str
    takes: tuple[str, ...] = ()


def asking(service: View, handlers: Iterable[View]) -> Asking:
    """How a service stands to being asked; `handlers` are those of the store's reader."""
    kinds = {each["logical_id"]: each["handler"] for each in _placed(service)} or _wished(service)
    ends = [name for name in (REQUEST, RESPONSE) if name not in kinds.values()]
    if ends:
        missing = " and ".join(f"{'source' if name == REQUEST else 'sink'} of the type {name}" for name in ends)
        return Asking(False, f"It has no {missing}, so it cannot be asked.")
    takes = _takes(service, kinds, handlers)
    if service["state"] not in ANSWERING:
        return Asking(True, f"It is {service['state'].lower()}; it answers while it is running.", takes)
    return Asking(True, "", takes)


def _takes(service: View, kinds: Mapping[str, str], handlers: Iterable[View]) -> tuple[str, ...]:
    """The types of the ports that the requests go to, but for those that take anything."""
    known = {each["name"]: {port["name"]: port["type"] for port in each["inputs"]} for each in handlers}
    found = (
        known.get(kinds.get(link["receiver"], ""), {}).get(link["input"], "")
        for link in (service["plan"] or {}).get("links", ())
        if kinds.get(link["sender"]) == REQUEST
    )
    return tuple(sorted({name for name in found if name not in ("", "any")}))


def _placed(service: View) -> list[View]:
    return list((service["plan"] or {}).get("instances", ()))


def _wished(service: View) -> dict[str, str]:
    """By name, of a service that is not placed yet."""
    wished = (service["blueprint"] or {}).get("handlers")
    found = [each for each in wished if isinstance(each, Mapping)] if isinstance(wished, list) else []
    return {str(each.get("name")): str(each.get("type") or each.get("class") or "") for each in found}
