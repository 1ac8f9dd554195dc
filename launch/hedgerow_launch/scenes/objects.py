"""Scene `objects`: pictures sent encoded from one worker, decoded and searched for objects on another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hedgerow_launch.failures import FAILED, CommandFailure
from hedgerow_launch.rest_client import RestClient
from hedgerow_launch.scenes.blueprints import shipped
from hedgerow_launch.scenes.material import make_material
from hedgerow_launch.scenes.service_play import Say, ServicePlay, read_lines

WITHIN_S = 120.0
WANTED = ("person", "cat")
"""What is on the two pictures, in their order."""


def play(client: RestClient, folder: Path, say: Say) -> dict[str, Any]:
    """The objects of each picture.

    Raises:
        CommandFailure: one was not found.
    """
    material = make_material(folder)
    service = ServicePlay(client, say)
    service.wait_for_workers(2)
    service_id = service.deploy(shipped("objects", material.names()))
    service.wait(service_id, {"ENDED"}, WITHIN_S)
    lines = read_lines(material.results / "objects.jsonl")
    found = [[box["label"] for box in line["value"]["boxes"]] for line in lines]
    for at, labels in enumerate(found):
        say(f"  picture {at}: {', '.join(labels) or 'nothing'}")
    if len(found) != len(WANTED) or any(name not in labels for name, labels in zip(WANTED, found, strict=True)):
        raise CommandFailure(f"wanted {' and '.join(WANTED)}, one each; found {found}", FAILED)
    service.delete(service_id)
    say(f"  pictures with boxes in {material.results / 'objects'}")
    return {"objects": found}
