"""Sinks on this machine: pictures in a folder, JSON lines in a file, a preview for the web page, the log."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from hedgerow_nodes.handlers.transport.atomic_file import place, write
from hedgerow_nodes.handlers.transport.plain_values import json_line, plain
from hedgerow_nodes.handlers.vision.coding import SUFFIXES, encoded
from hedgerow_nodes.handlers.vision.geometry import fitted
from hedgerow_nodes.serve import Context, Image, Value, parameters, sink

PREVIEW_FILE = "preview.jpg"
"""Name of the newest picture in the folder of a `preview`; the web page makes MJPEG of it."""


@parameters
class FolderParameters:
    path: Annotated[
        str, Meta(min_length=1, description="folder, made if missing; a relative one lies in the handler's own folder")
    ] = "pictures"
    format: Annotated[Literal["jpeg", "png"], Meta(description="png loses nothing")] = "jpeg"
    quality: Annotated[int, Meta(ge=1, le=100, description="of jpeg")] = 90
    keep: Annotated[int, Meta(ge=0, le=10**9, description="newest pictures to keep of those written; 0: all")] = 0


@sink("folder", inputs={"image": Image}, parameters=FolderParameters, class_type="folder")
class Folder:
    """Each picture as a file that is named by its sequence number."""

    def __init__(self, parameters: FolderParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        self._folder = place(context.folder, parameters.path)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._written: list[Path] = []

    def process(self, image: Image) -> None:
        """Write the file whole, and remove the oldest where only some are kept."""
        settings = self._settings
        file = self._folder / f"{self._context.sequence:09d}.{SUFFIXES[settings.format]}"
        write(file, encoded(image.array, settings.format, settings.quality))
        if settings.keep:
            self._written = [one for one in self._written if one != file] + [file]
            for old in self._written[: -settings.keep]:
                old.unlink(missing_ok=True)
            self._written = self._written[-settings.keep :]


@parameters
class JsonLinesParameters:
    path: Annotated[
        str, Meta(min_length=1, description="file, added to; a relative one lies in the handler's own folder")
    ] = "results.jsonl"
    with_sequence: Annotated[bool, Meta(description="put `sequence` and `epoch` before each value")] = True
    flush: Annotated[bool, Meta(description="write each line at once; false: when the buffer is full")] = True


@sink("json_lines", inputs={"value": Value}, parameters=JsonLinesParameters, class_type="json-lines")
class JsonLines:
    """Each value as a line of JSON, added to a file."""

    def __init__(self, parameters: JsonLinesParameters, context: Context) -> None:
        self._settings, self._context = parameters, context
        file = place(context.folder, parameters.path)
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("ab", buffering=65_536)

    def process(self, value: Value) -> None:
        """Add one line."""
        told = plain(value)
        if self._settings.with_sequence:
            told = {"sequence": self._context.sequence, "epoch": self._context.epoch, "value": told}
        self._file.write(json_line(told) + b"\n")
        if self._settings.flush:
            self._file.flush()

    def close(self) -> None:
        """Write what is left, on to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


@parameters
class PreviewParameters:
    fps: Annotated[float, Meta(ge=0.1, le=100.0, description="pictures a second at most; others are left out")] = 10.0
    width: Annotated[int, Meta(ge=16, le=16384, description="greatest width, pixels")] = 640
    quality: Annotated[int, Meta(ge=1, le=100, description="of jpeg")] = 70


@sink("preview", inputs={"image": Image}, parameters=PreviewParameters, class_type="preview")
class Preview:
    """The newest picture as `preview.jpg` in the handler's folder, for the web page.

    The file is replaced whole, so that who reads it never sees half a picture.
    """

    def __init__(self, parameters: PreviewParameters, context: Context) -> None:
        self._settings = parameters
        self._file = context.folder / PREVIEW_FILE
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._due_s = 0.0

    def process(self, image: Image) -> None:
        """Write the picture if the last one is old enough."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return
        small = fitted(image.array, self._settings.width, 0) if image.width > self._settings.width else image.array
        write(self._file, encoded(small, "jpeg", self._settings.quality))
        self._due_s = now_s + 1 / self._settings.fps


@parameters
class LogParameters:
    every: Annotated[int, Meta(ge=1, le=10**9, description="tell each so-many-th item only")] = 1
    most_characters: Annotated[int, Meta(ge=1, le=100_000, description="longer lines are cut")] = 1000


@sink("log", inputs={"value": Value}, parameters=LogParameters, class_type="log")
class Log:
    """Each value as JSON in the log of the handler."""

    def __init__(self, parameters: LogParameters, context: Context) -> None:
        self._settings, self._context, self._seen = parameters, context, 0

    def process(self, value: Value) -> None:
        """Tell it, at the level of information."""
        self._seen += 1
        if (self._seen - 1) % self._settings.every:
            return
        text = json_line(plain(value)).decode()
        cut = text if len(text) <= self._settings.most_characters else text[: self._settings.most_characters] + "…"
        self._context.log.info("item %d: %s", self._context.sequence, cut)
