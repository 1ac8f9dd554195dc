"""The codec: same bytes as the binding, same sample back, and nothing but CodecError for what is no sample."""

import dataclasses
import logging
import math
from dataclasses import field

import numpy as np
import pytest
from cyclonedds.idl import IdlStruct
from cyclonedds.idl._support import Endianness
from cyclonedds.idl.annotations import appendable, final
from cyclonedds.idl.types import array, bounded_str
from cyclonedds.idl.types import sequence as bounded
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_idl import Header, NodeStatus, Outcome, TaskId, UserInput, float64, sequence, uint32, wire_type
from hedgerow_idl.codec import CodecError, codec_of
from hedgerow_idl.testing import first_difference, samples

few = settings(max_examples=15, deadline=None)


def for_binding(value):
    """A copy of a sample with the lists that the binding wants in place of bytes and arrays."""
    if isinstance(value, IdlStruct):
        fields = {f.name: for_binding(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return type(value)(**fields)
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [for_binding(item) for item in value] if isinstance(value, list | bytes) else value


def padded(data):
    return data + bytes(-len(data) % 4)


@few
@given(data=st.data())
def test_bytes_are_the_bindings_and_come_back_as_the_sample(any_type, data):
    sample = data.draw(samples(any_type, max_items=2, max_text=6))
    codec = codec_of(any_type)
    assert codec.is_compiled
    encoded = codec.encode(sample)
    assert encoded == padded(for_binding(sample).serialize())
    decoded = codec.decode(encoded)
    assert first_difference(decoded, sample) is None
    assert decoded == sample


@few
@given(data=st.data())
def test_lists_and_other_octets_encode_like_arrays_and_bytes(garden, data):
    sample = data.draw(samples(garden["Arrays"]))
    lists = for_binding(sample)
    encode = codec_of(garden["Arrays"]).encode
    for octets in (bytearray(sample.octets), memoryview(sample.octets)):
        lists.octets = octets
        assert encode(lists) == encode(sample)


@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_a_truncated_sample_is_refused_at_every_offset(any_type, data):
    sample = data.draw(samples(any_type, max_items=2, max_text=6))
    codec = codec_of(any_type)
    encoded = codec.encode(sample)
    shortest = len(for_binding(sample).serialize())
    for end in range(len(encoded)):
        if end >= shortest:
            assert first_difference(codec.decode(encoded[:end]), sample) is None
        else:
            with pytest.raises(CodecError):
                codec.decode(encoded[:end])


@few
@given(data=st.data(), extra=st.binary(min_size=4, max_size=20))
def test_bytes_after_the_sample_are_refused(any_type, data, extra):
    encoded = codec_of(any_type).encode(data.draw(samples(any_type, max_items=2, max_text=6)))
    with pytest.raises(CodecError, match="ends at byte"):
        codec_of(any_type).decode(encoded + extra)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_altered_bytes_give_a_sample_of_that_length_or_are_refused(any_type, data):
    codec = codec_of(any_type)
    altered = bytearray(codec.encode(data.draw(samples(any_type, max_items=2, max_text=6))))
    for at in data.draw(st.lists(st.integers(0, len(altered) - 1), min_size=1, max_size=3)):
        altered[at] = data.draw(st.sampled_from([0, 1, 2, 127, 128, 255]))
    try:
        decoded = codec.decode(bytes(altered))
    except CodecError:
        return
    assert len(codec.encode(decoded)) == len(altered)


@settings(max_examples=30, deadline=None)
@given(noise=st.binary(max_size=64), header=st.sampled_from([b"", b"\0\0\0\0", b"\0\1\0\0", b"\0\7\0\0", b"\0\6\0\0"]))
def test_noise_is_refused_or_decoded(any_type, noise, header):
    try:
        codec_of(any_type).decode(header + noise)
    except CodecError:
        return


@few
@given(data=st.data(), endianness=st.sampled_from(list(Endianness)), second=st.booleans())
def test_other_encapsulations_of_the_type_are_decoded(any_type, data, endianness, second):
    sample = data.draw(samples(any_type, max_items=2, max_text=6))
    foreign = for_binding(sample).serialize(endianness=endianness, use_version_2=second)
    assert first_difference(codec_of(any_type).decode(padded(foreign)), sample) is None
    for end in range(0, len(foreign), 1 + len(foreign) // 8):
        with pytest.raises(CodecError):
            codec_of(any_type).decode(foreign[:end])


@few
@given(data=st.data(), second=st.booleans(), endianness=st.sampled_from(list(Endianness)))
def test_a_key_is_the_bindings_and_decodes_to_a_sample_with_defaults(garden, data, second, endianness):
    sample = data.draw(samples(garden["Tree"]))
    expected = garden["Tree"](name=sample.name, number=sample.number, leaf=sample.leaf, height=sample.height)
    assert codec_of(garden["Tree"]).encode_key(sample) == padded(sample.serialize_key())
    key = sample.serialize_key(use_version_2=second, endianness=endianness)
    assert first_difference(codec_of(garden["Tree"]).decode_key(padded(key)), expected) is None
    for end in range(len(key)):
        with pytest.raises(CodecError):
            codec_of(garden["Tree"]).decode_key(key[:end])


def test_the_key_of_a_keyless_type_is_a_sample_of_defaults():
    key = codec_of(UserInput).encode_key(UserInput(text="x"))
    assert key == b"\0\1\0\0"
    assert codec_of(UserInput).decode_key(key) == UserInput()


def test_decoded_arrays_are_views_of_the_bytes(garden):
    sample = garden["Arrays"](doubles=np.arange(4.0), floats=np.arange(3, dtype="f4"), octets=b"\1\2\3")
    decoded = codec_of(garden["Arrays"]).decode(codec_of(garden["Arrays"]).encode(sample))
    assert decoded.doubles.base is not None
    assert not decoded.doubles.flags.writeable
    assert decoded.floats.dtype == np.dtype("<f4")
    assert decoded.octets == b"\1\2\3"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "a\0b"}, "text: .* zero byte"),
        ({"text": None}, "text: None is no text"),
        ({"text": "\ud800"}, "text: .*surrogates"),
        ({"max_latency_s": "3"}, "max_latency_s: '3' is no float64"),
        ({"inputs": "image"}, "inputs: 'image' is no sequence but a text"),
        ({"inputs": ["a", 3]}, r"inputs\[1\]: 3 is no text"),
        ({"inputs": None}, "inputs: None is no sequence"),
        ({"previous": TaskId(problem_id=-1)}, "previous.problem_id: -1 is out of range for uint32, 0 to 4294967295"),
        ({"previous": TaskId(problem_id=1 << 32)}, "previous.problem_id: 4294967296 is out of range"),
        ({"previous": TaskId(problem_id=1.5)}, "previous.problem_id: 1.5 is no uint32"),
        ({"previous": TaskId(problem_id=np.zeros(2))}, r"previous.problem_id: array\(.*\) is no uint32"),
        ({"max_memory_bytes": np.zeros(2)}, r"max_memory_bytes: array\(.*\) is no float64"),
        ({"previous": None}, "previous: None is no TaskId"),
        ({"header": Header(outcome=1)}, "header.outcome: 1 is no member of hedgerow.Outcome; known: SUCCEEDED, FAILED"),
        ({"header": Header(task=TaskId(iteration_id="1"))}, "header.task.iteration_id: '1' is no uint32"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_field(change, message):
    with pytest.raises(CodecError, match=rf"hedgerow\.advice\.UserInput: {message}"):
        codec_of(UserInput).encode(UserInput(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"octets": [1, 2]}, r"octets: \[1, 2\] is neither bytes"),
        ({"floats": [1e39]}, r"floats\[0\]: 1e\+39 is out of range for float32"),
        ({"floats": np.array([1e39])}, r"floats\[0\]: .*1e\+39.* is out of range for float32"),
        ({"floats": np.zeros((2, 2))}, r"floats: array of shape \(2, 2\)"),
        ({"doubles": ["1"]}, r"doubles\[0\]: '1' is no float64"),
        ({"doubles": [None]}, r"doubles\[0\]: None is no float64"),
        ({"doubles": np.array(["1"])}, "doubles: array of shape"),
        ({"doubles": 3.0}, "doubles: 3.0 is no sequence"),
        ({"flags": [True, "no"]}, r"flags\[1\]: 'no' is neither True nor False"),
        ({"flags": [np.zeros(2)]}, r"flags\[0\]: array\(.*\) is neither True nor False"),
        ({"shorts": [65536]}, r"shorts\[0\]: 65536 is out of range for uint16"),
        ({"colours": [Outcome.FAILED]}, r"colours\[0\]: .* is no member of garden.Colour; known: GREEN, RED, BLUE"),
        ({"mark": 256}, "mark: 256 is out of range for uint8, 0 to 255"),
    ],
)
def test_an_element_that_does_not_fit_is_refused_by_place(garden, change, message):
    with pytest.raises(CodecError, match=message):
        codec_of(garden["Arrays"]).encode(garden["Arrays"](**change))


def test_a_float_that_no_float32_holds_is_refused(garden):
    with pytest.raises(CodecError, match="narrow: 1e\\+300 is out of range for float32"):
        codec_of(garden["Numbers"]).encode(garden["Numbers"](narrow=1e300))


def test_a_sample_of_another_type_is_refused():
    with pytest.raises(CodecError, match="is no NodeStatus"):
        codec_of(NodeStatus).encode(TaskId())


def status_bytes():
    encoded = bytearray(codec_of(NodeStatus).encode(NodeStatus(node_id="abc")))
    assert encoded[4:12] == b"\4\0\0\0abc\0"
    return encoded


@pytest.mark.parametrize(
    ("at", "new", "message"),
    [
        (4, b"\0\0\0\0", "node_id: no string of 0 bytes at byte 8"),
        (4, b"\3\0\0\0", "node_id: no string of 3 bytes"),
        (4, b"\xff\xff\xff\xff", "node_id: no string of 4294967295 bytes"),
        (9, b"\0", "node_id: no string of 4 bytes"),
        (11, b"d", "node_id: no string of 4 bytes"),
        (8, b"\xff", "no sample: UnicodeDecodeError"),
        (20, b"\x09", "no sample: KeyError"),
        (0, b"\0\3", "header 00 03 00 00 is none of a final type"),
        (0, b"\1\0", "header 01 00 00 00 is none of a final type"),
    ],
)
def test_bytes_that_break_a_rule_are_refused(at, new, message):
    data = status_bytes()
    data[at : at + len(new)] = new
    with pytest.raises(CodecError, match=rf"hedgerow\.control\.NodeStatus: .*{message}"):
        codec_of(NodeStatus).decode(bytes(data))


def test_a_truth_value_is_0_or_1(garden):
    data = bytearray(codec_of(garden["Numbers"]).encode(garden["Numbers"](flag=True)))
    data[4] = 2
    with pytest.raises(CodecError):
        codec_of(garden["Numbers"]).decode(bytes(data))


@pytest.mark.parametrize("count", [5, 1 << 20, (1 << 32) - 1])
@pytest.mark.parametrize("at", [1, 2])
def test_a_count_beyond_the_data_is_refused(garden, count, at):
    data = bytearray(codec_of(garden["Arrays"]).encode(garden["Arrays"]()))
    data[4 * at : 4 * at + 4] = count.to_bytes(4, "little")
    with pytest.raises(CodecError):
        codec_of(garden["Arrays"]).decode(bytes(data))


def test_any_bytes_like_object_is_decoded():
    data = codec_of(NodeStatus).encode(NodeStatus(node_id="abc"))
    assert codec_of(NodeStatus).decode(bytearray(data)) == codec_of(NodeStatus).decode(memoryview(data))


def test_a_constructor_that_does_something_is_run():
    @wire_type
    class Sum(IdlStruct, typename="garden.Sum"):
        one: uint32 = 1
        two: uint32 = 2

        def __post_init__(self) -> None:
            self.total = self.one + self.two

    assert codec_of(Sum).decode(codec_of(Sum).encode(Sum(one=5))).total == 7


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("pair", array[float64, 2], [1.0, 2.0]),
        ("few", bounded[uint32, 4], [1, 2]),
        ("short", bounded_str[8], "abc"),
        ("maybe", float64 | None, None),
    ],
)
def test_a_type_with_an_unknown_kind_is_left_to_the_binding_and_said_once(caplog, name, kind, value):
    @final
    @dataclasses.dataclass
    class Odd(IdlStruct, typename="garden.Odd"):
        number: uint32
        __annotations__[name] = kind

    sample = Odd(**{"number": 3, name: value})
    with caplog.at_level(logging.WARNING, logger="hedgerow.codec"):
        codec = codec_of(Odd)
        assert codec_of(Odd) is codec
    assert not codec.is_compiled
    assert codec.encode(sample) == padded(sample.serialize())
    assert codec.decode(codec.encode(sample)) == sample
    (record,) = caplog.records
    assert f"garden.Odd.{name}" in record.getMessage()
    with pytest.raises(CodecError):
        codec.decode(b"")
    with pytest.raises(CodecError):
        codec.decode(codec.encode(sample)[:7])
    with pytest.raises(CodecError, match="Odd"):
        codec.encode(Odd(**{"number": -1, name: value}))


def test_an_appendable_type_is_left_to_the_binding():
    @appendable
    @dataclasses.dataclass
    class Loose(IdlStruct, typename="garden.Loose"):
        number: uint32

    assert not codec_of(Loose).is_compiled
    assert codec_of(Loose).decode(codec_of(Loose).encode(Loose(3))) == Loose(3)


def test_only_a_wire_type_has_a_codec():
    with pytest.raises(TypeError, match="no IdlStruct"):
        codec_of(dict)


def test_a_field_name_that_is_no_name_never_becomes_source():
    from cyclonedds.idl import make_idl_struct

    hostile = make_idl_struct("Hostile", "garden.Hostile", {"a = print(1) #": uint32}, dataclassify=False)
    assert not codec_of(hostile).is_compiled


def test_samples_are_equal_where_their_bytes_are(garden):
    one, other = garden["Arrays"](doubles=np.array([math.nan])), garden["Arrays"](doubles=[math.nan])
    assert one == other
    assert one != garden["Arrays"]()
    assert one != garden["Leaf"]()


def test_a_wire_type_needs_defaults_and_resolvable_annotations():
    with pytest.raises(TypeError, match="fields without a default: number"):

        @wire_type
        class Bare(IdlStruct):
            number: uint32

    with pytest.raises(TypeError, match=r"Lost: .*Nowhere"):

        @wire_type
        class Lost(IdlStruct):
            there: "Nowhere" = None  # noqa: F821 - the point of the test

    with pytest.raises(TypeError, match="is no IdlStruct"):
        wire_type(dict)


def test_annotations_that_are_text_are_resolved():
    @wire_type
    class Late(IdlStruct, typename="garden.Late"):
        names: "sequence[str]" = field(default_factory=list)
        number: "uint32" = 0

    assert codec_of(Late).is_compiled
    assert codec_of(Late).decode(codec_of(Late).encode(Late(names=["a"], number=4))).names == ["a"]
