"""Blueprints: read from three forms, every mistake told with its field."""

from __future__ import annotations

import json
import tomllib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_worker import CATALOGUE

from hedgerow_orchestrator.serving.blueprint import BlueprintError, parse
from hedgerow_orchestrator.serving.blueprint_check import check
from hedgerow_orchestrator.serving.graph import cycle, ordered
from hedgerow_orchestrator.serving.parameters import wrong_parameters

KNOWN = {each.name: each for each in CATALOGUE}
TOML = """
name = "faces"
[placement]
objective = { latency = 1.0, throughput = 2.0 }
[[handlers]]
name = "camera"
class = "camera"
[[handlers]]
name = "detect"
type = "detect"
instances = 2
[handlers.requires]
labels = ["site=roof"]
with = "camera"
[[handlers]]
name = "draw"
type = "draw"
[[handlers]]
name = "out"
type = "folder"
[[links]]
from = "camera.image"
to = "detect.image"
mode = "newest"
[[links]]
from = "camera.image"
to = "draw.image"
[[links]]
from = "detect.boxes"
to = "draw.boxes"
[[links]]
from = "draw.image"
to = "out.image"
"""


def test_toml_json_and_a_dictionary_are_the_same() -> None:
    whole = tomllib.loads(TOML)
    assert parse(TOML) == parse(whole) == parse(json.dumps(whole))
    blueprint = parse(TOML)
    assert check(blueprint, KNOWN) == []
    detect = blueprint.handler("detect")
    assert detect is not None
    assert (detect.requires.with_, blueprint.links[0].mode) == ("camera", "newest")


def chain(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "name": "x",
        "handlers": [
            {"name": "a", "type": "camera"},
            {"name": "b", "type": "resize"},
            {"name": "c", "type": "folder"},
        ],
        "links": [{"from": "a.image", "to": "b.image"}, {"from": "b.image", "to": "c.image"}],
    }
    for path, value in changes.items():
        target: Any = whole
        *steps, last = path.split("__")
        for step in steps:
            target = target[int(step)] if step.isdigit() else target.setdefault(step, {})
        if isinstance(target, list):
            target.append(value)
        else:
            target[last] = value
    return whole


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"colour": "red"}, "colour", "unknown field"),
        ({"handlers__1__requires__colour": "red"}, "handlers[1].requires.colour", "unknown field"),
        ({"handlers__1__instances": "two"}, "handlers[1].instances", "Expected `int`"),
        ({"placement__objective": "speed"}, "placement.objective", "Invalid"),
        ({"handlers__1__restart": "maybe"}, "handlers[1].restart", "Invalid enum value"),
    ],
)
def test_a_wrong_form_is_told_with_its_field(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(BlueprintError) as refused:
        parse(chain(**changes))
    (problem,) = refused.value.problems
    assert problem.field == field
    assert says in problem.message


@pytest.mark.parametrize("text", ["", "{", "[1]", "name ="])
def test_what_is_no_blueprint_is_refused(text: str) -> None:
    with pytest.raises(BlueprintError):
        parse(text)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": ""}, "name", "is empty"),
        ({"handlers__1__name": "a"}, "handlers[1].name", "used twice"),
        ({"handlers__1__name": "a.b"}, "handlers[1].name", "is no name"),
        ({"handlers__1__type": "resise"}, "handlers[1].type", "known: camera, change, detect"),
        ({"handlers__1__type": ""}, "handlers[1].type", "give type, class or provider"),
        ({"handlers__1__instances": 0}, "handlers[1].instances", "give 1 to 256"),
        ({"handlers__0__type": "", "handlers__0__class": "radar"}, "handlers[0].class", "known: camera"),
        ({"handlers__1__parameters__width": 0}, "handlers[1].parameters.width", "give at least 1"),
        ({"handlers__1__parameters__width": "wide"}, "handlers[1].parameters.width", "is no integer"),
        ({"handlers__1__parameters__width": True}, "handlers[1].parameters.width", "is no integer"),
        ({"handlers__1__parameters__wide": 1}, "handlers[1].parameters.wide", "known: filter, width"),
        ({"handlers__1__parameters__filter": "box"}, "handlers[1].parameters.filter", "is none of 'linear'"),
        ({"links__0__to": "b.picture"}, "links[0].to", "no input 'picture'; it has: image"),
        ({"links__0__from": "d.image"}, "links[0].from", "no handler 'd'; known: a, b, c"),
        ({"links__1__from": "image"}, "links[1].from", "no handler ''"),
        (
            {"handlers__2__type": "lines", "links__1__to": "c.record"},
            "links[1].to",
            "gives image, c.record takes record",
        ),
        ({"links__0__weight": 0}, "links[0].weight", "above 0"),
        ({"links__0__capacity": 0}, "links[0].capacity", "1 item"),
        ({"links__0__delay_s": -1}, "links[0].delay_s", "0 or more"),
        ({"links__2": {"from": "b.image", "to": "b.image"}}, "links", "a cycle: b -> b"),
        ({"links": []}, "handlers[1]", "input 'image' of 'b' is fed by no link"),
        ({"handlers__1__requires__with": "z"}, "handlers[1].requires.with", "no other handler; known: a, c"),
        ({"handlers__1__requires__memory_bytes": -1}, "handlers[1].requires.memory_bytes", "0 or more"),
        ({"placement__max_partitions": 0}, "placement.max_partitions", "1 or more"),
        ({"placement__max_cuts": -1}, "placement.max_cuts", "0 or more"),
        ({"placement__minimum_gain": 1.0}, "placement.minimum_gain", "no part of 1"),
        ({"placement__objective": {"latency": 0.0}}, "placement.objective", "one above 0"),
        ({"networks": [{"name": "n", "model": ""}]}, "networks[0].model", "is empty"),
        ({"networks": [{"name": "n", "model": "m", "partitions": [3, 2]}]}, "networks[0].partitions", "ascend"),
        ({"networks": [{"name": "n", "model": "m"}]}, "networks[0]", "fed by no link"),
        (
            {"networks": [{"name": "n", "model": "m", "partitions": [1, 2], "placement": ["a", "b", "a"]}]},
            "networks[0].placement",
            "worker 'a' would have the parts n/0 and n/2 with another worker's between them, and may_revisit is false",
        ),
        (
            {"networks": [{"name": "n", "model": "m", "partitions": 2, "placement": ["a", "a"]}]},
            "networks[0].placement",
            "worker 'a' has the parts n/0 and n/1, and with a number of partitions each part has a worker of its own",
        ),
    ],
)
def test_a_mistake_is_told_with_its_field(changes: dict[str, Any], field: str, says: str) -> None:
    problems = check(parse(chain(**changes)), KNOWN)
    assert [each for each in problems if each.field == field and says in each.message], problems


@pytest.mark.parametrize(
    ("placement", "may_revisit"), [(["a", "b", "a"], True), (["a", "a", "b"], False), (["a", "b", "b"], False)]
)
def test_a_network_may_be_placed_by_hand_in_one_run_a_worker(placement: list[str], may_revisit: bool) -> None:
    network = {"name": "n", "model": "m", "partitions": [1, 2], "placement": placement}
    wish = chain(networks=[network], placement__may_revisit=may_revisit)
    assert [each.field for each in check(parse(wish), KNOWN)] == ["networks[0]"]  # it is fed by no link


def test_more_instances_than_allowed_are_refused() -> None:
    wish = chain(handlers__1__instances=2, handlers__1__max_instances=1)
    assert [each.message for each in check(parse(wish), KNOWN)] == ["2 is more than max_instances 1"]


def test_without_any_worker_types_are_not_looked_at() -> None:
    assert check(parse(chain(handlers__1__type="unheard-of")), {}) == []


def test_parameters_that_have_no_default_must_be_given() -> None:
    schema = {
        "$ref": "#/$defs/P",
        "$defs": {"P": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}},
    }
    assert list(wrong_parameters({}, schema)) == [("path", "is missing, and has no default")]
    assert list(wrong_parameters({"path": "x"}, schema)) == []


EDGES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=12)


@given(EDGES)
def test_either_there_is_a_cycle_or_an_order(edges: list[tuple[str, str]]) -> None:
    found = cycle(edges)
    if found:
        assert found[0] == found[-1]
        assert all(pair in edges for pair in pairwise(found))
    else:
        places = {name: at for at, name in enumerate(ordered("abcdef", edges))}
        assert all(places[a] < places[b] for a, b in edges)
