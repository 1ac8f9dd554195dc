"""HEDGEROW_DOMAIN keeps systems on one network apart."""

from __future__ import annotations

from pathlib import Path

from hedgerow_idl import NodeInfo
from hedgerow_idl.topics import BY_NAME
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.testing import free_domain


def test_who_is_in_another_domain_hears_nothing(tmp_path: Path) -> None:
    """Who is in the same one hears it, though it was found later; so the other one would have heard it by then."""
    topic = BY_NAME["hedgerow/node_info"]
    with free_domain() as here, free_domain() as elsewhere:
        assert here != elsewhere
        environments = [
            Environment.read({"HEDGEROW_HOME": str(tmp_path), "HEDGEROW_DOMAIN": str(number)})
            for number in (here, elsewhere, here)
        ]
        with (
            CycloneBus(environments[0]) as speaker,
            CycloneBus(environments[1]) as stranger,
            CycloneBus(environments[2]) as neighbour,
        ):
            outside = stranger.reader(topic)
            writer = speaker.writer(topic)
            writer.write(NodeInfo(node_id="n", name="here"))
            speaker.flush()
            inside = neighbour.reader(topic)
            heard: list[str] = []
            for _ in range(100):
                neighbour.wait(0.1)
                heard += [received.sample.name for received in inside.take() if received.sample is not None]
                if heard:
                    break
            stranger.wait(0.5)
            assert heard == ["here"]
            assert outside.take() == []
