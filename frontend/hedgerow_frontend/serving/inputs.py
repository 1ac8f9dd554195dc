"""Inputs for services and models as they are sent: read up to a limit, small ones handed on, others kept as files."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from hedgerow_frontend.problem_details import ApiError, field_error
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.files import Empty, Kept, TooLarge, keep
from hedgerow_frontend.wishes import unavailable

INLINE_BYTES = 48 * 1024
"""What is smaller travels within the request to the orchestrator, and the rest as a file."""
KEPT_S = 600.0
"""How long an input's file is kept; no result is waited for as long."""
FORM_BYTES = 64 * 1024
"""What a form with a file may have beside it."""
ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "application/octet-stream": ".bin"}


@contextmanager
def reading(field: str, most_bytes: int, beside_bytes: int = 0) -> Iterator[None]:
    """Let the body of this request be larger than others: `most_bytes`, and `beside_bytes` of a form around it.

    Raises:
        ApiError: 422 for the field: the body is larger, which is noticed while it is read within.
    """
    request.max_content_length = most_bytes + beside_bytes
    try:
        yield
    except RequestEntityTooLarge:
        raise too_large(field, most_bytes, request.content_length) from None


def encoded_image(stream: BinaryIO, media_type: str, size_bytes: int | None) -> dict[str, Any]:
    """An encoded image as an input: small ones within it, others, and those of unknown size, as a file.

    Raises:
        ApiError: 422 for an image without content or of more than is taken; 503, it cannot be kept.
    """
    settings = services().settings
    value: dict[str, Any] = {"type": "encoded_image", "media_type": media_type}
    if size_bytes is not None and 0 < size_bytes < INLINE_BYTES:
        return {**value, "data": base64.b64encode(stream.read(size_bytes)).decode()}
    folder = settings.home / "uploads"
    kept = kept_file(stream, folder, ENDINGS[media_type], settings.input_max_bytes)
    _prune(folder, kept.path)
    return {**value, "path": str(kept.path.absolute()), "sha256": kept.sha256, "size_bytes": kept.size_bytes}


def kept_file(stream: BinaryIO, folder: Path, ending: str, most_bytes: int, field: str = "body") -> Kept:
    """Keep what a stream holds.

    Raises:
        ApiError: 422 for the field: nothing or too much came; 503, it cannot be written.
    """
    try:
        return keep(stream, folder, ending, most_bytes)
    except TooLarge:
        raise too_large(field, most_bytes, None) from None
    except Empty:
        raise field_error(field, "is empty; send the bytes of the file") from None
    except OSError as error:
        raise unavailable(f"{folder} cannot be written: {error.strerror or error}") from None


def too_large(field: str, most_bytes: int, size_bytes: int | None) -> ApiError:
    """The 422 for what is larger than is read."""
    size = f"has {size_bytes} bytes" if size_bytes else "is too large"
    return field_error(field, f"{size}; at most {most_bytes} are read", code="too_large")


def unsupported(media_type: str, known: tuple[str, ...]) -> ApiError:
    """The 415 for a media type that is not read."""
    detail = f"Content-Type {media_type!r} is not read here; send {', '.join(known)}"
    return ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)


def _prune(folder: Path, but: Path) -> None:
    """Remove inputs that nobody waits for any more; the folder stays as small as what came lately."""
    oldest_s = time.time() - KEPT_S
    for path in folder.iterdir():
        try:
            if path != but and path.stat().st_mtime < oldest_s:
                path.unlink()
        except FileNotFoundError:
            continue  # another request has removed it
