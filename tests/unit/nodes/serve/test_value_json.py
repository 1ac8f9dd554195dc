"""Values as JSON and back."""

import numpy as np
import pytest

from hedgerow_nodes.serve.value_json import from_json, to_json
from hedgerow_nodes.serve.values import BadValue, Blob, Box, Boxes, EncodedImage, Image, Record, Tensors, Text


@pytest.mark.parametrize(
    "value", [Record({"a": [1, {"b": None}]}), Text("ä"), Blob(b"\0x"), EncodedImage(b"x", "image/png")]
)
def test_there_and_back(value):
    assert from_json(value.type_name, to_json(value)) == value


def test_arrays():
    tensors = Tensors({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(True)})
    again = from_json("tensors", to_json(tensors))
    for name, array in tensors.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array)
    np.testing.assert_array_equal(from_json("tensors", {"a": [[1, 2], [3, 4]]}).arrays["a"], [[1, 2], [3, 4]])
    image = Image(np.full((2, 3, 3), 7, np.uint8))
    np.testing.assert_array_equal(from_json("image", to_json(image)).array, image.array)


def test_boxes_and_bytes_are_plain():
    shown = to_json(Boxes((Box("face", 0.5, 1, 2, 3, 4, embedding=np.ones(2, np.float32)),), 640, 480))
    assert shown["boxes"][0]["label"] == "face"
    assert shown["boxes"][0]["crop"] is None
    assert shown["boxes"][0]["embedding"]["shape"] == [2]
    assert to_json(Record({"raw": b"a"})) == {"raw": "YQ=="}


@pytest.mark.parametrize(
    ("type_name", "given"),
    [
        *(("record", [1]), ("blob", {"data": "%"}), ("image", {"array": [[1]]}), ("tensors", None), ("text", {})),
        *(("boxes", {}), ("picture", {}), ("tensors", {"a": {"dtype": "O", "shape": [1], "data": ""}})),
    ],
)
def test_what_is_none_is_refused(type_name, given):
    with pytest.raises(BadValue, match=type_name):
        from_json(type_name, given)
