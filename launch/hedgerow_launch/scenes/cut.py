"""Scene `cut`: EfficientNet-Lite0 cut over three workers whose links are slow, in network namespaces."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from hedgerow_launch.failures import FAILED, CommandFailure
from hedgerow_launch.rest_client import RestClient
from hedgerow_launch.scenes.blueprints import shipped
from hedgerow_launch.scenes.material import make_material
from hedgerow_launch.scenes.service_play import Say, ServicePlay, read_lines

WITHIN_S = 180.0
REPEATS = 20
HOSTS = 3
RATE_BIT_PER_S = 200e6


def play(client: RestClient, folder: Path, say: Say) -> dict[str, Any]:
    """The boundaries as planned and as deployed, and what the network said.

    Raises:
        CommandFailure: an answer is missing or differs between rounds, or what runs is not what was planned.
    """
    material = make_material(folder)
    service = ServicePlay(client, say)
    workers = service.wait_for_workers(HOSTS)
    links = client.post("workers", "measure", body={})["links"]
    names = {worker["node_id"]: worker["name"] for worker in workers}
    for link in links:
        rate, delay = link["bandwidth_bytes_per_s"], link["latency_s"]
        ends = f"{names.get(link['from_node_id'], '?')} to {names.get(link['to_node_id'], '?')}"
        say(f"  {ends}: {rate * 8e-6:.0f} Mbit/s, {delay * 1e3:.2f} ms")
    service_id = service.deploy(shipped("cut", material.names()))
    running = client.get("services", service_id)
    parts = sorted(
        (instance["parameters"]["first"], instance["parameters"]["last"], names.get(instance["node_id"], "?"))
        for instance in running["plan"]["instances"]
        if instance["handler"] == "onnx_partition"
    )
    for first, last, name in parts:
        say(f"  layers {first} to {last}: {name}")
    service.wait(service_id, {"ENDED"}, WITHIN_S)
    lines = read_lines(material.results / "cut.jsonl")
    answers = [line["value"]["classes"][0]["label"] for line in lines]
    rounds = {tuple(answers[at : at + 2]) for at in range(0, len(answers), 2)}
    say(f"  {len(lines)} answers; each round: {', '.join(sorted(rounds)[0]) if rounds else 'nothing'}")
    whole = all(before[1] == after[0] for before, after in pairwise(parts))
    if len(lines) != 2 * REPEATS or len(rounds) != 1 or len(parts) != HOSTS or not whole:
        raise CommandFailure(f"{len(lines)} answers, rounds {rounds}, parts {parts}", FAILED)
    service.delete(service_id)
    return {"parts": parts, "answers": len(lines), "round": next(iter(rounds)), "links": links}
