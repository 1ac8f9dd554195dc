"""Values as JSON, for those who ask a service over HTTP or from a command line."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow_nodes.serve.values import BadValue, Blob, Box, Boxes, EncodedImage, Image, Record, Tensors, Text, Value


def from_json(type_name: str, given: Any, uploads: Path | None = None) -> Value:
    """The value that some JSON describes.

    A record is the object itself; text is `{"text": ...}`; a blob `{"data": base64}`, an encoded image the same with
    its `media_type`; of an image and of tensors an array is a nested list, or `{"dtype", "shape", "data": base64}`,
    as `{"array": ...}` or under the tensors' names. Instead of `data` there may be the `path` of a file with its
    `sha256` and `size_bytes`: the front end keeps large inputs so.

    Args:
        uploads: the only folder of which files are read; None reads none.

    Raises:
        BadValue: it describes none.
    """
    try:
        match type_name:
            case "record":
                return Record(dict(given))
            case "text":
                return Text(given if isinstance(given, str) else str(given["text"]))
            case "blob":
                return Blob(_content(given, uploads))
            case "encoded_image":
                return EncodedImage(_content(given, uploads), str(given.get("media_type", "image/jpeg")))
            case "image":
                return Image(_array(given["array"]).astype(np.uint8))
            case "tensors":
                return Tensors({str(name): _array(array) for name, array in given.items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadValue(f"this input is no {type_name}: {type(error).__name__}: {error}") from None
    raise BadValue(f"an input of the type {type_name!r} cannot be given; give a record, text, blob, image or tensors")


def to_json(value: Value) -> Any:
    """The JSON of a value, as `from_json` reads it; boxes are an object with their fields."""
    match value:
        case Record(given):
            return _plain(given)
        case Text(text):
            return {"text": text}
        case Blob(data):
            return {"data": base64.b64encode(data).decode()}
        case EncodedImage(data, media_type):
            return {"data": base64.b64encode(data).decode(), "media_type": media_type}
        case Image(array):
            return {"array": _described(array)}
        case Tensors(arrays):
            return {name: _described(array) for name, array in arrays.items()}
        case Boxes(boxes, width, height):
            return {"boxes": [_box(box) for box in boxes], "width": width, "height": height}
    raise BadValue(f"a {type(value).__name__} has no JSON")


def _content(given: Any, uploads: Path | None) -> bytes:
    return _bytes(given["data"]) if "path" not in given else _file(given, uploads)


def _file(given: Any, uploads: Path | None) -> bytes:
    """A file that the front end has kept: below its folder alone, and as it was when it was kept."""
    path = Path(str(given["path"]))
    if uploads is None:
        raise ValueError(f"{str(path)!r} is a file, and no folder of uploads is known here")
    found = path.resolve()
    if not found.is_relative_to(uploads.resolve()):
        raise ValueError(f"{str(path)!r} is not below {str(uploads)!r}, where uploads are kept")
    try:
        with found.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            if size_bytes != given["size_bytes"]:
                raise ValueError(f"{str(path)!r} has {size_bytes} bytes, {given['size_bytes']} were sent")
            content = file.read()
    except OSError as error:
        told = f"{str(path)!r} cannot be read on this worker's host: {error.strerror}"
        raise ValueError(f"{told}; place the source on the front end's host, or send less than 48 KiB") from None
    if (digest := hashlib.sha256(content).hexdigest()) != given["sha256"]:
        raise ValueError(f"{str(path)!r} has SHA-256 {digest}, {given['sha256']} was sent")
    return content


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _array(given: Any) -> np.ndarray[Any, Any]:
    if not isinstance(given, dict):
        return np.asarray(given)
    dtype = np.dtype(str(given["dtype"]))
    if dtype.kind not in "biufc":
        raise ValueError(f"an array of {dtype}")
    return np.frombuffer(_bytes(given["data"]), dtype).reshape([int(side) for side in given["shape"]])


def _described(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "data": data}


def _box(box: Box) -> dict[str, Any]:
    shown = {each.name: getattr(box, each.name) for each in fields(box) if each.name not in ("crop", "embedding")}
    for name in ("crop", "embedding"):
        array = getattr(box, name)
        shown[name] = None if array is None else _described(array)
    return shown


def _plain(given: Any) -> Any:
    if isinstance(given, dict):
        return {str(name): _plain(each) for name, each in given.items()}
    if isinstance(given, list | tuple):
        return [_plain(each) for each in given]
    if isinstance(given, bytes | bytearray | memoryview):
        return base64.b64encode(given).decode()
    return given
