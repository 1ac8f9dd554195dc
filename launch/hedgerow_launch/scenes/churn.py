"""Scene `churn`: while faces are recognised a worker joins, one leaves, and one is killed; results go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hedgerow_launch.failures import FAILED, CommandFailure
from hedgerow_launch.rest_client import RestClient, TimedOut
from hedgerow_launch.scenes.blueprints import shipped
from hedgerow_launch.scenes.material import make_material
from hedgerow_launch.scenes.service_play import Say, ServicePlay, read_lines

GUEST = "worker-guest"
FRAMES_A_SECOND = 8.0
NEXT_RESULT_WITHIN_S = 15.0


def play(client: RestClient, folder: Path, say: Say) -> dict[str, Any]:
    """How long after each change the next result came, and the causes of the epochs.

    Raises:
        CommandFailure: results stopped, or one was answered twice.
    """
    material = make_material(folder)
    service = ServicePlay(client, say)
    service.wait_for_workers(2)
    blueprint = shipped("faces", material.names())
    source = {"path": str(material.video), "repeat": 0, "fps": FRAMES_A_SECOND}
    blueprint["handlers"][0] |= {"type": "video_file", "parameters": source}
    service_id = service.deploy(blueprint)
    results = material.results / "faces.jsonl"
    _next_result(results, 0)
    after_s: dict[str, float] = {}
    guest = subprocess.Popen([sys.executable, "-m", "hedgerow_nodes.worker", "--name", GUEST])
    try:
        service.wait_for_workers(3)
        say(f"{GUEST} has joined")
        client.post("services", service_id, "migrate", body={"handler": "recognise", "to": GUEST})
        service.wait_for_instance(service_id, "recognise", GUEST)
        after_s["move"] = _next_result(results, len(read_lines(results)))
        service.tell_placement(service_id)
        guest.send_signal(signal.SIGTERM)
        guest.wait(20)
        after_s["leave"] = _next_result(results, len(read_lines(results)))
        say(f"{GUEST} has left; next result after {after_s['leave']:.2f} s")
    finally:
        guest.kill()
        guest.wait()
    service.wait_for_move(service_id, "recognise", GUEST)
    service.tell_placement(service_id)
    victim = service.worker_of(service_id, "recognise")
    os.kill(int(client.get("nodes", victim)["info"]["pid"]), signal.SIGKILL)
    after_s["kill"] = _next_result(results, len(read_lines(results)))
    say(f"{victim} was killed; next result after {after_s['kill']:.2f} s")
    service.wait(service_id, {"RUNNING"}, 30.0)
    service.tell_placement(service_id)
    sequences = [line["sequence"] for line in read_lines(results)]
    causes = [epoch["cause"] for epoch in service.epochs(service_id)]
    say(f"  {len(sequences)} results, {len(set(sequences))} different; epochs: {', '.join(causes)}")
    if len(sequences) != len(set(sequences)):
        raise CommandFailure("a picture was answered twice", FAILED)
    service.delete(service_id)
    return {"next_result_after_s": after_s, "results": len(sequences), "causes": causes}


def _next_result(results: Path, had: int) -> float:
    """Seconds until there are more lines than before.

    Raises:
        TimedOut: there are none in time.
    """
    began_s = time.monotonic()
    while len(read_lines(results)) <= had:
        if time.monotonic() - began_s > NEXT_RESULT_WITHIN_S:
            raise TimedOut(f"no further result within {NEXT_RESULT_WITHIN_S:g} s; there are {had}")
        time.sleep(0.05)
    return time.monotonic() - began_s
