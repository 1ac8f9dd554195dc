"""Module node `hw_resources`: choose the device for a model, or judge the one that the user named."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import msgspec

from hedgerow_idl import (
    AppRequirements,
    HWConstraints,
    HWResources,
    MLModel,
    UserInput,
)
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run
from hedgerow_nodes.estimators.devices.answer import answer
from hedgerow_nodes.estimators.devices.assessment import Assessment, assess_by_roofline, assess_measured
from hedgerow_nodes.estimators.devices.catalogue import Device, UnknownDevice, device_within, find_device, load_devices
from hedgerow_nodes.estimators.devices.choice import Choice, NoDevice, UnknownObjective, choose
from hedgerow_nodes.estimators.devices.explanation import explain
from hedgerow_nodes.estimators.devices.host_device import HOST_ID, HOST_NAMES, Host, gpu_devices, this_host
from hedgerow_nodes.estimators.devices.host_power import CorePower, core_power
from hedgerow_nodes.estimators.devices.kv_cache import KvCache, kv_cache_of
from hedgerow_nodes.estimators.devices.limits import Limits, judge, latency_limit_s
from hedgerow_nodes.estimators.devices.need import Need
from hedgerow_nodes.estimators.energy.backends import backend
from hedgerow_nodes.estimators.models.catalogue import load as load_models
from hedgerow_nodes.estimators.quantity_text import quantity

MAX_LISTED = 20
UNKNOWN_CLASS = "The class of this host is unknown; set host_device_class in the configuration."


@dataclass(frozen=True)
class HostSettings:
    """What an operator knows better than the node: the class of this host and what a busy core draws.

    `energy_backend` names a package that is asked what a busy core draws before our own counters are.
    """

    host_device_class: str = ""
    host_w_per_core: Annotated[float, msgspec.Meta(gt=0)] | None = None
    host_rated_power_w: Annotated[float, msgspec.Meta(gt=0)] | None = None
    energy_backend: Literal["own", "codecarbon", "carbontracker"] = "own"


class HardwareResources(ModuleNode):
    """Rank this host and the devices of a catalogue for the chosen model, within the limits, by energy or latency."""

    kind = "hw_resources"
    inputs = (UserInput, MLModel, AppRequirements, HWConstraints)
    output = HWResources
    Configuration = HostSettings

    def process(
        self,
        task: Task,
        user_input: UserInput,
        model: MLModel,
        requirements: AppRequirements,
        constraints: HWConstraints,
    ) -> HWResources:
        """Choose a device.

        Raises:
            Refusal: NO_MODEL, UNKNOWN_DEVICE, NO_FIGURES, NO_DEVICE or UNKNOWN_OBJECTIVE.
        """
        if not model.chosen:
            raise Refusal("NO_MODEL", "no model was chosen, so there is nothing to place on a device")
        need = Need.of(model, _cache(model))
        if math.isnan(need.flops) and math.isnan(model.latency_s.value):
            size = f"; it needs {quantity(need.memory_bytes.value, 'B')} of memory" if need.memory_bytes else ""
            raise Refusal(
                "NO_FIGURES", f"{model.chosen} was not run and its work is unknown{size}; no device is judged"
            )
        limits = Limits(
            max_memory_bytes=constraints.max_memory_bytes,
            max_power_w=constraints.max_power_w,
            max_latency_s=latency_limit_s(requirements.limits),
            device_class=constraints.device_class,
            device_family=constraints.device_family,
        )
        host = self._host()
        devices = _devices(host)
        required_id = _required(constraints.required_device, devices)
        assessed = [assess_by_roofline(device, need, exact=bool(user_input.precision)) for device in devices]
        own = self._own_assessment(host, model)
        notes = [UNKNOWN_CLASS] if limits.device_class and not host.device_class else []
        judged = [judge(one, need, limits) for one in (own, *assessed)]
        task.progress(0.8, f"{len(judged)} devices judged")
        choice = _choice(judged, user_input.objective, required_id)
        listed = choice.listed(MAX_LISTED, HOST_ID)
        return answer(choice, listed, need, explain(choice, need, limits, len(listed), notes))

    def _host(self) -> Host:
        host = this_host()
        chosen_class = self.configuration.host_device_class
        return replace(host, device_class=chosen_class) if chosen_class else host

    def _own_assessment(self, host: Host, model: MLModel) -> Assessment:
        device = host.device()
        ran_on = model.calibration.host
        if ran_on and ran_on != host.name:
            reason = f"not ranked: the model was run on {ran_on}, this node is on {host.name}"
            return Assessment(device, unranked=reason)
        return assess_measured(device, model, self._core_power(host), host.cores)

    def _core_power(self, host: Host) -> CorePower:
        rated_w = self.configuration.host_rated_power_w
        if rated_w is not None:
            rated, source = rated_w / host.cores, f"rated power from the node's configuration, over {host.cores} cores"
        else:
            rated, source = _catalogued_w_per_core(host.cpu)
        settings = self.configuration
        return _known_core_power(host.cores, settings.host_w_per_core, rated, source, settings.energy_backend)


@functools.lru_cache(maxsize=16)
def _known_core_power(cores: int, declared: float | None, rated: float | None, source: str, asked: str) -> CorePower:
    """Asked once a configuration: the probe of a counter takes half a second, that of a backend some seconds."""
    backends = [] if asked == "own" else [backend(asked)]
    return core_power(cores, asked=backends, declared_w_per_core=declared, rated_w_per_core=rated, rated_source=source)


def _catalogued_w_per_core(cpu: str) -> tuple[float | None, str]:
    # Over the cores of the whole processor: a virtual machine has only some of them.
    device = device_within(cpu, (device for device in load_devices() if device.cores))
    if device is None or math.isnan(device.power_w):
        return None, ""
    return device.power_w / device.cores, f"{device.sources['power_w']}, over {device.cores} cores"


def _cache(model: MLModel) -> KvCache | None:
    """The key-value cache of the chosen model, where the catalogue of models knows it."""
    known = load_models().get(model.chosen)
    return kv_cache_of(known) if known else None


def _devices(host: Host) -> list[Device]:
    """The catalogue, with this host's own GPUs in place of the catalogue's entries for them."""
    catalogue = load_devices()
    own = {device.id: device for device in gpu_devices(host, catalogue)}
    return [own.get(device.id, device) for device in catalogue]


def _required(name: str, devices: list[Device]) -> str:
    if not name:
        return ""
    if name.strip().casefold() in HOST_NAMES:
        return HOST_ID
    try:
        return find_device(name, devices).id
    except UnknownDevice as unknown:
        raise Refusal("UNKNOWN_DEVICE", str(unknown)) from unknown


def _choice(judged: list[Assessment], objective: str, required_id: str) -> Choice:
    try:
        choice = choose(judged, objective, required_id)
    except NoDevice as none:
        raise Refusal("NO_DEVICE", str(none)) from none
    except UnknownObjective as unknown:
        raise Refusal("UNKNOWN_OBJECTIVE", str(unknown)) from unknown
    if choice.chosen.unranked:
        name = choice.chosen.device.name
        raise Refusal("NO_FIGURES", f"device {name!r} cannot be judged, {choice.chosen.unranked}; name another device")
    return choice


if __name__ == "__main__":
    run(HardwareResources)
