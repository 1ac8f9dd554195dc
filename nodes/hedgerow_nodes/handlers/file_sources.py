"""Sources that read files: a folder of pictures, and a video."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import cv2
from msgspec import Meta

from hedgerow_nodes.handlers.transport.pacing import Pace
from hedgerow_nodes.handlers.vision.coding import UnreadablePicture, decoded
from hedgerow_nodes.handlers.vision.geometry import fitted
from hedgerow_nodes.serve import Context, Image, parameters, source

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
Bound = Annotated[int, Meta(ge=0, le=16384, description="greatest size in pixels, keeping the ratio; 0: as it is")]
Repeat = Annotated[int, Meta(ge=0, le=1_000_000, description="times to go through; 0: until stopped")]


class NothingToRead(Exception):
    """A path at which there is no picture or video that can be read."""


@parameters
class ImageFolderParameters:
    path: Annotated[str, Meta(min_length=1, description="a folder, a picture, or a pattern as photos/*.jpg")]
    fps: Annotated[float, Meta(ge=0.0, le=1000.0, description="pictures a second; 0: as fast as they are taken")] = 0.0
    repeat: Repeat = 1
    width: Bound = 0
    height: Bound = 0


@source("image_folder", outputs={"image": Image}, parameters=ImageFolderParameters, class_type="image-folder")
class ImageFolder:
    """The pictures of a folder by name; one that cannot be read is left out and logged."""

    def __init__(self, parameters: ImageFolderParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        if not self._files():
            raise NothingToRead(f"path {parameters.path!r} has no pictures; known: {', '.join(SUFFIXES)}")

    def items(self) -> Iterator[Image]:
        """One picture after the other; each round looks into the folder anew."""
        pace = Pace(self._settings.fps, self._context.sleep)
        rounds = 0
        while not self._settings.repeat or rounds < self._settings.repeat:
            given = 0
            for file in self._files():
                picture = self._read(file)
                if picture is not None:
                    if not pace.wait():
                        return
                    yield picture
                    given += 1
            if not given:
                raise NothingToRead(f"path {self._settings.path!r} has no picture that can be read")
            rounds += 1

    def _files(self) -> list[Path]:
        meant = Path(self._settings.path).expanduser()
        if meant.is_dir():
            found = list(meant.iterdir())
        elif meant.is_file():
            return [meant]
        else:
            found = [Path(name) for name in glob.glob(str(meant))]
        return sorted(file for file in found if file.suffix.lower() in SUFFIXES)

    def _read(self, file: Path) -> Image | None:
        try:
            return Image(fitted(decoded(file.read_bytes()), self._settings.width, self._settings.height))
        except (OSError, UnreadablePicture) as error:
            self._context.log.warning("%s is left out: %s", file, error)
            return None


@parameters
class VideoFileParameters:
    path: Annotated[str, Meta(min_length=1, description="of the video")]
    fps: Annotated[float, Meta(ge=0.0, le=1000.0, description="pictures a second; 0: as the file says")] = 0.0
    paced: Annotated[bool, Meta(description="false: as fast as they are taken")] = True
    repeat: Repeat = 1
    width: Bound = 0
    height: Bound = 0


@source("video_file", outputs={"image": Image}, parameters=VideoFileParameters, class_type="video-file")
class VideoFile:
    """All pictures of a video in their order, and then its end."""

    def __init__(self, parameters: VideoFileParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        self._open().release()

    def items(self) -> Iterator[Image]:
        """One picture after the other; a file that breaks off early is logged."""
        settings, rounds = self._settings, 0
        while not settings.repeat or rounds < settings.repeat:
            video = self._open()
            try:
                rate = settings.fps or float(video.get(cv2.CAP_PROP_FPS)) or 25.0
                pace = Pace(rate if settings.paced else 0.0, self._context.sleep)
                given, told = 0, int(video.get(cv2.CAP_PROP_FRAME_COUNT))
                while True:
                    is_read, picture = video.read()
                    if not is_read:
                        break
                    if not pace.wait():
                        return
                    yield Image(fitted(picture[..., ::-1].copy(), settings.width, settings.height))
                    given += 1
            finally:
                video.release()
            if not given:
                raise NothingToRead(f"path {settings.path!r} is a video without pictures that can be read")
            if given < told:
                self._context.log.warning("%s ends after %d of %d pictures", settings.path, given, told)
            rounds += 1

    def _open(self) -> Any:
        path = Path(self._settings.path).expanduser()
        if not path.is_file():
            raise NothingToRead(f"path {self._settings.path!r} is no file; give that of a video")
        video = cv2.VideoCapture(str(path))
        if not video.isOpened():
            raise NothingToRead(f"path {self._settings.path!r} cannot be read as a video")
        return video
