"""A process with a host and some instances; says their process ids, and waits to be killed."""

import sys
import threading

from tests.system.host_world import HostWorld, plan

world = HostWorld(sys.argv[1])
handlers = {"a": ("count", {"pause_s": 0.01}), "b": ("step", {}), "out": ("tell", {})}
world.run(plan(handlers, ["a.record > b.record", "b.record > out.value"]))
pids = [world.host.fork_server_pid(), *(pid for *_ids, pid in world.host.processes())]
print(*pids, flush=True)
threading.Event().wait()
