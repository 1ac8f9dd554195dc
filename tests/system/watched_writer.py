"""A process that writes at speed while another of its threads ticks, and says how long that thread was held up.

python watched_writer.py, in a system's environment. For each number of seconds on its standard input it writes for so
long on a topic of every QoS profile, and prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import field

from cyclonedds.idl import IdlStruct
from ticking import Ticker

from hedgerow_idl import Octets, no_octets, uint32, wire_type
from hedgerow_idl.topics import Profile, Topic
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment

SIZES_BYTES = {Profile.RING: 1024, Profile.COMMAND: 256, Profile.STATE: 256, Profile.STREAM: 1024, Profile.BULK: 2**20}
BATCHES = {Profile.RING: 32, Profile.COMMAND: 32, Profile.STATE: 32, Profile.STREAM: 32, Profile.BULK: 1}


@wire_type
class Load(IdlStruct, typename="test.Load"):
    """A number and so many octets."""

    number: uint32 = 0
    payload: Octets = field(default_factory=no_octets)


def topic(profile: Profile) -> Topic:
    """The topic that carries the load under a profile."""
    return Topic(f"test/load_{profile}", Load, profile, "the writer", ("the reader",))


def main() -> None:
    """Write whenever told to."""
    with CycloneBus(Environment.read()) as bus:
        writers = {profile: bus.writer(topic(profile)) for profile in Profile}
        samples = {profile: Load(payload=b"x" * SIZES_BYTES[profile]) for profile in Profile}
        print("ready", flush=True)
        for line in sys.stdin:
            written, longest_write_s = 0, dict.fromkeys(Profile, 0.0)
            over_at_s = time.perf_counter() + float(line)
            with Ticker() as ticker:
                while time.perf_counter() < over_at_s:
                    for profile, writer in writers.items():
                        for _ in range(BATCHES[profile]):
                            samples[profile].number = written
                            began_s = time.perf_counter()
                            writer.write(samples[profile])
                            longest_write_s[profile] = max(longest_write_s[profile], time.perf_counter() - began_s)
                            written += 1
                    bus.flush()
            said: dict[str, float] = {"written": written, "ticks": ticker.ticks}
            said |= {"longest_gap_s": ticker.longest_gap_s, "longest_held_up_s": ticker.longest_held_up_s}
            matched = min(writer.matched() for writer in writers.values())
            print(json.dumps({**said, "longest_write_s": longest_write_s, "matched": matched}), flush=True)


if __name__ == "__main__":
    main()
