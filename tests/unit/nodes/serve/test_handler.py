"""Handlers as they are declared: ports, parameters, and the catalogue."""

from typing import Annotated

import pytest
from msgspec import Meta

from hedgerow_nodes.serve import BadHandler, Image, Record, catalogue, handler, parameters, source
from hedgerow_nodes.serve.handler import declared


@parameters
class SizeParameters:
    width: Annotated[int, Meta(ge=1, le=16384)] = 640
    height: Annotated[int, Meta(ge=1, le=16384)] = 480

    def area(self) -> int:
        return self.width * self.height


@handler("size", inputs={"image": Image}, outputs={"record": Record}, parameters=SizeParameters)
class Size:
    """Say how large a picture is.

    More about it.
    """

    def __init__(self, parameters, context):
        self.parameters = parameters

    def process(self, image):
        return Record({"width": image.width})


def test_parameters_have_defaults_ranges_and_methods():
    kind = declared(Size)
    assert kind.read_parameters({"width": 2}) == SizeParameters(width=2)
    assert kind.read_parameters({"width": 2}).area() == 960
    with pytest.raises(BadHandler, match=r"size: .*>= 1.*\$\.width"):
        kind.read_parameters({"width": 0})
    with pytest.raises(BadHandler, match="wide"):
        kind.read_parameters({"wide": 1})
    with pytest.raises(AttributeError):
        SizeParameters().width = 3


def test_a_handler_without_parameters_takes_none():
    @handler("same", inputs={"image": Image}, outputs={"image": Image})
    def same(image):
        return image

    assert declared(same).read_parameters({}) is None
    with pytest.raises(BadHandler, match="width"):
        declared(same).read_parameters({"width": 1})
    assert declared(same).make({}, None).process("picture") == "picture"


def test_the_description_tells_ports_and_schema():
    described = declared(Size).describe()
    assert (described.name, described.role, described.description) == (
        "size",
        "handler",
        "Say how large a picture is.",
    )
    assert [(port.name, port.type) for port in described.inputs] == [("image", "image")]
    width = described.parameters["properties"]["width"]
    assert (width["minimum"], width["maximum"], width["default"]) == (1, 16384, 640)


def test_wrong_declarations_are_refused():
    with pytest.raises(BadHandler, match="port image"):
        handler("wrong", inputs={"image": int}, outputs={})
    with pytest.raises(BadHandler, match="items"):

        @source("wrong", outputs={"record": Record})
        class Wrong:
            def process(self):
                pass


def test_the_catalogue_holds_the_ends_of_a_service_that_is_asked():
    roles = {described.name: (described.role, described.class_type) for described in catalogue()}
    assert roles["request"] == ("source", "request")
    assert roles["response"] == ("sink", "response")
