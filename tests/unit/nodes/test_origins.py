"""Every number that the seven nodes answer has method, source and interval, or is exact for a reason that is listed."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from executed import report

from hedgerow_idl import Baselines, Estimate, HWResources, LoopRequest, MLModel, Outcome, UserInput
from hedgerow_idl.plain import to_plain
from hedgerow_nodes.app_requirements import ApplicationRequirements
from hedgerow_nodes.carbon_footprint import CarbonFootprintNode
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.estimators.models.calibration import Rates, Record
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, ExecutionReport, VariantReport
from hedgerow_nodes.hw_constraints import HardwareConstraints
from hedgerow_nodes.hw_resources import HardwareResources
from hedgerow_nodes.ml_model_metadata import ModelMetadata
from hedgerow_nodes.ml_model_provider import MLModelProvider
from hedgerow_nodes.optimizer import Optimizer
from tests import origins

EXAMPLES = Path(__file__).parents[3] / "examples" / "advice"
PROBLEMS = sorted(path.stem for path in EXAMPLES.glob("*.toml") if not path.stem.endswith(".golden"))
RATES = Rates(compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10, software="numpy 2")
RECORD = Record(host=platform.node(), calibrated_at_s=1.0, threads=1, rates=RATES)
LOOP = LoopRequest(mode="auto", target="gco2e", target_value=1e-15, max_iterations=4)


def _execute(order: ExecutionOrder, **_: Any) -> ExecutionReport:
    variant = VariantReport(
        id="float32",
        precision="float32",
        method="as it ships",
        runs=3,
        wall_p05_s=0.02,
        wall_p50_s=0.03,
        wall_p95_s=0.04,
        weights_bytes=None,
        relative_difference=0.0,
        largest_difference=0.0,
        agreement=1.0,
        agreement_about="first class the same",
        sample_words="Given a leaf, it says: leaf 1.00.",
    )
    return report(
        wall_p05_s=0.02,
        wall_p50_s=0.03,
        wall_p95_s=0.04,
        cpu_p50_s=0.03,
        peak_memory_bytes=7e7,
        threads=order.threads,
        sample_result="{}",
        sample_words="Given a leaf, it says: leaf 1.00.",
        variants=(
            variant,
            msgspec.structs.replace(variant, id="int8", precision="int8", method="static", weights_bytes=1e6),
        ),
    )


class Nodes:
    """The seven nodes, each on a bus in memory; models are timed by a stand-in, so that no process is started."""

    def __init__(self) -> None:
        self._harnesses: dict[type, NodeHarness] = {}

    def answer(self, asked: UserInput, baselines: Baselines) -> dict[str, Any]:
        """The outputs of one task by stage."""
        requirements = self._run(ApplicationRequirements, asked)
        metadata = self._run(ModelMetadata, asked)
        constraints = self._run(HardwareConstraints, asked)
        model = self._run(MLModelProvider, asked, metadata, requirements, constraints, baselines)
        hardware = self._run(HardwareResources, asked, model, requirements, constraints)
        carbon = self._run(CarbonFootprintNode, asked, model, hardware)
        return {
            "app_requirements": requirements,
            "ml_model_metadata": metadata,
            "hw_constraints": constraints,
            "ml_model_provider": model,
            "hw_resources": hardware,
            "carbon_footprint": carbon,
            "optimizer": self._run(Optimizer, asked, model, constraints, hardware, carbon, baselines),
        }

    def put(self, data: Path) -> None:
        """Lay a data set where the node reads data sets from."""
        folder = self._harness(ModelMetadata).node.environment.home / "datasets"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / data.name).write_bytes(data.read_bytes())

    def close(self) -> None:
        """Let the nodes go."""
        for harness in self._harnesses.values():
            harness.close()

    def _harness(self, node: type) -> NodeHarness:
        if node not in self._harnesses:
            self._harnesses[node] = NodeHarness(node)
        return self._harnesses[node]

    def _run(self, node: type, *inputs: Any) -> Any:
        output = self._harness(node).process(*inputs)
        assert output.header.outcome is Outcome.SUCCEEDED, output.header.reason
        return output


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    made = Nodes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MLModelProvider, "execute", staticmethod(_execute))
        patch.setattr(MLModelProvider, "calibrate", staticmethod(lambda home, threads, measure: RECORD))
        yield made
    made.close()


def _all_faults(outputs: dict[str, Any]) -> list[str]:
    return [fault for stage, output in outputs.items() for fault in origins.faults(stage, to_plain(output))]


def test_the_tables_hold_every_bare_number_and_nothing_else() -> None:
    """A number that is added to an output fails here until it is an estimate or has a reason."""
    assert origins.number_fields() == origins.EXACT.keys() | origins.SOURCED.keys()
    assert not origins.EXACT.keys() & origins.SOURCED.keys()


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_number_of_the_examples(nodes: Nodes, problem: str) -> None:
    fields = tomllib.loads((EXAMPLES / f"{problem}.toml").read_text(encoding="utf-8"))
    fields = {"max_memory_bytes": 1e12, "inferences_per_year": 1e6, "training_samples": 1e4, "epochs": 10.0, **fields}
    for data in EXAMPLES.glob("*.csv"):
        nodes.put(data)
    first = nodes.answer(UserInput(**fields), Baselines())
    assert _all_faults(first) == []
    assert sum(1 for output in first.values() for _ in origins.figures(to_plain(output))) > 30
    again = Baselines(**{stage: [output] for stage, output in first.items() if stage != "optimizer"})
    second = nodes.answer(UserInput(**fields, optimization=LOOP), again)
    assert second["optimizer"].mode == "auto"
    assert _all_faults(second) == []


@pytest.mark.parametrize(
    "wish",
    [
        {"required_model": "mmpretrain/cspresnet50_3rdparty_8xb32_in1k"},
        {"precision": "int8"},
        {"required_device": "this host"},
    ],
)
def test_every_number_where_something_is_wished(nodes: Nodes, wish: dict[str, str]) -> None:
    assert _all_faults(nodes.answer(UserInput(text="Classify photos of leaves", **wish), Baselines())) == []


GOOD = Estimate(value=2.0, low=1.0, high=4.0, method="roofline", source="a document")


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (replace(GOOD, method=""), "hw_resources.latency_s = 2.0 has no method"),
        (replace(GOOD, source="  "), "hw_resources.latency_s = 2.0 has no source"),
        (replace(GOOD, low=3.0), "hw_resources.latency_s = 2.0 lies outside its interval 3.0 to 4.0"),
        (replace(GOOD, high=float("nan")), "hw_resources.latency_s = 2.0, 1.0 to None: not finite"),
        (replace(GOOD, high=float("inf")), "hw_resources.latency_s = 2.0, 1.0 to 'Infinity': not finite"),
    ],
)
def test_the_walk_finds_an_estimate_that_lacks_something(estimate: Estimate, said: str) -> None:
    assert origins.faults("hw_resources", to_plain(HWResources(latency_s=GOOD))) == []
    assert origins.faults("hw_resources", to_plain(HWResources(latency_s=estimate))) == [said]


def test_the_walk_finds_an_exact_number_without_its_source() -> None:
    bare = to_plain(MLModel(weights_bytes=4.0, parameters=1))
    assert origins.faults("ml_model_provider", bare) == [
        "ml_model_provider.parameters = 1 has no counted_by",
        "ml_model_provider.weights_bytes = 4.0 has no counted_by",
    ]
    assert origins.faults("ml_model_provider", {**bare, "counted_by": "a file"}) == []
