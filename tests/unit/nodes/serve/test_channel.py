"""An instance's end of the socket: what it hears before it has begun."""

import socket

import pytest

from hedgerow_nodes.serve.channel import Channel, Closed
from hedgerow_nodes.serve.frames import send

BEGIN = {"do": "epoch", "epoch": 2, "handler": "step", "name": "a"}


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    yield ours, Channel(theirs)
    ours.close()
    theirs.close()


def test_the_first_head_says_what_to_be_though_its_epoch_was_told_anew_before_it_was_read(ends):
    host, channel = ends
    send(host, BEGIN)
    send(host, {"do": "epoch", "epoch": 2, "sends": {}})
    assert channel.first() == BEGIN
    channel.poll()
    assert channel.epochs[2] == {"do": "epoch", "epoch": 2, "sends": {}}


def test_an_instance_begins_though_its_first_epoch_was_forgotten_before_it_was_read(ends):
    host, channel = ends
    send(host, BEGIN)
    send(host, {"do": "forget", "epoch": 2})
    assert channel.first() == BEGIN


def test_an_instance_that_is_closed_before_it_began_ends(ends):
    host, channel = ends
    host.close()
    with pytest.raises(Closed):
        channel.first()
