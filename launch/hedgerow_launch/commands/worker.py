"""`hedgerow worker`: see the workers, and say what they shall take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hedgerow_launch.command_group import CommandGroup
from hedgerow_launch.commands.printing import AsJson, print_json, show, table
from hedgerow_launch.commands.service_options import WorkerName
from hedgerow_launch.quantities import quantity
from hedgerow_launch.rest_client import connect
from hedgerow_launch.serving_tables import links_table, policy, workers_table

MEASURING_TIMEOUT_S = 90.0
_FIGURES = (
    "load_1",
    "cpu_percent",
    "memory_available_bytes",
    "disk_free_bytes",
    "power_w",
)

app = typer.Typer(help="See the workers, and say what they shall take.", cls=CommandGroup)

Reason = Annotated[str, typer.Option("--reason", help="Why, for others who look.")]


@app.command("list")
def list_workers(as_json: AsJson = False) -> None:
    """List every worker that was ever seen."""
    answer = connect().get("workers")
    if as_json:
        print_json(answer)
    else:
        show(workers_table(answer["items"]))


@app.command("show")
def show_worker(worker: WorkerName, as_json: AsJson = False) -> None:
    """Show what a worker is, how it is, its links and its instances."""
    client = connect()
    found = client.get("workers", worker)
    if as_json:
        print_json(found)
        return
    show(table(("field", "value"), _facts(found)))
    status = found["status"]
    if links := status.get("links"):
        names = {one["node_id"]: one["name"] for one in client.get("workers")["items"]}
        show(links_table(links, names))
    if instances := status.get("instances"):
        rows = ((one["name"], one["state"], one["pid"], one["restarts"], one["reason"]) for one in instances)
        show(table(("instance", "state", "pid", "restarts", "reason"), rows))


@app.command()
def cordon(worker: WorkerName, reason: Reason = "", as_json: AsJson = False) -> None:
    """Give a worker nothing new; what it runs goes on."""
    _wish(worker, "cordon", reason, as_json)


@app.command()
def uncordon(worker: WorkerName, reason: Reason = "", as_json: AsJson = False) -> None:
    """Let a worker have new instances again."""
    _wish(worker, "uncordon", reason, as_json)


@app.command()
def drain(worker: WorkerName, reason: Reason = "", as_json: AsJson = False) -> None:
    """Cordon a worker and move away what it runs."""
    _wish(worker, "drain", reason, as_json)


@app.command()
def measure(
    workers: Annotated[list[str] | None, typer.Argument(metavar="[WORKER]...", help="All if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the links between workers, both ways."""
    client = connect()
    body = {"workers": workers} if workers else {}
    answer = client.post("workers", "measure", body=body, timeout_s=MEASURING_TIMEOUT_S)
    if as_json:
        print_json(answer)
        return
    names = {one["node_id"]: one["name"] for one in client.get("workers")["items"]}
    rows = (
        (
            _end(link, "from", names),
            _end(link, "to", names),
            quantity("bandwidth_bytes_per_s", link.get("bandwidth_bytes_per_s")),
            quantity("latency_s", link.get("latency_s")),
            link.get("reason"),
        )
        for link in answer["links"]
    )
    show(table(("from", "to", "bandwidth", "latency", "reason"), rows))


def _wish(worker: str, verb: str, reason: str, as_json: bool) -> None:
    answer = connect().post("workers", worker, verb, body={"reason": reason})
    if as_json:
        print_json(answer)
    else:
        takes = policy(answer)
        typer.echo(f"{worker}: {'takes all' if takes == 'all' else 'draining' if takes == 'draining' else 'cordoned'}")


def _facts(worker: dict[str, Any]) -> list[tuple[str, Any]]:
    info, status = worker["info"], worker["status"]
    gpus = ", ".join(
        f"{gpu['name']} ({quantity('memory_bytes', gpu['memory_bytes'])})" for gpu in info.get("gpus") or ()
    )
    resources = ", ".join(f"{one['provider_id']} ({one['class_type']})" for one in info.get("resources") or ())
    reason = f" ({worker['reason']})" if worker["reason"] else ""
    return [
        ("name", worker["name"]),
        ("id", worker["node_id"]),
        ("state", worker["state"]),
        ("takes", policy(worker) + reason),
        ("cpu", f"{info.get('cores') or '?'} cores, {info.get('cpu_name') or 'unknown'}"),
        ("memory", quantity("memory_bytes", info.get("memory_bytes"))),
        ("gpus", gpus or "none"),
        ("labels", ", ".join(info.get("labels") or ()) or "none"),
        ("run-times", ", ".join(info.get("run_times") or ()) or "none"),
        ("execution", ", ".join(info.get("execution_providers") or ()) or "none"),
        ("resources", resources or "none"),
        ("TEE, TPM", f"{_yes(info.get('has_tee'))}, {_yes(info.get('has_tpm'))}"),
        *((name, quantity(name, status.get(name))) for name in _FIGURES),
        ("handlers", ", ".join(sorted(one["name"] for one in worker["catalogue"]))),
    ]


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _end(link: dict[str, Any], end: str, names: dict[str, str]) -> str:
    return str(link.get(end) or names.get(link.get(f"{end}_node_id", ""), link.get(f"{end}_node_id", "")))
