"""Frames however the bytes are cut, and what is no frame."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.serve.frames import READ_BYTES, BadFrame, FrameReader, FrameWriter, frame

FRAMES = st.lists(
    st.tuples(st.dictionaries(st.text(max_size=3), st.integers(0, 9)), st.binary(max_size=50)), max_size=6
)


@given(FRAMES, st.lists(st.integers(1, 40), min_size=1))
def test_frames_arrive_whole_however_they_are_cut(frames, cuts):
    data = b"".join(bytes(piece) for head, payload in frames for piece in frame(head, [payload]))
    reader, seen, at, index = FrameReader(), [], 0, 0
    while at < len(data):
        size = cuts[index % len(cuts)]
        seen += reader.feed(memoryview(data)[at : at + size])
        at, index = at + size, index + 1
    assert seen == frames


@pytest.mark.parametrize("size", [0, 1, READ_BYTES - 1, READ_BYTES, 5 * READ_BYTES + 3])
def test_a_socket_that_takes_little_at_a_time(size):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        writer, reader, seen = FrameWriter(), FrameReader(), []
        payload = bytes(index % 251 for index in range(size))
        for number in range(3):
            writer.add({"number": number}, [payload[: size // 2], payload[size // 2 :]])
        while len(seen) < 3:
            writer.flush(ours)
            try:
                seen += reader.read(theirs)
            except BlockingIOError:
                assert writer.pending_bytes
        assert [head["number"] for head, _payload in seen] == [0, 1, 2]
        assert all(bytes(got) == payload for _head, got in seen)
        assert writer.pending_bytes == 0
        ours.close()
        assert reader.read(theirs) is None


def test_what_is_no_frame_is_refused():
    with pytest.raises(BadFrame, match="payload"):
        FrameReader().feed(memoryview(b"\xff" * 12))
    with pytest.raises(BadFrame, match="msgpack"):
        FrameReader().feed(memoryview(b"\x01\0\0\0" + bytes(8) + b"\xc1"))
