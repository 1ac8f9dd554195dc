"""What one inference of an OpenMMLab network runs, part by part, without anything that looks at numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

# What test configurations of two-stage detectors keep where they do not say it: regions, and detections with a mask.
REGIONS = 1000
DETECTIONS = 100


@dataclass(frozen=True)
class Plan:
    """`run` is one inference; `said` describes it."""

    run: Callable[[], object]
    said: str


def input_size(config: Any) -> tuple[int, int] | None:
    """Height and width that the configuration states for its inference; None where it states none."""
    codec = config.get("codec")
    codec = codec[-1] if isinstance(codec, list | tuple) else codec
    if isinstance(codec, dict) and "input_size" in codec:
        width, height = codec["input_size"]
        return int(height), int(width)
    if config.get("crop_size"):
        height, width = config.crop_size
        return int(height), int(width)
    for step in flattened(config.get("test_pipeline") or []):
        scale = step.get("scale") or step.get("img_scale")
        if isinstance(scale, list | tuple) and len(scale) == 2 and all(isinstance(side, int) for side in scale):
            width, height = scale
            return padded(height), padded(width)
        if isinstance(scale, int):
            return padded(scale), padded(scale)
    return None


def crop_size(config: Any) -> tuple[int, int] | None:
    """Height and width of the crop that a classifier is tested with; None where the configuration states none."""
    steps = flattened((config.get("test_dataloader") or {}).get("dataset", {}).get("pipeline") or [])
    for step in reversed(steps):
        size = step.get("crop_size") or step.get("scale")
        if isinstance(size, int):
            return size, size
        if isinstance(size, list | tuple) and len(size) == 2:
            return int(size[1]), int(size[0])
    return None


def flattened(pipeline: Any) -> list[dict[str, Any]]:
    """All steps of a pipeline, those inside others too."""
    found = []
    for step in pipeline if isinstance(pipeline, list | tuple) else [pipeline]:
        if isinstance(step, dict):
            found.append(step)
            for name in ("transforms", "pipeline"):
                found += flattened(step.get(name) or [])
        elif isinstance(step, list | tuple):
            found += flattened(step)
    return found


def padded(side: int) -> int:
    """The next multiple of 32, to which batches are padded."""
    return -(-side // 32) * 32


def picture(size: tuple[int, int] | None) -> torch.Tensor:
    """One picture.

    Raises:
        ValueError: the configuration states no size.
    """
    if size is None:
        raise ValueError("the configuration states no input size")
    return torch.empty((1, 3, *size))


def shape(size: tuple[int, int] | None) -> str:
    """The size of a picture in words."""
    return "unknown size" if size is None else f"3x{size[0]}x{size[1]}"


def segmenter(model: Any, size: tuple[int, int] | None) -> Plan:
    """Features and the decoding head; the auxiliary head, which only training uses, is not built."""
    image = picture(size)

    def run() -> object:
        head = model.decode_head
        if hasattr(head, "transformer_decoder") or hasattr(head, "pixel_decoder"):
            return head.forward(model.extract_feat(image), [sample(size)])
        return model._forward(image)  # noqa: SLF001  # its own way to count

    return Plan(run, f"one crop of {shape(size)}")


def classifier(model: Any, size: tuple[int, int] | None) -> Plan:
    """Features, neck and head."""
    image = picture(size)
    return Plan(lambda: model(image, mode="tensor"), f"one crop of {shape(size)}")


def pose_estimator(model: Any, size: tuple[int, int] | None) -> Plan:
    """Features and the head, for one person cut out (top down) or one picture (bottom up)."""
    image = picture(size)

    def run() -> object:
        features = model.extract_feat(image)
        return model.head.forward(features)

    return Plan(run, f"one input of {shape(size)}, decoding not counted")


def detector(model: Any, size: tuple[int, int] | None) -> Plan:
    """Features and heads; in two-stage detectors the second stage on as many regions as the test keeps."""
    image = picture(size)
    said = f"one picture of {shape(size)}"
    if getattr(model, "roi_head", None) is not None:
        regions, detections = kept(model)
        said += f", {regions} regions" + (f", {detections} masks" if model.roi_head.with_mask else "")
        return Plan(lambda: two_stage(model, image, regions, detections), said)
    if hasattr(model, "forward_transformer") or hasattr(model, "panoptic_head"):
        return Plan(lambda: model._forward(image, [sample(size)]), said)  # noqa: SLF001  # its own way to count

    def run() -> object:
        features = model.extract_feat(image)
        found = [
            head(features) for name in ("bbox_head", "mask_head") if (head := getattr(model, name, None)) is not None
        ]
        if not found:
            raise RuntimeError(f"{type(model).__name__} has no head that is known here")
        return found

    return Plan(run, f"{said}, suppression of doubles not counted")


def kept(model: Any) -> tuple[int, int]:
    """How many regions the first stage hands on, and how many detections are left at the end."""
    test = model.test_cfg or {}
    regions = (test.get("rpn") or {}).get("max_per_img", REGIONS)
    detections = (test.get("rcnn") or {}).get("max_per_img", DETECTIONS)
    return int(regions), int(detections)


def two_stage(model: Any, image: torch.Tensor, regions: int, detections: int) -> object:
    """Both stages; taking regions out of the features is no multiplication and is left out."""
    features = model.extract_feat(image)
    found = [model.rpn_head(features)] if getattr(model, "rpn_head", None) is not None else []
    head = model.roi_head
    for boxes, extractor in paired(head.bbox_head, head.bbox_roi_extractor):
        found.append(boxes(taken(extractor, regions)))
    if getattr(head, "with_mask", False):
        pairs = paired(head.mask_head, head.mask_roi_extractor or head.bbox_roi_extractor)
        found += [masks(taken(extractor, detections)) for masks, extractor in pairs]
    return found


def paired(heads: Any, extractors: Any) -> list[tuple[Any, Any]]:
    """Each head with its extractor, for one stage or several."""
    heads = list(heads) if isinstance(heads, torch.nn.ModuleList) else [heads]
    extractors = list(extractors) if isinstance(extractors, torch.nn.ModuleList) else [extractors] * len(heads)
    return list(zip(heads, extractors, strict=True))


def taken(extractor: Any, count: int) -> torch.Tensor:
    """Regions as the extractor would hand them on."""
    side = extractor.roi_layers[0].output_size
    height, width = side if isinstance(side, list | tuple) else (side, side)
    return torch.empty((count, extractor.out_channels, height, width))


def sample(size: tuple[int, int] | None) -> Any:
    """What a detector with a transformer wants to know of a picture."""
    from mmdet.structures import DetDataSample

    return DetDataSample(
        metainfo={"img_shape": size, "batch_input_shape": size, "pad_shape": size, "scale_factor": (1, 1)}
    )


def stand_ins() -> None:
    """Replace mmcv's compiled operators that have weights around them.

    A deformable convolution multiplies as often as a dense one of its shape, and its offsets are a layer of its own.
    Sampling multiplies no matrices, so of deformable attention its projections are what is counted.
    """
    from mmcv.ops import deform_conv, modulated_deform_conv
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttention
    from mmcv.ops.psa_mask import PSAMask

    def deformed(
        x: Any, offset: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: Any, *_: Any
    ) -> Any:
        return functional.conv2d(x, weight, None, stride, padding, dilation, groups)

    def modulated(
        x: Any,
        offset: Any,
        mask: Any,
        weight: Any,
        bias: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: Any,
        *_: Any,
    ) -> Any:
        bias = bias if isinstance(bias, torch.Tensor) else None
        return functional.conv2d(x, weight, bias, stride, padding, dilation, groups)

    def attended(self: Any, query: Any, key: Any = None, value: Any = None, identity: Any = None, **_: Any) -> Any:
        self.value_proj(query if value is None else value)
        self.sampling_offsets(query)
        self.attention_weights(query)
        return self.output_proj(torch.empty_like(query)) + query

    deform_conv.deform_conv2d = deformed
    modulated_deform_conv.modulated_deform_conv2d = modulated
    MultiScaleDeformableAttention.forward = attended
    PSAMask.forward = lambda self, x: x.new_empty((x.shape[0], x.shape[2] * x.shape[3], x.shape[2], x.shape[3]))
