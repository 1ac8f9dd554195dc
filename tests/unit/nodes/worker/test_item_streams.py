"""Items between two workers, without a bus: whatever is sent and however credits come, all arrive once, in order."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl.codec import CodecError, codec_of
from hedgerow_idl.serve import ItemChunk, ItemKind
from hedgerow_nodes.worker_side.item_assembly import Arrived, ItemAssembly
from hedgerow_nodes.worker_side.item_chunks import CHUNK_BYTES, encoded, opened, pieces
from hedgerow_nodes.worker_side.item_stream import WINDOW_BYTES, WINDOW_CHUNKS, Delivered, ItemStream, Outgoing

SIZES = st.one_of(st.integers(0, 3000), st.sampled_from([CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7]))


def wire(stream: ItemStream, clock_s: float = 0.0) -> bytes | None:
    """The next chunk as it is written."""
    sent = stream.next_chunk(clock_s)
    if sent is None:
        return None
    item = sent.item
    chunk = ItemChunk(
        kind=item.kind,
        stream_id=7,
        position=sent.position,
        index=sent.piece.index,
        size_bytes=item.size_bytes,
        from_node_id="a",
        header=json.dumps(item.header) if sent.is_first else "",
    )
    return b"".join(encoded(chunk, sent.piece))


def take(assembly: ItemAssembly, cdr: bytes) -> Arrived | None:
    """A chunk as it arrives."""
    chunk, data = opened(memoryview(cdr))
    return assembly.add(chunk, data)


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(1, 40))
def test_pieces_hold_the_payload_wherever_it_lies(parts: Sequence[bytes], chunk_bytes: int) -> None:
    cut = list(pieces(parts, chunk_bytes))
    assert b"".join(bytes(part) for piece in cut for part in piece.parts) == b"".join(parts)
    assert [piece.index for piece in cut] == list(range(len(cut)))
    assert all(piece.size_bytes == chunk_bytes for piece in cut[:-1])
    assert len(cut) == max(1, math.ceil(len(b"".join(parts)) / chunk_bytes))


@given(st.text(max_size=40), st.text(max_size=40), st.binary(max_size=60))
def test_an_encoded_chunk_is_a_sample_of_its_type(node_id: str, header: str, data: bytes) -> None:
    node_id, header = node_id.replace("\0", ""), header.replace("\0", "")
    chunk = ItemChunk(stream_id=3, position=9, size_bytes=len(data), from_node_id=node_id, header=header)
    cdr = b"".join(encoded(chunk, next(pieces([data]))))
    decoded = codec_of(ItemChunk).decode(cdr)
    assert (decoded.from_node_id, decoded.header, bytes(decoded.data)) == (node_id, header, data)
    head, view = opened(memoryview(cdr))
    assert (head.position, head.header, bytes(view)) == (9, header, data)


@given(st.binary(max_size=200))
def test_what_is_no_chunk_is_refused(junk: bytes) -> None:
    try:
        opened(memoryview(junk))
    except CodecError:
        return
    assert codec_of(ItemChunk).decode(junk) is not None


@given(st.lists(st.tuples(st.integers(0, 3), SIZES), min_size=1, max_size=12), st.randoms())
def test_every_item_arrives_once_and_in_the_order_of_its_link(items, random) -> None:  # type: ignore[no-untyped-def]
    stream, assembly = ItemStream(), ItemAssembly()
    for number, (link, size) in enumerate(items):
        stream.put(Outgoing({"n": number, "link": link}, [bytes([number]) * size], flow=(link,)))
    arrived: list[Arrived] = []
    delivered = 0
    on_the_way: list[tuple[int, int]] = []
    while not stream.idle:
        cdr = wire(stream)
        if cdr is not None:
            chunk, data = opened(memoryview(cdr))
            on_the_way.append((chunk.position, len(data)))
            assert len(on_the_way) <= WINDOW_CHUNKS
            assert sum(size for _, size in on_the_way) <= WINDOW_BYTES
            whole = assembly.add(chunk, data)
            arrived += [whole] if whole else []
        if cdr is None or random.random() < 0.3:
            position = on_the_way[random.randrange(len(on_the_way))][0] if on_the_way else 0
            delivered += len(stream.credit(position, 0.0))
            on_the_way = [(at, size) for at, size in on_the_way if at > position]
    assert delivered == len(items)
    assert sorted(one.header["n"] for one in arrived) == list(range(len(items)))
    for one in arrived:
        link, size = items[one.header["n"]]
        assert (one.header["link"], bytes(one.payload)) == (link, bytes([one.header["n"]]) * size)
    for link in range(4):
        numbers = [one.header["n"] for one in arrived if one.header["link"] == link]
        assert numbers == sorted(numbers)
    assert (assembly.incomplete, assembly.malformed, assembly.duplicates) == (0, 0, 0)


@given(st.lists(SIZES, min_size=1, max_size=8), st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)))
def test_lost_and_doubled_chunks_spoil_their_own_item_alone(sizes: list[int], lost: set[int], twice: set[int]) -> None:
    stream, assembly = ItemStream(), ItemAssembly()
    whole: set[int] = set()
    spoilt: set[int] = set()
    for number, size in enumerate(sizes):
        stream.put(Outgoing({"n": number}, [bytes(size)]))
        while (sent := stream.next_chunk(0.0)) is not None:
            chunk = ItemChunk(stream_id=7, position=sent.position, index=sent.piece.index, from_node_id="a")
            chunk.size_bytes, chunk.header = sent.item.size_bytes, json.dumps({"n": number}) if sent.is_first else ""
            cdr = b"".join(encoded(chunk, sent.piece))
            stream.credit(sent.position, 0.0)
            if sent.position in lost:
                spoilt.add(number)
                continue
            for _ in range(1 + (sent.position in twice)):
                arrived = take(assembly, cdr)
                if arrived is not None:
                    assert arrived.header["n"] not in whole
                    whole.add(arrived.header["n"])
    assert whole == set(range(len(sizes))) - spoilt


def test_the_newest_item_of_a_link_replaces_those_that_wait() -> None:
    stream = ItemStream()
    replaced = [stream.put(Outgoing({"n": n}, [b"x"], flow=("link",), newest=True)) for n in range(3)]
    stream.put(Outgoing({"n": 9}, [b""], ItemKind.END, flow=("link",)))
    assert [[old.header["n"] for old in olds] for olds in replaced] == [[], [0], [1]]
    sent = [stream.next_chunk(0.0), stream.next_chunk(0.0)]
    assert [one.item.header["n"] for one in sent if one] == [2, 9]
    assert stream.dropped == 2


def full_stream(items: int, size_bytes: int) -> tuple[ItemStream, list[int]]:
    """A stream that has sent what may be on its way, and the positions at which its items end."""
    stream, ends = ItemStream(), []
    for number in range(items):
        stream.put(Outgoing({"n": number}, [bytes(size_bytes)]))
        ends.append((number + 1) * math.ceil(size_bytes / CHUNK_BYTES))
    while stream.next_chunk(0.0):
        pass
    return stream, ends


def unknown(one: Delivered) -> bool:
    """Whether an answer tells nothing of the link."""
    return one.behind_s is not None and math.isnan(one.behind_s)


def test_while_more_waits_than_may_be_on_its_way_answers_tell_how_fast_the_link_is() -> None:
    size_bytes = WINDOW_BYTES // 4
    stream, ends = full_stream(7, size_bytes)
    (first,) = stream.credit(ends[0], 2.0)
    assert (first.took_s, first.behind_bytes) == (2.0, size_bytes)
    assert unknown(first)  # the link was idle before
    while stream.next_chunk(2.0):
        pass
    # One answer tells of two items.
    second, third = stream.credit(ends[2], 3.5)
    assert second.behind_s is None
    assert (third.item.header["n"], third.behind_s, third.behind_bytes) == (2, 1.5, 2 * size_bytes)
    while stream.next_chunk(3.5):
        pass
    # All that was left has been sent: what comes now may tell how fast the sender is.
    (fourth,) = stream.credit(ends[3], 4.0)
    assert unknown(fourth)


def test_many_small_items_tell_nothing_of_the_link_though_more_wait() -> None:
    """They wait for answers, of which there are so many on their way: a link with more room would be no faster."""
    stream, ends = full_stream(3 * WINDOW_CHUNKS, 100)
    for end in ends[:WINDOW_CHUNKS]:
        (small,) = stream.credit(end, float(end))
        assert unknown(small)
        while stream.next_chunk(float(end)):
            pass


def test_an_item_that_goes_again_tells_nothing_of_the_link() -> None:
    stream, ends = full_stream(7, WINDOW_BYTES // 4)
    stream.credit(ends[0], 1.0)
    stream.rewind()
    (again,) = stream.credit(ends[1], 9.0)
    assert unknown(again)


def test_a_dead_receiver_leaves_everything_that_it_has_not_taken() -> None:
    stream = ItemStream()
    for n in range(3):
        stream.put(Outgoing({"n": n}, [bytes(2 * WINDOW_BYTES if n == 1 else 10)], flow=(n,)))
    while stream.next_chunk(0.0) is not None:
        pass
    assert [one.item.header["n"] for one in stream.credit(1, 0.5)] == [0]
    assert sorted(item.header["n"] for item in stream.give_up()) == [1, 2]
    assert stream.idle


def test_items_of_an_epoch_that_has_ended_are_dropped() -> None:
    stream = ItemStream()
    for n in range(4):
        stream.put(Outgoing({"epoch": n % 2}, [b""], flow=(n % 2,)))
    assert len(stream.drop(lambda item: item.header["epoch"] == 0)) == 2
    assert [stream.next_chunk(0.0).item.header["epoch"] for _ in range(2)] == [1, 1]  # type: ignore[union-attr]


def test_an_item_that_is_too_large_is_refused_and_the_next_one_arrives() -> None:
    stream, assembly = ItemStream(), ItemAssembly(most_bytes=100)
    stream.put(Outgoing({"n": 0}, [bytes(101)]))
    stream.put(Outgoing({"n": 1}, [bytes(100)]))
    first, second = wire(stream), wire(stream)
    assert first
    assert second
    assert take(assembly, first) is None
    arrived = take(assembly, second)
    assert arrived
    assert arrived.header == {"n": 1}
    assert assembly.malformed == 1
