"""Count parameters and FLOPs of OpenMMLab's networks from their configurations.

The packages go into a folder of their own, without what they depend on for training:

    pip install --no-deps --target SITE mmengine mmcv-lite mmdet mmsegmentation mmpose addict yapf termcolor \
        platformdirs matplotlib cycler kiwisolver contourpy fonttools pyparsing python-dateutil six scipy shapely \
        opencv-python-headless pycocotools terminaltables json_tricks munkres einops rich setuptools==75.8.0
    PYTHONPATH=SITE python tools/count_openmmlab.py mmdet WHEELS/counts-mmdet.jsonl

The classifiers of mmpretrain, which publishes both figures, are counted to judge the counting; they need torchvision,
and no pycocotools. Networks are built and run with fake tensors, so only shapes are computed. One line each.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import importlib.machinery
import importlib.util
import json
import multiprocessing
import resource
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openmmlab_forward as forward
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

MODULES = {"mmdet": "mmdet", "mmsegmentation": "mmseg", "mmpose": "mmpose", "mmpretrain": "mmpretrain"}
FORWARDS: dict[str, Callable[[Any, Any], forward.Plan]] = {
    "mmdet": forward.detector,
    "mmsegmentation": forward.segmenter,
    "mmpose": forward.pose_estimator,
    "mmpretrain": forward.classifier,
}
# Some loop for ever over sizes that are not known.
PATIENCE_S = 25

# Train-time parts of a configuration, which change neither size nor work of an inference.
_TRAINING = ("init_cfg", "pretrained", "auxiliary_head", "auxiliary_heads", "data_preprocessor")


def main(arguments: list[str] | None = None) -> int:
    """Count every configuration that the package's index names and write what could be counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", choices=sorted(MODULES))
    parser.add_argument("target", type=Path)
    parser.add_argument("--only", default="", help="only configurations whose path holds this text")
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore")
    compiled_operators_left_out()
    package = importlib.import_module(MODULES[options.package])
    importlib.import_module(f"{MODULES[options.package]}.utils").register_all_modules()
    folder = Path(str(package.__file__)).parent / ".mim"
    files = sorted(str(path.relative_to(folder)) for path in folder.glob("configs/**/*.py"))
    files = [file for file in files if "_base_" not in file and options.only in file]
    known: dict[str, dict[str, Any] | str] = {}
    counted = 0
    with options.target.open("w", encoding="utf-8") as target:
        for file in files:
            found = count(folder / file, FORWARDS[options.package], known)
            if isinstance(found, str):
                print(f"{file}: {found[:150]}", file=sys.stderr)
                continue
            counted += 1
            target.write(json.dumps({"config": file, **found}, sort_keys=True) + "\n")
            target.flush()
    print(f"{options.package}: {counted} of {len(files)} configurations counted")
    return 0


def count(file: Path, plan_of: Callable[[Any, Any], forward.Plan], known: dict[str, Any]) -> dict[str, Any] | str:
    """Parameters, FLOPs and the input of one configuration, or why it cannot be counted."""
    from mmengine.config import Config, ConfigDict
    from mmengine.registry import MODELS, init_default_scope

    try:
        config = Config.fromfile(str(file))
        if "model" not in config:
            return "no model"
        init_default_scope(config.get("default_scope", "mmengine"))
        stripped = without(config.model.to_dict(), _TRAINING)
        stripped["train_cfg"] = None
        size = (forward.crop_size if plan_of is forward.classifier else forward.input_size)(config)
    except Exception as error:  # noqa: BLE001  # other people's configurations fail in every way there is; each is told
        return in_words(error)
    key = json.dumps([stripped, size], sort_keys=True, default=str)
    if key not in known:
        known[key] = in_child(lambda: run(lambda: MODELS.build(ConfigDict(copy.deepcopy(stripped))), plan_of, size))
    return known[key]


def in_child(work: Callable[[], dict[str, Any]]) -> dict[str, Any] | str:
    """What the work gives, or why it gives nothing: some networks crash the interpreter, some never end."""

    def attempt() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE_S, PATIENCE_S))
        try:
            theirs.send(work())
        except Exception as error:  # noqa: BLE001  # as above
            theirs.send(in_words(error))

    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=attempt)
    child.start()
    theirs.close()
    try:
        found: dict[str, Any] | str = ours.recv()
    except EOFError:
        found = f"crashed, or took more than {PATIENCE_S} s of processor time"
    child.kill()
    child.join()
    return found


def in_words(error: Exception) -> str:
    """An error on one line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")


def run(
    build: Callable[[], Any], plan_of: Callable[[Any, Any], forward.Plan], size: tuple[int, int] | None
) -> dict[str, Any]:
    """FLOPs, parameters and the inference in words.

    Tensors are fake: they have a shape and a device but no numbers, except small constants that the code itself made,
    such as the sizes of levels, which some networks look at.

    Raises:
        ValueError: nothing was counted.
    """
    # Some classifiers look at numbers while they are built, so they are built in full, though not filled, then emptied.
    whole = plan_of is forward.classifier
    if whole:
        for name in ("kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "trunc_normal_", "normal_", "uniform_"):
            setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
    built = build().eval().to("meta") if whole else None
    with torch.device("meta") if whole else FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        model = built or build().eval()
        plan = plan_of(model, size)
        with FlopCounterMode(display=False) as counter:
            plan.run()
        flops = int(counter.get_total_flops())
    if flops <= 0:
        raise ValueError("no FLOPs were counted")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"parameters": parameters, "flops": flops, "inference": plan.said, "torch": torch.__version__}


def without(value: Any, names: tuple[str, ...]) -> Any:
    """A configuration without some keys, at any depth."""
    if isinstance(value, dict):
        return {key: without(inner, names) for key, inner in value.items() if key not in names}
    if isinstance(value, list | tuple):
        return type(value)(without(inner, names) for inner in value)
    return value


def compiled_operators_left_out() -> None:
    """Let mmcv's operators be imported without their compiled part; those with weights work as dense convolutions."""
    import mmcv

    # The packages check for an upper bound that the pure-Python build of mmcv is above.
    mmcv.__version__ = "2.1.0"

    class Missing(types.ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name == "__path__":
                return []
            if name.startswith("__"):
                raise AttributeError(name)

            def refuse(*_: Any, **__: Any) -> None:
                raise RuntimeError(f"operator {name} is not compiled")

            return refuse

    sys.modules["mmcv._ext"] = mmcv._ext = Missing("mmcv._ext")  # noqa: SLF001  # the name under which mmcv imports it
    for name in (
        "xtcocotools",
        "xtcocotools.coco",
        "xtcocotools.cocoeval",
        "xtcocotools.mask",
        *(() if importlib.util.find_spec("torchvision") else ("torchvision", "torchvision.transforms")),
    ):
        sys.modules[name] = Missing(name)
        sys.modules[name].__spec__ = importlib.machinery.ModuleSpec(name, None)
    forward.stand_ins()


if __name__ == "__main__":
    raise SystemExit(main())
