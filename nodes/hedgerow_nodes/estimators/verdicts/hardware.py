"""Judge whether the device chosen is the one, or of the class, that was asked for."""

from __future__ import annotations

from hedgerow_idl import Limit
from hedgerow_nodes.estimators.devices.catalogue import is_of_family, load_devices
from hedgerow_nodes.estimators.verdicts.answered import Outputs
from hedgerow_nodes.estimators.verdicts.verdict import Judgement, Verdict


def judge_wishes(outputs: Outputs) -> tuple[Judgement, ...]:
    """Judge the device, or else the class and family of device, that is asked for; empty where none is."""
    wish, hardware = outputs.get("hw_constraints", {}), outputs.get("hw_resources", {})
    device, kind = str(wish.get("required_device") or ""), str(wish.get("device_class") or "")
    chosen, chosen_kind = str(hardware.get("chosen") or ""), str(hardware.get("device_class") or "")
    # A device has the class that it has, so that only the device itself is judged where one is asked for.
    if device:
        return (_judged("required_device", device, chosen, _same(device, chosen)),)
    judged = []
    if kind:
        judged.append(_judged("device_class", kind, chosen, _of_class(kind, chosen, chosen_kind)))
    if family := str(wish.get("device_family") or ""):
        judged.append(_judged("device_family", family, chosen, _of_family(family, chosen)))
    return tuple(judged)


def _same(device: str, chosen: str) -> Verdict:
    if not chosen:
        return Verdict.UNKNOWN
    return Verdict.MET if device == chosen else Verdict.MISSED


def _of_class(kind: str, chosen: str, chosen_kind: str) -> Verdict:
    """A device has several classes, of which the output shows the first; the catalogue knows the others."""
    if not chosen:
        return Verdict.UNKNOWN
    if kind == chosen_kind:
        return Verdict.MET
    classes = next((device.classes for device in load_devices() if device.id == chosen), None)
    if classes is None:
        return Verdict.UNKNOWN
    return Verdict.MET if kind in classes else Verdict.MISSED


def _of_family(family: str, chosen: str) -> Verdict:
    device = next((device for device in load_devices() if device.id == chosen), None)
    if device is None:
        return Verdict.MISSED if chosen else Verdict.UNKNOWN
    return Verdict.MET if is_of_family(device, family) else Verdict.MISSED


def _judged(name: str, wanted: str, chosen: str, verdict: Verdict) -> Judgement:
    limit = Limit(name=name, comparison="==", value=1.0, unit="flag", found_in="hw_constraints", excerpt=wanted)
    what = f"{name.replace('_', ' ')} {wanted}: {verdict}"
    said = f"{what}, {chosen} was chosen." if chosen else f"{what}, for no device was chosen."
    return Judgement(limit, verdict, None, verdict is not Verdict.UNKNOWN, None, said)
