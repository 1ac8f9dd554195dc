"""Scene `faces`: a face recognition chain over two workers, on pictures and then on a video."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from hedgerow_launch.failures import FAILED, CommandFailure
from hedgerow_launch.rest_client import RestClient
from hedgerow_launch.scenes.blueprints import shipped
from hedgerow_launch.scenes.material import PERSON, VIDEO_FRAMES, make_material
from hedgerow_launch.scenes.service_play import Say, ServicePlay, read_lines

WITHIN_S = 120.0


def play(client: RestClient, folder: Path, say: Say) -> dict[str, Any]:
    """Who was seen how often in the pictures and in the video.

    Raises:
        CommandFailure: somebody was not recognised, or an item is missing.
    """
    material = make_material(folder)
    service = ServicePlay(client, say)
    service.wait_for_workers(2)
    seen: dict[str, Any] = {}
    for what, source, count in (("pictures", "image_folder", 2), ("video", "video_file", VIDEO_FRAMES)):
        results = material.results / what
        blueprint = shipped("faces", {**material.names(), "results": str(results)})
        blueprint["name"] = f"faces-{what}"
        path = material.pictures if what == "pictures" else material.video
        blueprint["handlers"][0] |= {"type": source, "parameters": {"path": str(path)}}
        service_id = service.deploy(blueprint)
        service.wait(service_id, {"ENDED"}, WITHIN_S)
        lines = read_lines(results / "faces.jsonl")
        names = Counter(box["label"] for line in lines for box in line["value"]["boxes"])
        say(f"  {len(lines)} of {count} answered; seen: {dict(names)}; pictures with names in {results / 'faces'}")
        if [line["sequence"] for line in lines] != list(range(count)) or not names[PERSON]:
            raise CommandFailure(f"{PERSON} should be seen in {count} answers, one each: {lines}", FAILED)
        service.delete(service_id)
        seen[what] = {"answers": len(lines), "names": dict(names)}
    return seen
