"""What was measured: processor time of handlers on workers, and profiles of networks, layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hedgerow_idl.plan import PlacedInstance
from hedgerow_orchestrator.serving.blueprint import NetworkWish
from hedgerow_orchestrator.serving.parts import PARTITION

CostKey = tuple[str, str]
NetworkKey = tuple[str, str]


class Layer(msgspec.Struct, frozen=True):
    """Processor time of one layer for one item."""

    name: str
    op: str = ""
    seconds_mean: float = math.nan
    seconds_std: float = math.nan


class Profile(msgspec.Struct, frozen=True):
    """A network as one worker measured it. `cut_bytes` are live after each layer, tensors that skip included.

    `digest` is of the model with weights that lie in files beside it, `file_sha256` of its file alone. `ends` is behind
    which layer of the model each entry ends: more than one apart where layers were taken together. `clean` tells of
    each cut that it goes through nothing that runs as one; `crossing_seconds_per_byte` is what a byte that crosses a
    cut costs both sides together. `input_bytes` is what the first layer takes, NaN where nobody told. Times are those
    of a part that need not wait for its items; one that has waited `wait_seconds` takes `waking_seconds` longer.
    """

    digest: str
    layers: tuple[Layer, ...]
    cut_bytes: tuple[float, ...]
    ends: tuple[int, ...] = ()
    file_sha256: str = ""
    clean: tuple[bool, ...] = ()
    crossing_seconds_per_byte: float | None = None
    input_bytes: float = math.nan
    waking_seconds: float = 0.0
    wait_seconds: float = 0.0

    @property
    def seconds(self) -> list[float]:
        """Of each entry."""
        return [layer.seconds_mean for layer in self.layers]

    @property
    def edges(self) -> tuple[int, ...]:
        """The boundaries that are known, from 0 to the number of the model's layers."""
        return (0, *(self.ends or range(1, len(self.layers) + 1)))

    @property
    def count(self) -> int:
        """How many layers the model has."""
        return self.edges[-1]

    def bytes_at(self, boundary: int) -> float:
        """What crosses an inner boundary."""
        return float(self.cut_bytes[self.edges.index(boundary) - 1])

    @property
    def output_bytes(self) -> float:
        """What comes out of the last layer; NaN where nobody told."""
        return float(self.cut_bytes[-1]) if len(self.cut_bytes) == len(self.layers) else math.nan

    def part_seconds(self, first: int, last: int, *, crossing: bool = True) -> float:
        """Of layers [first, last): their times, and half of what each of its cuts costs; NaN where no piece ends there.

        Args:
            crossing: with the cuts; without, where pieces are not parts yet.
        """
        edges = self.edges
        if first not in edges or last not in edges or first >= last:
            return math.nan
        layers = math.fsum(self.seconds[edges.index(first) : edges.index(last)])
        if not crossing or not self.crossing_seconds_per_byte or not math.isfinite(self.crossing_seconds_per_byte):
            return layers
        crossed = sum(self.bytes_at(each) for each in (first, last) if each not in (0, edges[-1]))
        return layers + crossed * self.crossing_seconds_per_byte / 2


@dataclass(frozen=True)
class Waking:
    """What of a stage's cost is for having waited for its item.

    Attributes:
        share: of the cost, where it waits `after_s` or longer.
    """

    share: float = 0.0
    after_s: float = 0.0


def read_profile(text: str) -> Profile:
    """The body of the answer to PROFILE.

    Raises:
        ValueError: it is none, or has no layers, or too few cuts.
    """
    try:
        profile = msgspec.json.decode(text, type=Profile)
    except msgspec.DecodeError as error:
        raise ValueError(f"the profile cannot be read: {error}") from error
    if not profile.layers or len(profile.cut_bytes) < len(profile.layers) - 1:
        raise ValueError(f"a profile of {len(profile.layers)} layers has {len(profile.cut_bytes)} cuts")
    ends = profile.ends
    if ends and (len(ends) != len(profile.layers) or list(ends) != sorted(set(ends)) or ends[0] < 1):
        raise ValueError(f"the ends {list(ends)} of a profile of {len(profile.layers)} layers do not ascend one by one")
    return profile


def network_key(network: NetworkWish) -> NetworkKey:
    """What tells two networks apart."""
    return network.model, network.sha256


def cost_key(handler: str, parameters: dict[str, Any]) -> CostKey:
    """What tells two handlers apart whose items cost differently."""
    return handler, msgspec.json.encode(parameters, order="deterministic").decode()


@dataclass(slots=True)
class Figures:
    """All that was measured. Costs are by handler with its parameters and node id; profiles by network and node id."""

    costs: dict[tuple[CostKey, str], float] = field(default_factory=dict)
    profiles: dict[NetworkKey, dict[str, Profile]] = field(default_factory=dict)

    def note(self, instance: PlacedInstance, node_id: str, compute_s: float) -> None:
        """An instance has told its processor time for an item; NaN tells nothing."""
        if math.isfinite(compute_s) and compute_s > 0:
            self.costs[cost_key(instance.handler, instance.parameters), node_id] = compute_s

    def cost_of(self, handler: str, parameters: dict[str, Any], node_id: str) -> float:
        """Measured seconds of a part on a worker, or what its layers' profile there tells; NaN for neither.

        A part that was not measured waits for its items, and is as much slower than profiled as others are there.
        """
        measured = self.costs.get((cost_key(handler, parameters), node_id))
        if measured is not None:
            return measured
        profile = self._profile_of(parameters, node_id) if handler == PARTITION else None
        if profile is None:
            return math.nan
        drift = self._drift(parameters["model"], {parameters.get("sha256", "")}, node_id)
        return drift * _waited_seconds(profile, parameters) or math.nan

    def waking(self, handler: str, parameters: dict[str, Any], node_id: str) -> Waking:
        """What of `cost_of` a part owes to waiting for its items.

        Nothing where that is not known, and of what was measured as it is served: that holds how long it waits there.
        """
        profile = self._profile_of(parameters, node_id) if handler == PARTITION else None
        if profile is None or (cost_key(handler, parameters), node_id) in self.costs:
            return Waking()
        seconds = _waited_seconds(profile, parameters)
        return Waking(profile.waking_seconds / seconds if seconds > 0 else 0.0, profile.wait_seconds)

    def sha256_of(self, network: NetworkWish) -> str:
        """Of the file of a network: as the blueprint says, else as those that profiled it have told; else empty."""
        by_node = self.profiles.get(network_key(network), {})
        return network.sha256 or next((each.file_sha256 for each in by_node.values() if each.file_sha256), "")

    def _profile_of(self, parameters: dict[str, Any], node_id: str) -> Profile | None:
        """The profile of what a part's parameters name: they have the digest where the blueprint may have none."""
        model, sha256 = parameters.get("model", ""), parameters.get("sha256", "")
        for key in ((model, sha256), (model, "")):
            profile = self.profiles.get(key, {}).get(node_id)
            if profile is not None and (key[1] == sha256 or profile.file_sha256 == sha256):
                return profile
        return None

    def drift(self, network: NetworkWish, node_id: str) -> float:
        """How much more a network's parts take on a worker than they were profiled to; 1 where nothing is known.

        Between what a part takes without a wait and what it takes after one nothing has drifted.
        """
        return self._drift(network.model, {network.sha256, self.sha256_of(network)}, node_id)

    def _drift(self, model: str, sha256s: set[str], node_id: str) -> float:
        ratios = []
        for (key, on), measured in self.costs.items():
            if on != node_id or key[0] != PARTITION:
                continue
            parameters = msgspec.json.decode(key[1])
            if parameters.get("model") != model or parameters.get("sha256", "") not in sha256s:
                continue
            profile = self._profile_of(parameters, node_id)
            most = math.nan if profile is None else _waited_seconds(profile, parameters)
            if profile is not None and most > 0:
                least = most - profile.waking_seconds
                ratios.append(measured / min(max(measured, least), most))
        return sum(ratios) / len(ratios) if ratios else 1.0

    def forget(self, node_id: str) -> None:
        """A worker has another incarnation: it may be another machine."""
        self.costs = {key: value for key, value in self.costs.items() if key[1] != node_id}
        for by_node in self.profiles.values():
            by_node.pop(node_id, None)


def _waited_seconds(profile: Profile, parameters: dict[str, Any]) -> float:
    """Of a part that waits long for its items; NaN where no piece ends where it does."""
    return profile.part_seconds(parameters["first"], parameters["last"]) + profile.waking_seconds
