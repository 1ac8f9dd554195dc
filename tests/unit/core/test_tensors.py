"""Tensors: any array comes back equal, hostile chunks do no harm, and a reader that stops holds nobody up for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hedgerow_idl import Chunk, Element
from hedgerow_idl.bulk import CHUNK_BYTES
from hedgerow_idl.codec import CodecError, codec_of
from hedgerow_idl.topics import BULK_DEPTH
from hedgerow_nodes.core.bulk import WINDOW_CHUNKS, TensorReader, TensorWriter
from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.tensor_chunks import MOST_STREAMS, Assembly, chunks, opened

NewBus = Callable[[], Bus]
CODEC = codec_of(Chunk)
LIMIT = 1 << 20

# How long an example takes is a matter of what else the machine does.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

any_array = arrays.arrays(
    dtype=st.one_of(
        arrays.boolean_dtypes(),
        arrays.integer_dtypes(endianness="?"),
        arrays.unsigned_integer_dtypes(endianness="?"),
        arrays.floating_dtypes(sizes=(16, 32, 64), endianness="?"),
        arrays.complex_number_dtypes(sizes=(64, 128), endianness="?"),
    ),
    shape=arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)


def encoded(array: object, stream_id: int = 1, position: int = 1, chunk_bytes: int = CHUNK_BYTES) -> list[bytes]:
    return [b"".join(parts) for parts in chunks(array, stream_id, position, chunk_bytes)]


def add(assembly: Assembly, data: bytes) -> np.ndarray | None:
    chunk, view = opened(memoryview(data))
    return assembly.add(chunk, view)


def test_the_names_of_elements_are_numpys() -> None:
    sizes = {element: np.dtype(element.name.lower()).itemsize for element in Element}
    assert all(int(element.name[1:]) == size for element, size in sizes.items())


@unhurried
@given(any_array, st.integers(1, 40))
def test_any_array_comes_back_equal(array: np.ndarray, chunk_bytes: int) -> None:
    assembly = Assembly(LIMIT)
    results = [add(assembly, data) for data in encoded(array, chunk_bytes=chunk_bytes)]
    assert all(result is None for result in results[:-1])
    whole = results[-1]
    assert whole is not None
    assert (whole.shape, whole.dtype) == (array.shape, array.dtype.newbyteorder("<"))
    np.testing.assert_array_equal(whole, array)
    assert whole.flags.writeable
    assert whole.flags.aligned


@unhurried
@given(any_array, st.integers(1, 40))
def test_the_parts_are_what_the_codec_writes(array: np.ndarray, chunk_bytes: int) -> None:
    for data in encoded(array, 7, 3, chunk_bytes):
        chunk = CODEC.decode(data)
        assert CODEC.encode(chunk) == data
        assert len(data) % 4 == 0


def test_data_are_sent_from_where_the_array_lies() -> None:
    array = np.arange(1000, dtype=np.float32)
    ((_, data, _),) = chunks(array, 1, 1)
    assert np.shares_memory(np.frombuffer(data, np.float32), array)


def test_an_array_in_another_order_is_sent_in_its_own() -> None:
    array = np.arange(12, dtype=">i4").reshape(3, 4).T[::-1]
    whole = add(Assembly(LIMIT), encoded(array)[0])
    np.testing.assert_array_equal(whole, array)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([object()]), np.array(["2020"], "M8[s]"), "text", None])
def test_what_has_no_numbers_is_refused(array: object) -> None:
    with pytest.raises(TypeError, match="cannot be sent as a tensor; convert it to one of bool, int8"):
        list(chunks(array, 1, 1))


@unhurried
@given(any_array, st.data())
def test_damaged_chunks_are_refused_or_harmless(array: np.ndarray, data: st.DataObject) -> None:
    assembly = Assembly(LIMIT)
    for one in encoded(array, chunk_bytes=16):
        damaged = bytearray(one)
        for _ in range(data.draw(st.integers(1, 3))):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
        for hostile in (bytes(damaged), cut):
            try:
                whole = add(assembly, hostile)
            except CodecError:
                continue
            assert whole is None or whole.nbytes <= LIMIT


@settings(unhurried, max_examples=300)
@given(
    st.builds(
        Chunk,
        stream_id=st.integers(0, 3),
        position=st.one_of(st.integers(0, 5), st.integers(0, 2**64 - 1)),
        index=st.one_of(st.integers(0, 5), st.integers(0, 2**32 - 1)),
        chunk_bytes=st.one_of(st.integers(0, 40), st.integers(0, 2**32 - 1)),
        element=st.sampled_from(list(Element)),
        shape=st.lists(st.one_of(st.integers(0, 5), st.integers(0, 2**64 - 1)), max_size=40),
        data=st.binary(max_size=64),
    )
)
def test_well_formed_chunks_that_lie_are_refused_or_harmless(chunk: Chunk) -> None:
    try:
        whole = add(Assembly(LIMIT), CODEC.encode(chunk))
    except CodecError:
        return
    assert whole is None or whole.tobytes() == chunk.data


def test_a_tensor_above_the_limit_is_refused_before_there_is_memory_for_it() -> None:
    huge = Chunk(position=1, element=Element.F8, shape=[2**31, 2**31], data=bytes(CHUNK_BYTES))
    with pytest.raises(CodecError, match="are the most here"):
        add(Assembly(LIMIT), CODEC.encode(huge))
    empty = Chunk(position=1, element=Element.F8, shape=[2**40, 0])
    with pytest.raises(CodecError, match="are the most here"):
        add(Assembly(LIMIT), CODEC.encode(empty))


def test_truth_values_are_true_or_false() -> None:
    with pytest.raises(CodecError, match="truth values"):
        add(Assembly(LIMIT), CODEC.encode(Chunk(position=1, element=Element.B1, shape=[2], data=b"\1\2")))


def test_a_chunk_seen_before_is_ignored_and_counted() -> None:
    assembly = Assembly(LIMIT)
    one, two, three = encoded(np.arange(40, dtype=np.uint8), chunk_bytes=16)
    assert [add(assembly, data) is not None for data in (one, one, two, one, two, three, three)] == [
        False,
        False,
        False,
        False,
        False,
        True,
        False,
    ]
    assert (assembly.duplicates, assembly.incomplete) == (4, 0)


def test_a_tensor_of_which_a_chunk_is_missing_is_given_up_for_the_next() -> None:
    assembly = Assembly(LIMIT)
    old = encoded(np.zeros(40, np.uint8), position=1, chunk_bytes=16)
    new = encoded(np.ones(40, np.uint8), position=4, chunk_bytes=16)
    results = [add(assembly, data) for data in (old[0], old[2], *new, old[1])]
    whole = next(result for result in results if result is not None)
    assert whole.tolist() == [1] * 40
    assert sum(result is not None for result in results) == 1
    assert (assembly.incomplete, assembly.duplicates) == (1, 1)


def test_chunks_of_one_tensor_that_disagree_are_refused() -> None:
    assembly = Assembly(LIMIT)
    add(assembly, encoded(np.zeros(40, np.uint8), chunk_bytes=16)[0])
    with pytest.raises(CodecError, match="its tensor"):
        add(assembly, encoded(np.zeros((4, 10), np.uint8), chunk_bytes=16)[1])


def test_streams_do_not_mix_and_of_too_many_the_oldest_begins_anew() -> None:
    assembly = Assembly(LIMIT)
    streams = {n: encoded(np.full(20, n, np.uint8), stream_id=n, chunk_bytes=10) for n in range(MOST_STREAMS + 1)}
    for first, _ in streams.values():
        assert add(assembly, first) is None
    wholes = {n: add(assembly, second) for n, (_, second) in streams.items() if n > 0}
    assert all(whole is not None and whole.tolist() == [n] * 20 for n, whole in wholes.items())
    assert add(assembly, streams[0][1]) is None
    assert assembly.incomplete == 1


def received(bus: Bus, reader: TensorReader, count: int, timeout_s: float = 20.0) -> list[np.ndarray]:
    got: list[np.ndarray] = []
    give_up = time.monotonic() + timeout_s
    while len(got) < count and time.monotonic() < give_up:
        bus.wait(0.1)
        got += reader.take()
    return got


def wait_matched(writer: TensorWriter) -> None:
    give_up = time.monotonic() + 5.0
    while not writer.matched():
        assert time.monotonic() < give_up, "never matched"
        threading.Event().wait(0.01)


def test_arrays_of_all_sizes_arrive_in_order(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    reader, writer = TensorReader(ours, "camera"), TensorWriter(theirs, "camera", patience_s=0.1)
    stranger = TensorReader(ours, "microphone")
    wait_matched(writer)
    sent = [
        np.arange(3, dtype=np.int16),
        np.zeros((0, 4), np.float32),
        np.array(2.5),
        np.arange(3 * CHUNK_BYTES // 4 + 5, dtype=np.float32).reshape(-1, 1),
        np.array([True, False]),
    ]
    got: list[np.ndarray] = []
    for array in sent:
        writer.write(array)
        got += received(ours, reader, 1)
    assert len(got) == len(sent)
    for array, back in zip(sent, got, strict=True):
        np.testing.assert_array_equal(back, array)
        assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert stranger.take() == []
    assert (reader.malformed, reader.incomplete, reader.duplicates) == (0, 0, 0)


def test_a_slow_reader_misses_nothing(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    reader, writer = TensorReader(ours, "camera"), TensorWriter(theirs, "camera", patience_s=30.0)
    wait_matched(writer)
    count = 3 * BULK_DEPTH

    def send() -> None:
        for number in range(count):
            writer.write(np.full(1000, number))

    sending = threading.Thread(target=send)
    sending.start()
    got: list[np.ndarray] = []
    while len(got) < count:
        more = received(ours, reader, 1)
        assert more, f"only {len(got)} of {count} arrived"
        got += more
        threading.Event().wait(0.005)
    sending.join()
    assert [int(array[0]) for array in got] == list(range(count))


def test_without_readers_nobody_waits(new_bus: NewBus) -> None:
    writer = TensorWriter(new_bus(), "camera", patience_s=30.0)
    began = time.monotonic()
    for _ in range(2 * BULK_DEPTH):
        writer.write(np.zeros(1000))
    assert time.monotonic() - began < 10.0


def test_a_reader_that_has_stopped_is_waited_for_once_and_comes_back(new_bus: NewBus) -> None:
    ours, other, theirs = new_bus(), new_bus(), new_bus()
    stopped, writer = TensorReader(other, "camera"), TensorWriter(theirs, "camera", patience_s=1.0)
    wait_matched(writer)
    took_s_each = []
    for number in range(2 * WINDOW_CHUNKS):
        began = time.monotonic()
        writer.write(np.full(10, number))
        took_s_each.append(time.monotonic() - began)
    assert max(took_s_each) >= 0.95
    assert sum(took_s > 0.9 for took_s in took_s_each) == 1
    # It takes again, and from then on misses nothing: it is waited for again.
    received(other, stopped, 1)
    reader = TensorReader(ours, "camera")
    give_up = time.monotonic() + 5.0
    while writer.matched() < 2:
        assert time.monotonic() < give_up
        threading.Event().wait(0.01)
    for number in range(1000, 1000 + WINDOW_CHUNKS):
        writer.write(np.full(10, number))
    due = list(range(1000, 1000 + WINDOW_CHUNKS))
    assert [int(array[0]) for array in received(ours, reader, WINDOW_CHUNKS)] == due
    back = [int(array[0]) for array in received(other, stopped, WINDOW_CHUNKS)]
    assert [number for number in back if number >= 1000] == due


def test_a_tensor_that_a_reader_refuses_holds_the_writer_up_for_nothing(new_bus: NewBus) -> None:
    ours, theirs = new_bus(), new_bus()
    reader = TensorReader(ours, "camera", most_bytes=1000)
    writer = TensorWriter(theirs, "camera", patience_s=30.0)
    wait_matched(writer)
    sending = threading.Thread(target=lambda: [writer.write(np.zeros(1000)) for _ in range(BULK_DEPTH)])
    sending.start()
    give_up = time.monotonic() + 20.0
    while reader.malformed < BULK_DEPTH and time.monotonic() < give_up:
        ours.wait(0.1)
        assert reader.take() == []
    sending.join(5.0)
    assert not sending.is_alive()
    assert reader.malformed == BULK_DEPTH
