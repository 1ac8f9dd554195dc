"""Blueprints to begin with: each runs on any worker as it is, without a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_NUMBERS = """\
# Made-up records, two a second, written to the worker's log.
name = "numbers"

[[handlers]]
name = "numbers"
type = "generator"
parameters = { fps = 2, count = 0 }

[[handlers]]
name = "log"
type = "log"

[[links]]
from = "numbers.record"
to = "log.value"
"""

_PREVIEW = """\
# Made-up pictures, smaller on the way, to be seen on the service's page.
name = "preview"

[[handlers]]
name = "pictures"
type = "generator"                     # a camera: type = "camera", "rtsp", "video_file" or "image_folder"
parameters = { kind = "image", fps = 2, count = 0 }

[[handlers]]
name = "smaller"
type = "resize"
parameters = { width = 320, height = 240 }

[[handlers]]
name = "screen"
type = "preview"

[[links]]
from = "pictures.image"
to = "smaller.image"
mode = "newest"

[[links]]
from = "smaller.image"
to = "screen.image"
"""

_ASK = """\
# Send it a picture on its page, by `hedgerow service infer ask photo.jpg` or over REST: it answers what is in there.
name = "ask"

[[handlers]]
name = "asked"
type = "request"

[[handlers]]
name = "decode"
type = "decode"

[[handlers]]
name = "detect"
type = "detect_objects"                # or detect_faces

[[handlers]]
name = "answer"
type = "response"

[[links]]
from = "asked.value"
to = "decode.encoded_image"

[[links]]
from = "decode.image"
to = "detect.image"

[[links]]
from = "detect.boxes"
to = "answer.value"
"""

EXAMPLES: Mapping[str, str] = MappingProxyType({"numbers": _NUMBERS, "preview": _PREVIEW, "ask": _ASK})
"""TOML by name."""
