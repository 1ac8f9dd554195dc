"""Descriptions of types: the type built from one is the same on the wire, and a hostile text builds nothing."""

import json

import pytest
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.annotations import member_id
from cyclonedds.idl.types import array
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_idl import Estimate, Header, Outcome, TaskId, UserInput, float64, uint32, wire_type
from hedgerow_idl.codec import codec_of
from hedgerow_idl.errors import UnsupportedTypeError
from hedgerow_idl.plain import from_plain, to_plain
from hedgerow_idl.schema import MAX_BYTES, SchemaError, build, describe
from hedgerow_idl.testing import first_difference, samples


def renamed(text):
    """The description with every name of this package changed, so that nothing is taken from the package."""
    return text.replace("hedgerow.", "foreign.")


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_the_built_type_has_the_same_bytes(any_type, data):
    built = build(describe(any_type))
    stranger = build(renamed(describe(any_type)))
    sample = data.draw(samples(any_type, max_items=2, max_text=6))
    encoded = codec_of(any_type).encode(sample)
    for other in (built, stranger):
        decoded = codec_of(other).decode(encoded)
        assert codec_of(other).encode(decoded) == encoded
        assert to_plain(decoded) == to_plain(sample)
        assert first_difference(from_plain(other, to_plain(sample)), decoded) is None


def test_the_built_type_has_the_same_dds_type_id(any_type):
    built = build(describe(any_type))
    assert built.__idl__.get_type_id() == any_type.__idl__.get_type_id()
    assert built.__idl__.get_type_info() == any_type.__idl__.get_type_info()
    assert built.__idl__.keyless == any_type.__idl__.keyless
    assert describe(built) == describe(any_type)
    again = build(renamed(renamed(describe(any_type))))
    assert build(describe(again)).__idl__.get_type_id() == again.__idl__.get_type_id()


def test_an_unknown_name_makes_another_type_with_another_id(any_type):
    stranger = build(describe(any_type).replace("hedgerow.", "foreign.").replace("garden.", "park."))
    assert stranger is not any_type
    assert stranger.__idl__.get_type_id() != any_type.__idl__.get_type_id()


def test_own_types_are_taken_from_the_package(garden):
    built = build(describe(garden["Tree"]))
    assert built is not garden["Tree"]
    assert type(built().header) is Header
    assert type(built().header.task) is TaskId
    assert built().header.outcome is Outcome.SUCCEEDED
    assert build(describe(UserInput)) is UserInput


def test_a_name_of_the_package_with_other_fields_is_another_type():
    description = json.loads(describe(Estimate))
    description["structs"][0]["fields"].pop()
    assert build(json.dumps(description)) is not Estimate
    outer = json.loads(describe(UserInput))
    task = next(struct for struct in outer["structs"] if struct["name"] == "hedgerow.TaskId")
    task["fields"].append(["try_id", "uint32"])
    built = build(json.dumps(outer))
    assert built is not UserInput
    assert list(to_plain(built())["previous"]) == ["problem_id", "iteration_id", "try_id"]
    assert "try_id" in to_plain(built())["header"]["task"]


def test_a_description_names_keys_enums_and_the_first_line_of_the_docstring(garden):
    description = json.loads(describe(garden["Tree"]))
    assert description["type"] == "garden.Tree"
    tree = description["structs"][-1]
    assert tree["key"] == ["name", "number", "leaf", "height"]
    assert tree["doc"] == "A keyed author's type with the header, with keys in places that shift."
    assert ["branches", "sequence<garden.Branch>"] in tree["fields"]
    colour = next(enum for enum in description["enums"] if enum["name"] == "garden.Colour")
    assert colour["members"] == {"GREEN": 2, "RED": 5, "BLUE": 2147483647}
    assert colour["default"] == "RED"
    assert build(describe(garden["Tree"])).__doc__ == tree["doc"]


def test_the_built_types_defaults_are_unknown_or_empty(garden):
    twig = build(describe(garden["Twig"]))()
    assert to_plain(twig) == {
        "name": "",
        "flag": False,
        "weight": None,
        "colour": "RED",
        "leaf": {"mark": 0},
        "depth": 0,
        "size": None,
    }


def test_a_type_that_cannot_be_described_says_why(garden):
    @wire_type
    class Fixed(IdlStruct, typename="garden.Fixed"):
        pair: array[float64, 2] = (0.0, 0.0)

    @wire_type
    class Numbered(IdlStruct, typename="garden.Numbered"):
        one: uint32 = 0
        member_id("one", 7)

    @wire_type
    class Derived(garden["Leaf"], typename="garden.Derived"):
        one: uint32 = 0

    @wire_type
    class Clash(IdlStruct, typename="garden.Clash"):
        serialize: uint32 = 0

    for odd, message in ((Fixed, r"garden\.Fixed\.pair: kind"), (Numbered, "annotation id"), (Derived, "derives from")):
        with pytest.raises(UnsupportedTypeError, match=message):
            describe(odd)
    with pytest.raises(SchemaError, match=r"garden\.Clash\.serialize: 'serialize' is no name"):
        describe(Clash)


def struct(name, *fields, key=(), **more):
    return {"name": name, "fields": [list(field) for field in fields], "key": list(key), **more}


def text_of(*structs, enums=(), name=None, **more):
    return json.dumps({"type": name or structs[-1]["name"], "structs": list(structs), "enums": list(enums), **more})


JSON = st.recursive(st.none() | st.text() | st.integers(), lambda v: st.dictionaries(st.text(), v) | st.lists(v))


def nine_of(kind):
    return [(f"x{at}", kind) for at in range(9)]


ONE = struct("a.B", ("x", "uint32"))
RED = {"name": "a.E", "members": {"RED": 0}, "default": "RED"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no description of a type"),
        ("[" * 60000, "no description of a type"),
        ('{"type": "a.B"}', "structs"),
        (text_of(ONE, more=1), "unknown field"),
        (text_of(struct("a.B", ("x", "uint32"), more=1)), "unknown field"),
        (text_of(ONE, name="a.C"), "'a.C' is not the last of the structs"),
        (json.dumps({"type": "a.B", "structs": []}), "is not the last"),
        (text_of(ONE) + " " * MAX_BYTES, "the limit is 65536"),
        (text_of(struct("a.B")), "no field"),
        (text_of(struct("a.B", ("x", "uint32"), ("x", "uint32"))), "two of one name"),
        (text_of(struct("a.B", ("x", "uint32"), key=["y"])), r"key \['y'\] names no field; known: x"),
        (text_of(struct("a.B", ("x", "uint23"))), "kind 'uint23' unknown; known: string, bool"),
        (text_of(struct("a.B", ("x", "sequence<>"))), "kind '' unknown"),
        (text_of(struct("a.B", ("x", "sequence<" * 30 + "bool" + ">" * 30))), "unknown|nested"),
        (text_of(struct("a.B", ("x", "sequence<" * 16 + "bool" + ">" * 16))), "nested 17 deep"),
        (text_of(struct("a.B", ("x", "a.B"))), "kind 'a.B' unknown"),
        (text_of(struct("a.B", ("x", "a.C")), struct("a.C", ("x", "bool"))), "kind 'a.C' unknown"),
        (text_of(ONE, ONE), "a name that is taken"),
        (text_of(struct("string", ("x", "bool"))), "a name that is taken"),
        (text_of(struct("a.B", ("x = 1\nimport os", "bool"))), "is no name"),
        (text_of(struct("a.B", ("__class__", "bool"))), "'__class__' is no name"),
        (text_of(struct("a.B", ("class", "bool"))), "'class' is no name"),
        (text_of(struct("a.B", ("serialize", "bool"))), "'serialize' is no name"),
        (text_of(struct("a.B", ("ä", "bool"))), "is no name"),
        (text_of(struct("a.B", ("", "bool"))), "is no name"),
        (text_of(struct("a.B", ("x" * 300, "bool"))), "is no name"),
        (text_of(struct("a..B", ("x", "bool"))), "is no name"),
        (text_of(struct("a.B;", ("x", "bool"))), "is no name"),
        (text_of(struct("a." * 200 + "B", ("x", "bool"))), "longer than 255"),
        (text_of(struct("a.B", ("x", "bool"), doc="d" * 2000)), "doc of 2000 characters"),
        (text_of(ONE, enums=[RED | {"members": {}}]), "no member"),
        (text_of(ONE, enums=[RED | {"members": {"RED": -1}}]), "value -1 is out of range"),
        (text_of(ONE, enums=[RED | {"members": {"RED": 1 << 31}}]), "out of range"),
        (text_of(ONE, enums=[RED | {"members": {"RED": 1, "ROT": 1}}]), "two values are equal"),
        (text_of(ONE, enums=[RED | {"members": {"RED": 1, "mro": 2}}]), "mro"),
        (text_of(ONE, enums=[RED | {"default": "BLUE"}]), "the default 'BLUE' is no member"),
        (text_of(*(struct(f"a.B{n}", ("x", f"a.B{n - 1}" if n else "bool")) for n in range(20))), "nested 17 deep"),
        (
            text_of(
                *(struct(f"a.B{n}", *((f"x{m}", f"a.B{n - 1}" if n else "bool") for m in range(9))) for n in range(9))
            ),
            "6561 values",
        ),
    ],
)
def test_a_hostile_description_is_refused(text, message):
    with pytest.raises(SchemaError, match=message):
        build(text)


@settings(max_examples=60, deadline=None)
@given(
    st.text()
    | st.recursive(st.none() | st.text() | st.integers(), lambda v: st.dictionaries(st.text(), v) | st.lists(v)).map(
        json.dumps
    )
)
def test_no_text_makes_anything_but_a_type_or_a_schema_error(text):
    with pytest.raises(SchemaError):
        build(text)
