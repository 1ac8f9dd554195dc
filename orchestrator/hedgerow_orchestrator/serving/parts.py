"""The instances that a blueprint comes to, before they have a worker: handlers with replicas, parts of networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hedgerow_idl.plan import Restart
from hedgerow_orchestrator.serving.blueprint import NOTHING, Blueprint, LinkWish, Requirements, port_of

PARTITION = "onnx_partition"
Key = tuple[str, int]
"""The name of a handler, or of a part of a network as `net/0`, and the number of the replica."""


@dataclass(frozen=True, slots=True)
class Part:
    """One instance that wants a place.

    Attributes:
        handler: its type; empty where the worker's handler for a class or a provider is taken.
        share: the part of all items that it sees.
    """

    name: str
    replica: int = 0
    handler: str = ""
    class_type: str = ""
    provider: str = ""
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)
    restart: Restart = "on_failure"
    requires: Requirements = NOTHING
    share: float = 1.0

    @property
    def key(self) -> Key:
        """What stays the same from epoch to epoch."""
        return self.name, self.replica

    @property
    def label(self) -> str:
        """As people read it."""
        return f"{self.name}#{self.replica}" if self.share < 1 else self.name


@dataclass(frozen=True, slots=True)
class Wire:
    """A link between two instances; `share` is the part of all items that goes over it."""

    sender: Key
    output: str
    receiver: Key
    input: str
    wish: LinkWish
    share: float = 1.0


def handler_parts(blueprint: Blueprint) -> list[Part]:
    """The instances of all handlers; the parts of networks come from their boundaries."""
    return [
        Part(
            name=handler.name,
            replica=replica,
            handler=handler.type,
            class_type="" if handler.type else handler.class_,
            provider=handler.provider,
            parameters=dict(handler.parameters),
            restart=handler.restart,
            requires=handler.requires,
            share=1 / handler.instances,
        )
        for handler in blueprint.handlers
        for replica in range(handler.instances)
    ]


def network_parts(
    blueprint: Blueprint, boundaries: dict[str, tuple[int, ...]], digests: Mapping[str, str]
) -> list[Part]:
    """The parts of all networks; `boundaries` are half-open: (0, 40, 80) is the parts [0, 40) and [40, 80).

    Args:
        digests: by name SHA-256 of the files, so that all parts are of the model that was profiled.
    """
    parts = []
    for network in blueprint.networks:
        bounds = boundaries[network.name]
        for at, (first, last) in enumerate(pairwise(bounds)):
            parameters = {"model": network.model, "sha256": digests.get(network.name, ""), "first": first, "last": last}
            name = f"{network.name}/{at}"
            parts.append(Part(name=name, handler=PARTITION, parameters=parameters, requires=network.requires))
    return parts


def wires(blueprint: Blueprint, boundaries: dict[str, tuple[int, ...]]) -> list[Wire]:
    """All links between instances: replicas each get their own, the parts of a network follow each other."""
    found = []
    for link in blueprint.links:
        sender, output = port_of(link.from_)
        receiver, port = port_of(link.to)
        senders = _ends(blueprint, boundaries, sender, last=True)
        receivers = _ends(blueprint, boundaries, receiver, last=False)
        for one in senders:
            found += [Wire(one, output, two, port, link, 1 / (len(senders) * len(receivers))) for two in receivers]
    for name, bounds in boundaries.items():
        for at in range(len(bounds) - 2):
            link = LinkWish(from_=f"{name}.tensors", to=f"{name}.tensors")
            found.append(Wire((f"{name}/{at}", 0), "tensors", (f"{name}/{at + 1}", 0), "tensors", link))
    return found


def _ends(blueprint: Blueprint, boundaries: dict[str, tuple[int, ...]], name: str, *, last: bool) -> list[Key]:
    if name in boundaries:
        return [(f"{name}/{len(boundaries[name]) - 2 if last else 0}", 0)]
    handler = blueprint.handler(name)
    return [(name, replica) for replica in range(handler.instances if handler else 0)]


def boundaries_of(parts: dict[str, dict[str, Any]], network: str) -> tuple[int, ...]:
    """The boundaries that the deployed parts of a network have; `parts` are parameters by name. Empty for none.

    Raises:
        ValueError: the parts leave a gap or overlap.
    """
    named = [(int(name.rpartition("/")[2]), each) for name, each in parts.items() if name.startswith(f"{network}/")]
    bounds: list[int] = []
    for _, each in sorted(named, key=lambda pair: pair[0]):
        if bounds and each["first"] != bounds[-1]:
            raise ValueError(
                f"part of {network!r} begins at layer {each['first']}, the one before ends at {bounds[-1]}"
            )
        bounds += [each["first"], each["last"]] if not bounds else [each["last"]]
    return tuple(bounds)
