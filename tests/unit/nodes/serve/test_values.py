"""Values through their bytes and back; bytes that are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from hedgerow_nodes.serve.values import (
    BadValue,
    Blob,
    Box,
    Boxes,
    EncodedImage,
    Image,
    Record,
    Tensors,
    Text,
    decode,
    encode,
)


def there_and_back(value):
    return decode(value.type_name, bytearray(b"".join(encode(value))))


@given(
    st.dictionaries(
        st.text(max_size=5),
        arrays_of.arrays(
            st.one_of(arrays_of.integer_dtypes(), arrays_of.floating_dtypes(), arrays_of.boolean_dtypes()),
            arrays_of.array_shapes(min_dims=0, min_side=0, max_side=4),
        ),
        max_size=4,
    )
)
def test_arrays_keep_type_shape_and_elements(arrays):
    again = there_and_back(Tensors(arrays)).arrays
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype
        assert again[name].flags.writeable
        np.testing.assert_array_equal(again[name], array)


def test_an_image_that_is_a_cut_of_a_larger_one():
    whole = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    again = there_and_back(Image(whole[1:3, ::2]))
    np.testing.assert_array_equal(again.array, whole[1:3, ::2])
    assert (again.width, again.height) == (3, 2)


def test_boxes_with_and_without_all_they_may_have():
    crop, embedding = np.ones((2, 2, 3), np.uint8), np.arange(3, dtype=np.float32)
    full = Box("face", 0.5, 1, 2, 3, 4, ((1.0, 2.0),), crop, embedding)
    again = there_and_back(Boxes((full, Box("cat", 1, 0, 0, 1, 1)), 640, 480))
    assert (again.width, again.height, [box.label for box in again.boxes]) == (640, 480, ["face", "cat"])
    assert again.boxes[0].landmarks == ((1.0, 2.0),)
    np.testing.assert_array_equal(again.boxes[0].embedding, embedding)
    np.testing.assert_array_equal(again.boxes[0].crop, crop)
    assert again.boxes[1].crop is None


@pytest.mark.parametrize(
    "value", [EncodedImage(b"abc", "image/png"), Record({"a": [1, {"b": b"c"}]}), Text("ä"), Blob(b""), Blob(b"x" * 99)]
)
def test_plain_values(value):
    assert there_and_back(value) == value


@given(st.sampled_from(["image", "boxes", "tensors", "record", "text", "blob", "encoded_image"]), st.binary())
def test_other_bytes_are_refused_or_are_a_value(type_name, data):
    try:
        value = decode(type_name, data)
    except BadValue:
        return
    assert value.type_name == type_name


def test_what_is_no_value_is_named():
    with pytest.raises(BadValue, match="a dict is no value"):
        encode({})
    with pytest.raises(BadValue, match="record holds"):
        encode(Record({"a": object()}))
    with pytest.raises(BadValue, match="shape"):
        Image(np.zeros((2, 2), np.uint8))
    with pytest.raises(BadValue, match="array of numbers"):
        encode(Tensors({"a": np.array(["text"])}))
    with pytest.raises(BadValue, match="'picture' is no type"):
        decode("picture", b"")
