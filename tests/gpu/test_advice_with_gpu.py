"""The advice knows the GPUs of the machine that it runs on, and so does `hedgerow doctor`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest
from graphics import MIB, Row

from hedgerow_idl import AppRequirements, Calibration, Estimate, HWConstraints, HWResources, MLModel, Outcome, UserInput
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import NodeHarness
from hedgerow_nodes.estimators.devices.host import host_facts
from hedgerow_nodes.hw_resources import HardwareResources

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(120)]


def test_a_node_announces_the_gpus_of_its_host(gpus: list[Row]) -> None:
    assert host_facts().gpus == [row["name"] for row in gpus]


def test_the_gpu_of_this_host_is_a_device_with_its_own_limit_and_memory(gpus: list[Row]) -> None:
    (name,) = {row["name"] for row in gpus}
    latency = Estimate(value=0.045, low=0.04, high=0.06, method="measured", source="onnxruntime")
    model = MLModel(
        chosen="centernet",
        precision="float32",
        flops_per_inference=3e9,
        weights_bytes=8.1e6,
        activation_bytes=2e7,
        latency_s=latency,
        cpu_time_s=latency,
        calibration=Calibration(host=platform.node(), compute_flops_per_s=9e10, bandwidth_bytes_per_s=2e10),
    )
    harness = NodeHarness(HardwareResources, configuration={"host_w_per_core": 4.0})
    try:
        answer: HWResources = harness.process(
            UserInput(), model, AppRequirements(), HWConstraints(required_device=name)
        )
    finally:
        harness.close()
    assert answer.header.outcome is Outcome.SUCCEEDED, f"{name}: {answer.header.reason}"
    chosen = next(one for one in answer.candidates if one.id == answer.chosen)
    print(chosen)
    assert chosen.name.endswith("(in this host)")
    assert chosen.memory_bytes == pytest.approx(float(gpus[0]["memory.total"]) * MIB, rel=0.02)
    assert chosen.memory_bytes_source == "NVML of this host"
    # The model is small: no more than the limit, and no less than nothing.
    assert 0 < chosen.power_w.value <= float(gpus[0]["power.limit"]) * 1.01


def test_doctor_says_that_the_driver_answers(gpus: list[Row], hedgerow_environment: Environment) -> None:
    command = [sys.executable, "-m", "hedgerow_launch", "doctor", "--json"]
    variables = hedgerow_environment.variables()
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False
    )
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    found = checks["energy: NVML"]
    assert (found["verdict"], found["detail"]) == ("ok", f"the driver answers for {len(gpus)} GPU(s)"), found
