"""The library's log: refused samples are counted by domain and topic, in whatever pieces the lines come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.core.library_log import LibraryLog

REFUSED = (
    b"1795704486.564643 [68]     recvUC: data(application, vendor 1.16): 11026df:9385570e:1a541c5:203 #2: "
    b"deserialization hedgerow/command_answer/hedgerow::control::CommandAnswer failed (for reasons unknown)\n"
)
NO_PACKET = b"1795704486.564504 [68]     recvUC: malformed packet received from vendor 1.16 length 3 state parse:DATA\n"
OTHER = b"1795704486.564504 [68]        tev: ddsi_udp_conn_write to udp/10.0.0.1:7410 failed with retcode -1\n"


@given(st.lists(st.integers(1, 600), max_size=6))
def test_lines_in_pieces_are_counted_as_whole_ones(cuts: list[int]) -> None:
    log, text = LibraryLog(), REFUSED * 3 + NO_PACKET + REFUSED.replace(b"[68]", b"[7]")
    edges = [0, *sorted(cuts), len(text)]
    for begin, end in itertools.pairwise(edges):
        log.feed(text[begin:end])
    assert (log.refused(68, "hedgerow/command_answer"), log.refused(7, "hedgerow/command_answer")) == (3, 1)
    assert log.refused(68, "hedgerow/request") == 0


def test_the_first_of_a_kind_is_logged_and_everything_else_in_full(caplog: pytest.LogCaptureFixture) -> None:
    log = LibraryLog()
    log.feed(REFUSED * 5 + NO_PACKET * 5 + OTHER * 2)
    said = [record.getMessage() for record in caplog.records]
    assert [message.split(":")[0] for message in said] == ["bus", "bus", "dds", "dds"]
    assert "malformed sample on hedgerow/command_answer refused" in said[0]
    assert "udp/10.0.0.1:7410" in said[2]


def test_a_goodbye_that_names_its_instance_by_a_hash_is_no_malformed_sample(caplog: pytest.LogCaptureFixture) -> None:
    log = LibraryLog()
    log.feed(REFUSED.replace(b"for reasons unknown", b"keyhash is MD5 and can't be converted to key value"))
    assert log.refused(68, "hedgerow/command_answer") == 0
    assert caplog.records == []
