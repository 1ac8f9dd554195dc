"""What the scenes of serving look at: the pictures that ship with the weights, a video made of them, a gallery."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

PERSON = "Eileen Collins"
VIDEO_FRAMES = 24
VIDEO_FPS = 12.0


@dataclass(frozen=True)
class Material:
    """Where things lie in a scene's folder."""

    pictures: Path
    video: Path
    gallery: Path
    results: Path
    model: Path

    def names(self) -> dict[str, str]:
        """What `${…}` in a blueprint means."""
        return {
            "pictures": str(self.pictures),
            "video": str(self.video),
            "gallery": str(self.gallery),
            "results": str(self.results),
            "model": str(self.model),
        }


def make_material(folder: Path) -> Material:
    """Lay everything out in a folder.

    Raises:
        ImportError: OpenCV is missing, which makes the video; the extra `serve` has it.
    """
    weights = Path(str(files("hedgerow_nodes.estimators"))) / "weights"
    made = Material(
        pictures=folder / "pictures",
        video=folder / "walk.avi",
        gallery=folder / "gallery",
        results=folder / "results",
        model=weights / "efficientnet-lite0.onnx",
    )
    for each in (made.pictures, made.gallery, made.results):
        each.mkdir(parents=True, exist_ok=True)
    for name in ("astronaut.jpg", "chelsea.jpg"):
        shutil.copyfile(weights / "samples" / name, made.pictures / name)
    shutil.copyfile(weights / "samples" / "astronaut.jpg", made.gallery / f"{PERSON}.jpg")
    _make_video(made.pictures / "astronaut.jpg", made.video)
    return made


def _make_video(picture: Path, video: Path) -> None:
    """A camera that moves over a picture, as Motion JPEG."""
    import cv2

    image = cv2.imread(str(picture))
    assert image is not None, f"{picture} is no picture"
    height, width = image.shape[0] - VIDEO_FRAMES, image.shape[1] - VIDEO_FRAMES
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), VIDEO_FPS, (width, height))
    for at in range(VIDEO_FRAMES):
        writer.write(image[at : at + height, at : at + width])
    writer.release()
