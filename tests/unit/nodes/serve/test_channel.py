"""What an instance hears first, whatever comes together with it."""

from __future__ import annotations

import socket

from hedgerow_nodes.serve.channel import Channel
from hedgerow_nodes.serve.frames import send


def test_the_order_to_begin_outlasts_what_is_told_of_its_epoch_right_after() -> None:
    host, instance = socket.socketpair()
    with host, instance:
        told = {"do": "epoch", "epoch": 4, "senders": {}, "gaps": False, "joined": {}}
        for head in ({**told, "handler": "resize"}, told, {"do": "forget", "epoch": 4}):
            send(host, head, ())
        assert Channel(instance).first()["handler"] == "resize"
