"""A process that reads all that `watched_writer.py` writes. python load_reader.py, in a system's environment."""

from __future__ import annotations

from watched_writer import topic

from hedgerow_idl.topics import Profile
from hedgerow_nodes.core.cyclone_bus import CycloneBus
from hedgerow_nodes.core.environment import Environment

if __name__ == "__main__":
    with CycloneBus(Environment.read()) as bus:
        readers = [bus.reader(topic(profile)) for profile in Profile]
        print("ready", flush=True)
        while True:
            bus.wait(1.0)
            for reader in readers:
                reader.take_raw()
