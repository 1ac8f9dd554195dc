"""Sources that go on by themselves: a camera, a video stream over RTSP or HTTP, and pictures that a web server shows.

The newest picture wins: what comes while the service is busy is replaced, so that results stay fresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import cv2
from msgspec import Meta

from hedgerow_nodes.handlers.transport.back_off import Stopped, tried
from hedgerow_nodes.handlers.transport.fetching import Unreachable, checked_url, exchange, without_secret
from hedgerow_nodes.handlers.transport.live_pictures import Limits, live_pictures
from hedgerow_nodes.handlers.transport.pacing import Pace
from hedgerow_nodes.handlers.vision.coding import UnreadablePicture, decoded
from hedgerow_nodes.handlers.vision.geometry import fitted
from hedgerow_nodes.serve import Context, Image, parameters, source

Bound = Annotated[int, Meta(ge=0, le=16384, description="greatest size in pixels, keeping the ratio; 0: as it is")]
MostFps = Annotated[float, Meta(ge=0.0, le=1000.0, description="pictures a second at most; 0: all")]
Stall = Annotated[float, Meta(ge=0.1, le=600.0, description="seconds without a picture that are a failure")]
Attempts = Annotated[int, Meta(ge=1, le=1000, description="failures in a row before it is given up")]


@parameters
class CameraParameters:
    index: Annotated[int, Meta(ge=0, le=255, description="which camera of the machine")] = 0
    width: Annotated[int, Meta(ge=1, le=16384, description="asked of the camera, pixels")] = 640
    height: Annotated[int, Meta(ge=1, le=16384, description="asked of the camera, pixels")] = 480
    fps: Annotated[float, Meta(ge=0.1, le=1000.0, description="asked of the camera, and at most given")] = 25.0
    stall_s: Stall = 5.0
    attempts: Attempts = 5


@source("camera", outputs={"image": Image}, parameters=CameraParameters, class_type="camera")
class Camera:
    """A camera of the machine that the worker runs on."""

    def __init__(self, parameters: CameraParameters, context: Context) -> None:
        self._settings, self._context = parameters, context

    def items(self) -> Iterator[Image]:
        """The newest picture each time; a camera that cannot be opened is tried again, then given up."""
        settings = self._settings
        limits = Limits(stall_s=settings.stall_s, attempts=settings.attempts, fps=settings.fps)
        return live_pictures(f"camera {settings.index}", self._open, limits, self._context)

    def _open(self) -> Any:
        camera = cv2.VideoCapture(self._settings.index)
        camera.set(cv2.CAP_PROP_FRAME_WIDTH, self._settings.width)
        camera.set(cv2.CAP_PROP_FRAME_HEIGHT, self._settings.height)
        camera.set(cv2.CAP_PROP_FPS, self._settings.fps)
        return camera


@parameters
class RtspParameters:
    url: Annotated[str, Meta(min_length=1, description="rtsp://HOST/… or rtsps://HOST/…")]
    fps: MostFps = 0.0
    width: Bound = 0
    height: Bound = 0
    stall_s: Stall = 10.0
    attempts: Attempts = 5


@source("rtsp", outputs={"image": Image}, parameters=RtspParameters, class_type="rtsp")
class Rtsp:
    """A video stream over RTSP, opened again when it stalls or ends."""

    def __init__(self, parameters: RtspParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        checked_url(parameters.url, ("rtsp", "rtsps"))

    def items(self) -> Iterator[Image]:
        """The newest picture each time."""
        settings = self._settings
        limits = Limits(
            stall_s=settings.stall_s,
            attempts=settings.attempts,
            fps=settings.fps,
            width=settings.width,
            height=settings.height,
        )
        what = without_secret(settings.url)
        return live_pictures(what, opened(settings.url, settings.stall_s), limits, self._context)


@parameters
class HttpVideoParameters:
    url: Annotated[str, Meta(min_length=1, description="http://HOST/… or https://HOST/…, MJPEG or a video file")]
    fps: MostFps = 0.0
    width: Bound = 0
    height: Bound = 0
    stall_s: Stall = 10.0
    attempts: Attempts = 5
    ends: Annotated[bool, Meta(description="its end is the end; false: it is opened again")] = False


@source("http_video", outputs={"image": Image}, parameters=HttpVideoParameters, class_type="http")
class HttpVideo:
    """A video over HTTP, as the MJPEG stream of a network camera."""

    def __init__(self, parameters: HttpVideoParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        checked_url(parameters.url, ("http", "https"))

    def items(self) -> Iterator[Image]:
        """The newest picture each time."""
        settings = self._settings
        limits = Limits(
            stall_s=settings.stall_s,
            attempts=settings.attempts,
            fps=settings.fps,
            width=settings.width,
            height=settings.height,
            ends=settings.ends,
        )
        what = without_secret(settings.url)
        return live_pictures(what, opened(settings.url, settings.stall_s), limits, self._context)


@parameters
class HttpImagesParameters:
    urls: Annotated[tuple[str, ...], Meta(min_length=1, max_length=10_000, description="of pictures, asked in turn")]
    fps: Annotated[float, Meta(ge=0.001, le=1000.0, description="pictures a second")] = 1.0
    repeat: Annotated[int, Meta(ge=0, le=1_000_000, description="times to go through; 0: until stopped")] = 1
    width: Bound = 0
    height: Bound = 0
    timeout_s: Annotated[float, Meta(ge=0.1, le=600.0, description="of each answer")] = 10.0
    attempts: Attempts = 5
    most_bytes: Annotated[int, Meta(ge=1, le=2**30, description="a larger picture is refused")] = 2**25


@source("http_images", outputs={"image": Image}, parameters=HttpImagesParameters, class_type="http")
class HttpImages:
    """Pictures at web addresses, as the snapshot of a network camera, asked again and again."""

    def __init__(self, parameters: HttpImagesParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        for url in parameters.urls:
            checked_url(url, ("http", "https"))

    def items(self) -> Iterator[Image]:
        """One picture after the other; each is tried `attempts` times."""
        settings, rounds = self._settings, 0
        pace = Pace(settings.fps, self._context.sleep)
        while not settings.repeat or rounds < settings.repeat:
            for url in settings.urls:
                if not pace.wait():
                    return
                try:
                    yield self._one(url)
                except Stopped:
                    return
            rounds += 1

    def _one(self, url: str) -> Image:
        settings = self._settings

        def picture() -> Image:
            body, _ = exchange(url, settings.timeout_s, settings.most_bytes)
            try:
                return Image(fitted(decoded(body), settings.width, settings.height))
            except UnreadablePicture as error:
                raise Unreachable(f"{without_secret(url)} gives no picture: {error}") from error

        return tried(picture, Unreachable, settings.attempts, self._context.sleep, self._context.log.warning)


def opened(url: str, timeout_s: float) -> Callable[[], Any]:
    """How OpenCV opens a stream, with its own time-outs beside ours."""
    limit_ms = max(int(timeout_s * 1000), 1)
    settings = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit_ms]
    return lambda: cv2.VideoCapture(url, cv2.CAP_FFMPEG, settings)
