"""Pictures of a camera or stream that is opened again when it fails, and given up when that does not help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hedgerow_nodes.handlers.transport.back_off import GivenUp, pause_s
from hedgerow_nodes.handlers.transport.live_capture import Ended, LiveCapture, Lost, Opener
from hedgerow_nodes.handlers.transport.pacing import Pace
from hedgerow_nodes.handlers.vision.geometry import fitted
from hedgerow_nodes.serve import Context, Image


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How a stream is read: `stall_s` without a picture is a failure, of which `attempts` in a row are too many.

    `fps` is the greatest rate, 0 for every picture; `width` and `height` bound the pictures, 0 for as they are.
    """

    stall_s: float
    attempts: int
    fps: float = 0.0
    width: int = 0
    height: int = 0
    ends: bool = False


def live_pictures(what: str, opener: Opener, limits: Limits, context: Context) -> Iterator[Image]:
    """The newest picture whenever the next one is wanted, until the source shall stop.

    With `ends`, the end of the stream is the end; else it is opened anew.

    Raises:
        GivenUp: it failed too often in a row.
    """
    failures = 0
    pace = Pace(limits.fps, context.sleep)
    while not context.stopping:
        capture = LiveCapture(what, opener)
        try:
            while pace.wait():
                picture = capture.newest(limits.stall_s, lambda: context.stopping)
                if picture is None:
                    return
                failures = 0
                yield Image(fitted(picture, limits.width, limits.height))
            return
        except Lost as error:
            if limits.ends and isinstance(error, Ended):
                context.log.info("%s", error)
                return
            failures += 1
            if failures >= limits.attempts:
                raise GivenUp(f"{error} (tried {failures} times)") from error
            context.log.warning("%s; try %d of %d failed, opened again", error, failures, limits.attempts)
        finally:
            capture.close()
            if capture.replaced:
                context.log.info("%s: %d pictures were replaced by newer ones", what, capture.replaced)
        if not context.sleep(pause_s(failures)):
            return
