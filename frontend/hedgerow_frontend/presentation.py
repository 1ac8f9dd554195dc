"""What the pages show of a task: the figures to compare iterations by, and the template for each output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hedgerow_frontend.formatting import is_number
from hedgerow_idl import NodeState
from hedgerow_nodes.core.lifecycle import COMMANDS, LIFECYCLE
from hedgerow_nodes.estimators.verdicts.judgement import judge_outputs
from hedgerow_nodes.estimators.verdicts.plain import verdict_object
from hedgerow_orchestrator.states import TaskState

Task = Mapping[str, Any]

# Stage: the fields that its own template relies on. An output without them is shown field by field, like that of a
# node which this front end has never heard of.
_OWN_TEMPLATE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "app_requirements": frozenset({"limits", "explanation"}),
        "ml_model_metadata": frozenset({"tasks", "margin", "unsure", "decided_by", "explanation"}),
        "hw_constraints": frozenset({"max_memory_bytes", "max_power_w", "device_class", "limits", "host"}),
        "ml_model_provider": frozenset({"chosen", "candidates", "latency_s", "peak_memory_bytes", "calibration"}),
        "hw_resources": frozenset({"chosen", "candidates", "latency_s", "power_w", "energy_j", "device_name"}),
        "carbon_footprint": frozenset({"carbon_gco2e", "energy_kwh", "intensity_g_per_kwh", "pue", "sci_gco2e"}),
        "optimizer": frozenset({"decision", "change", "comparison", "best", "previous", "explanation"}),
    }
)
_MARKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "SUCCEEDED": ("✓", "good"),
        "IDLE": ("✓", "good"),
        "RUNNING": ("▶", "busy"),
        "WAITING": ("○", "calm"),
        "INITIALIZING": ("○", "calm"),
        "TERMINATING": ("○", "calm"),
        "INACTIVE": ("–", "calm"),
        "CANCELLED": ("–", "calm"),
        "FAILED": ("✗", "bad"),
        "met": ("✓", "good"),
        "missed": ("✗", "bad"),
        "unknown": ("?", "calm"),
        "ERROR": ("✗", "bad"),
        "TIMED_OUT": ("✗", "bad"),
        "PREPARING": ("○", "busy"),
        "READY": ("✓", "calm"),
        "SWITCHING": ("▶", "busy"),
        "DEGRADED": ("!", "bad"),
        "STOPPED": ("–", "calm"),
        "ENDED": ("–", "calm"),
        "DELETED": ("–", "calm"),
        "ACTIVE": ("✓", "good"),
        "DRAINING": ("▶", "busy"),
        "RETIRED": ("–", "calm"),
    }
)


@dataclass(frozen=True)
class Figures:
    """What one iteration came to; an estimate that is not there yet is None."""

    model: str
    device: str
    latency_s: Mapping[str, Any] | None
    energy_j: Mapping[str, Any] | None
    carbon_gco2e: Mapping[str, Any] | None


def figures(task: Task) -> Figures:
    """Pick the figures by which iterations are compared; latency is that on the chosen device where it is known."""
    model, device = _output(task, "ml_model_provider"), _output(task, "hw_resources")
    carbon = _output(task, "carbon_footprint")
    return Figures(
        model=str(model.get("chosen") or ""),
        device=str(device.get("device_name") or device.get("chosen") or ""),
        latency_s=_known(device.get("latency_s")) or _known(model.get("latency_s")),
        energy_j=_known(device.get("energy_j")),
        carbon_gco2e=_known(carbon.get("carbon_gco2e")),
    )


def outputs_of(task: Task) -> dict[str, Mapping[str, Any]]:
    """The outputs of a task by stage; empty where a stage has none yet."""
    return {stage: _output(task, stage) for stage in task["stages"]}


def verdicts(task: Task) -> list[dict[str, Any]]:
    """How the iteration stands to each limit that was stated, in plain values: every face shows this."""
    return [verdict_object(judgement) for judgement in judge_outputs(outputs_of(task))]


def verdict_counts(task: Task) -> dict[str, int]:
    """How many limits are met, missed and unknown; a verdict that no limit has is left out."""
    counts = Counter(str(one["verdict"]) for one in verdicts(task))
    return {verdict: counts[verdict] for verdict in ("met", "missed", "unknown") if counts[verdict]}


def judged(task: Task) -> dict[str, Any]:
    """The task with its verdicts."""
    return {**task, "verdicts": verdicts(task)}


def output_template(stage: str, output: Mapping[str, Any]) -> str:
    """The template that shows a stage's output."""
    needed = _OWN_TEMPLATE.get(stage)
    own = needed is not None and needed <= output.keys()
    return f"outputs/{stage}.html" if own else "outputs/any.html"


def mark(state: str) -> tuple[str, str]:
    """A state's sign and its style; the word itself stands beside it, so that nobody depends on colour."""
    return _MARKS.get(state, ("?", "calm"))


def is_final(state: str) -> bool:
    """Tell whether a task's state is one that nothing follows."""
    return TaskState(state).final


def commands_in(state: str) -> list[str]:
    """The commands that a node in a state takes."""
    known = NodeState.__members__.get(state)
    return [command.value for command in COMMANDS if (known, command) in LIFECYCLE]


def _output(task: Task, stage: str) -> Mapping[str, Any]:
    output = task["stages"].get(stage, {}).get("output")
    return output if isinstance(output, Mapping) else {}


def _known(estimate: object) -> Mapping[str, Any] | None:
    return estimate if isinstance(estimate, Mapping) and is_number(estimate.get("value")) else None
