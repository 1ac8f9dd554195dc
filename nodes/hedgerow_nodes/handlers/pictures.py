"""Handlers that change a picture or how it is stored: resize, encode, decode, crop."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from hedgerow_nodes.handlers.vision.coding import MEDIA_TYPES, Format, decoded, encoded
from hedgerow_nodes.handlers.vision.geometry import cut, fitted, resized
from hedgerow_nodes.serve import EncodedImage, Image, handler, parameters


@parameters
class ResizeParameters:
    width: Annotated[int, Meta(ge=1, le=16384, description="pixels")] = 640
    height: Annotated[int, Meta(ge=1, le=16384, description="pixels")] = 480
    keep_ratio: Annotated[bool, Meta(description="fit into width x height instead of filling it")] = False


@handler("resize", inputs={"image": Image}, outputs={"image": Image}, parameters=ResizeParameters)
class Resize:
    """Resize to a width and a height in pixels."""

    def __init__(self, parameters: ResizeParameters) -> None:
        self._to = parameters

    def process(self, image: Image) -> Image:
        """The picture at the new size."""
        change = fitted if self._to.keep_ratio else resized
        return Image(change(image.array, self._to.width, self._to.height))


@parameters
class EncodeParameters:
    format: Annotated[Literal["jpeg", "png"], Meta(description="png loses nothing")] = "jpeg"
    quality: Annotated[int, Meta(ge=1, le=100, description="of jpeg; a png is packed harder the lower it is")] = 80


@handler("encode", inputs={"image": Image}, outputs={"encoded_image": EncodedImage}, parameters=EncodeParameters)
class Encode:
    """Store a picture as JPEG or PNG."""

    def __init__(self, parameters: EncodeParameters) -> None:
        self._format: Format = parameters.format
        self._quality = parameters.quality

    def process(self, image: Image) -> EncodedImage:
        """The picture as a file's bytes."""
        return EncodedImage(encoded(image.array, self._format, self._quality), MEDIA_TYPES[self._format])


@parameters
class DecodeParameters:
    most_pixels: Annotated[int, Meta(ge=1, le=2**30, description="a larger picture is refused")] = 2**26


@handler("decode", inputs={"encoded_image": EncodedImage}, outputs={"image": Image}, parameters=DecodeParameters)
class Decode:
    """Read a JPEG, PNG or other file of a picture."""

    def __init__(self, parameters: DecodeParameters) -> None:
        self._most_pixels = parameters.most_pixels

    def process(self, encoded_image: EncodedImage) -> Image:
        """The picture; bytes that are none are an error of this item."""
        return Image(decoded(memoryview(encoded_image.data), self._most_pixels))


@parameters
class CropParameters:
    x: Annotated[int, Meta(ge=0, le=16384, description="left edge, pixels")] = 0
    y: Annotated[int, Meta(ge=0, le=16384, description="upper edge, pixels")] = 0
    width: Annotated[int, Meta(ge=1, le=16384, description="pixels")] = 224
    height: Annotated[int, Meta(ge=1, le=16384, description="pixels")] = 224


@handler("crop", inputs={"image": Image}, outputs={"image": Image}, parameters=CropParameters)
class Crop:
    """Cut a fixed part out of a picture, as far as the picture goes."""

    def __init__(self, parameters: CropParameters) -> None:
        self._part = parameters

    def process(self, image: Image) -> Image:
        """The part; of a picture that ends before it begins, an error."""
        part = self._part
        if part.x >= image.width or part.y >= image.height:
            raise ValueError(
                f"crop at x={part.x}, y={part.y} lies outside of a picture of {image.width} x {image.height} pixels"
            )
        return Image(cut(image.array, part.x, part.y, part.width, part.height))
