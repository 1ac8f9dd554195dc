"""The facts of a data set that travel on the bus: whole where it is small, bounded where it is not."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl import MLModelMetadata
from hedgerow_idl.codec import codec_of
from hedgerow_nodes.estimators.datasets.columns import describe_columns
from hedgerow_nodes.estimators.datasets.explanation import explain
from hedgerow_nodes.estimators.datasets.facts import COLUMNS_MAX, LONGEST_TEXT, facts_of
from hedgerow_nodes.estimators.datasets.profile import DatasetProfile, Format, Target

LARGEST_BYTES = 64 * 1024


def _profile(names: list[str], target: str | None, **other: object) -> DatasetProfile:
    columns = describe_columns({name: ["1", "3", None] for name in names})
    told = {"rows": 3, "rows_read": 3, "rows_about": None, "balance": (), "tasks": (), "remarks": (), **other}
    found = None if target is None else Target(target, "its name says so")
    return DatasetProfile("set", Format.CSV, "tabular", columns=columns, target=found, **told)  # type: ignore[arg-type]


def test_what_is_unknown_is_nan_and_never_nought() -> None:
    facts = facts_of(_profile(["a"], None, rows=None, rows_about=900))
    assert math.isnan(facts.rows)
    assert (facts.rows_about, facts.target, facts.class_balance) == (900.0, "", [])
    (column,) = facts.columns
    assert (column.kind, column.missing, column.distinct, column.minimum, column.maximum) == ("integer", 1, 2, 1, 3)
    worded = facts_of(
        DatasetProfile("set", Format.CSV, "nlp", 1, 1, None, describe_columns({"a": ["b"]}), None, (), ())
    )
    assert math.isnan(worded.columns[0].minimum)


def test_of_very_many_columns_the_first_and_the_target_are_kept() -> None:
    facts = facts_of(_profile([f"c{number}" for number in range(500)], "c499"))
    assert (len(facts.columns), facts.columns_total) == (COLUMNS_MAX, 500)
    assert [facts.columns[0].name, facts.columns[-1].name] == ["c0", "c499"]
    assert facts_of(_profile([f"c{number}" for number in range(500)], "c7")).columns[-1].name == "c99"


def test_the_target_of_a_folder_is_no_column() -> None:
    facts = facts_of(_profile([], "the folder", balance=(("healthy", 6), ("blight", 6))))
    assert (facts.columns, facts.target) == ([], "the folder")
    assert [one.rows for one in facts.class_balance] == [6, 6]


def test_what_no_message_can_carry_is_replaced() -> None:
    value = "a\0b\ud800"
    profile = _profile([value], value, balance=((value, 2),))
    assert facts_of(profile).target == "a�b?"
    message = MLModelMetadata(dataset=[facts_of(profile)], explanation=explain(profile))
    assert codec_of(MLModelMetadata).decode(codec_of(MLModelMetadata).encode(message)) is not None


@given(names=st.lists(st.text(max_size=300), min_size=1, max_size=40, unique=True), value=st.text(max_size=5000))
def test_the_message_stays_small_and_passes_the_codec(names: list[str], value: str) -> None:
    facts = facts_of(_profile(names, names[0], balance=((value, 2),)))
    assert all(len(column.name) <= LONGEST_TEXT for column in facts.columns)
    codec = codec_of(MLModelMetadata)
    data = codec.encode(MLModelMetadata(dataset=[facts]))
    assert len(data) < LARGEST_BYTES
    assert codec.decode(data).dataset[0].columns_total == len(names)
