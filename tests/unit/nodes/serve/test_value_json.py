"""Values as JSON and back."""

import hashlib

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


def test_a_large_input_is_read_from_the_folder_of_uploads(tmp_path):
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    content = bytes(range(256)) * 400
    digest = hashlib.sha256(content).hexdigest()
    path = uploads / f"{digest}.jpg"
    path.write_bytes(content)
    given = {"path": str(path), "sha256": digest, "size_bytes": len(content), "media_type": "image/png"}
    assert from_json("encoded_image", given, uploads) == EncodedImage(content, "image/png")
    assert from_json("blob", given, uploads) == Blob(content)
    with pytest.raises(BadValue, match="no folder of uploads"):
        from_json("encoded_image", given)
    (tmp_path / "secret").write_bytes(content)
    (uploads / "link").symlink_to(tmp_path / "secret")
    for outside in (uploads / ".." / "secret", uploads / "link", tmp_path / "secret"):
        with pytest.raises(BadValue, match="is not below"):
            from_json("encoded_image", {**given, "path": str(outside)}, uploads)
    with pytest.raises(BadValue, match="cannot be read on this worker's host"):
        from_json("encoded_image", {**given, "path": str(uploads / "gone")}, uploads)
    with pytest.raises(BadValue, match="bytes, 5 were sent"):
        from_json("encoded_image", {**given, "size_bytes": 5}, uploads)
    with pytest.raises(BadValue, match="has SHA-256"):
        from_json("encoded_image", {**given, "sha256": "0" * 64}, uploads)
    with pytest.raises(BadValue, match="size_bytes"):
        from_json("encoded_image", {"path": str(path)}, uploads)
