"""A worker: a node that hosts handler instances, one process each, and moves items to the workers beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hedgerow_nodes.core.bus import Bus
from hedgerow_nodes.core.configuration import ConfigurationInvalid
from hedgerow_nodes.core.environment import Environment
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.core.runner import run_loop
from hedgerow_nodes.serve.host import Host
from hedgerow_nodes.worker_side.capabilities import look_at_machine, trouble_with
from hedgerow_nodes.worker_side.configuration import WorkerConfiguration
from hedgerow_nodes.worker_side.hosting import Hosting, OnOutgoing
from hedgerow_nodes.worker_side.loop import KIND, SENTENCE, WorkerLoop


def worker(environment: Environment, configuration: WorkerConfiguration, bus: Bus, identity: Identity) -> WorkerLoop:
    """A worker on a bus.

    Raises:
        ConfigurationInvalid: the machine cannot be what the configuration says.
    """
    folder = environment.home / "workers" / identity.name
    folder.mkdir(parents=True, exist_ok=True)
    machine = look_at_machine(folder)
    trouble = trouble_with(configuration, machine)
    if trouble:
        raise ConfigurationInvalid(trouble)

    def host(folder: Path, modules: Sequence[str], on_event: Callable[[], None], on_outgoing: OnOutgoing) -> Hosting:
        # The worker may be told others while it runs.
        def providers() -> Sequence[str]:
            return loop.configuration.execution_providers

        return Host(folder, modules, on_event, on_outgoing, home=environment.home, execution_providers=providers)

    loop = WorkerLoop(configuration, bus, identity, folder, machine, host, models=environment.home / "models")
    return loop


if __name__ == "__main__":
    run_loop(worker, KIND, SENTENCE, WorkerConfiguration, lease_s=lambda told: float(told.refresh_deadline_s))
