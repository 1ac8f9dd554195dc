"""The handler types of older service files by their numbers: our handler, its ports, and what becomes of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TX, RX, CAPTURE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class HandlerType:
    """How one type is written here; parameters that `parameters` does not name have no counterpart."""

    type: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


_SAME_SIZE = {"width": "width", "height": "height"}
_FACES = {"multiple": "multiple", "with_crop": "with_crop", "min_size": "smallest", "tresh": "threshold"}
_KNOWN = {"multiple": "multiple", "with_crop": "with_crop", "tresh": "threshold", "classifier": "gallery"}

TYPES: dict[int, HandlerType] = {
    3: HandlerType("preview", ("image",), (), {"fps": "fps"}),
    4: HandlerType("resize", ("image",), ("image",), _SAME_SIZE),
    5: HandlerType("encode", ("image",), ("encoded_image",), {"quality": "quality"}),
    6: HandlerType("decode", ("encoded_image",), ("image",)),
    7: HandlerType("detect_objects", ("image",), ("boxes",), {"thresh": "threshold", "nms": "overlap"}),
    **dict.fromkeys((8, 9, 10), HandlerType("detect_faces", ("image",), ("boxes",), _FACES)),
    11: HandlerType("align", ("boxes", "image"), ("boxes",), {"dim": "size"}),
    12: HandlerType("detect_faces", ("image",), ("boxes",), _FACES),
    **dict.fromkeys((13, 14, 15), HandlerType("recognise_faces", ("boxes",), ("boxes",), _KNOWN)),
    16: HandlerType("draw_boxes", ("image", "boxes"), ("image",)),
    17: HandlerType("draw_labelled_boxes", ("image", "boxes"), ("image",)),
}


def capture(source: object) -> tuple[HandlerType, object]:
    """The source for what a capture names: a camera's number, a video file, or a pattern of pictures."""
    if isinstance(source, int) or (isinstance(source, str) and source.isdecimal()):
        parameters = {"source": "index", **_SAME_SIZE, "fps": "fps"}
        return HandlerType("camera", (), ("image",), parameters), int(source)
    text = str(source)
    if text.startswith(("rtsp://", "rtsps://")):
        return HandlerType("rtsp", (), ("image",), {"source": "url", **_SAME_SIZE, "fps": "fps"}), text
    pictures = "%" in text or "*" in text or text.lower().endswith((".jpg", ".jpeg", ".png", "/"))
    kind = "image_folder" if pictures else "video_file"
    return HandlerType(kind, (), ("image",), {"source": "path", **_SAME_SIZE, "fps": "fps"}), text
