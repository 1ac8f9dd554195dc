"""What is refused before anything is loaded: headers that lie, configurations with code, weights that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.hub.allowed_files import check_configuration, weights_among
from hedgerow_nodes.estimators.hub.interface import FileRefused, HubFile
from hedgerow_nodes.estimators.hub.replies import card, files, models, shortened
from hedgerow_nodes.estimators.hub.safetensors_header import (
    LENGTH_BYTES,
    check_file,
    header_bytes,
    read_header,
    together,
)
from tests.unit.nodes.fake_hub import tensors_file


def header(**entries: Any) -> bytes:
    return json.dumps(entries).encode()


def entry(begin: int, end: int, shape: list[Any], dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def refused(text: bytes, data_bytes: int) -> str:
    with pytest.raises(FileRefused) as caught:
        read_header(text, LENGTH_BYTES + len(text) + data_bytes)
    return str(caught.value)


def test_a_good_header_is_counted() -> None:
    text = header(a=entry(0, 24, [2, 3]), b=entry(24, 28, [2], "BF16"), c=entry(28, 32, []), __metadata__={"x": "y"})
    contents = read_header(text, LENGTH_BYTES + len(text) + 32)
    assert (contents.numbers, contents.tensors, contents.size_bytes) == ({"F32": 7, "BF16": 2}, 3, 32)
    assert (contents.parameters, contents.usual_dtype) == (9, "F32")
    assert together([contents, contents]).parameters == 18


@pytest.mark.parametrize(
    ("text", "data_bytes", "why"),
    [
        (header(a=entry(0, 24, [2, 3]), b=entry(20, 44, [2, 3])), 44, "overlaps"),
        (header(a=entry(0, 24, [2, 3]), b=entry(28, 52, [2, 3])), 52, "gap"),
        (header(a=entry(8, 32, [2, 3])), 32, "gap"),
        (header(a=entry(0, 24, [2, 4])), 24, "its shape needs another"),
        (header(a=entry(0, 24, [2, 3])), 20, "by its header"),
        (header(a=entry(0, 24, [2, 3])), 30, "by its header"),
        (header(a=entry(0, 24, [2, 3], "X9")), 24, "dtype"),
        (header(a=entry(0, 24, [2, 3], ["F32"])), 24, "dtype"),
        (header(a=entry(24, 0, [2, 3])), 24, "cannot be"),
        (header(a=entry(0, 24, [-2, -3])), 24, "cannot be"),
        (header(a=entry(0, 24, [True, 6])), 24, "cannot be"),
        (header(a=entry(0, 24, [2**62] * 65)), 24, "cannot be"),
        (header(a={"dtype": "F32"}), 0, "no dtype, shape"),
        (b'{"a": {}, "a": {}}', 0, "twice"),
        (b"[]", 0, "no JSON object"),
        (b"{", 0, "no JSON"),
        (b"\xff\xfe", 0, "no JSON"),
        (b"[" * 100_000, 0, "no JSON"),
    ],
)
def test_a_header_that_lies_is_refused(text: bytes, data_bytes: int, why: str) -> None:
    assert why in refused(text, data_bytes)


@pytest.mark.parametrize("beginning", [b"", b"1234567", (2**40).to_bytes(8, "little"), bytes(8), b"\xff" * 8])
def test_a_length_that_cannot_be_is_refused(beginning: bytes) -> None:
    with pytest.raises(FileRefused):
        header_bytes(beginning, 1000)


@given(st.binary(max_size=400))
def test_no_bytes_do_more_than_be_refused(content: bytes) -> None:
    try:
        length = header_bytes(content, len(content))
        read_header(content[LENGTH_BYTES : LENGTH_BYTES + length], len(content))
    except FileRefused:
        pass


def test_a_file_is_checked_by_the_library_too(tmp_path: Path) -> None:
    good = tmp_path / "model.safetensors"
    good.write_bytes(tensors_file({"w": ("F16", [2, 2], bytes(8)), "v": ("F32", [1], bytes(4))}))
    assert check_file(good).parameters == 5
    good.write_bytes(good.read_bytes() + b"x")
    with pytest.raises(FileRefused):
        check_file(good)


@pytest.mark.parametrize(
    ("configuration", "why"),
    [
        ({"auto_map": {"AutoModel": "evil.Evil"}}, "auto_map"),
        ({"text_config": {"inner": [{"auto_map": {"AutoConfig": "x.Y"}}]}}, "auto_map"),
        ({"custom_pipelines": {"x": {}}}, "custom_pipelines"),
        ({"_attn_implementation": "evil/kernel"}, "kernel"),
        ({"vision": {"attn_implementation": "evil/kernel@main:run"}}, "kernel"),
        ([], "no JSON object"),
        ("x", "no JSON object"),
    ],
)
def test_a_configuration_that_brings_code_is_refused(configuration: Any, why: str) -> None:
    with pytest.raises(FileRefused, match=why):
        check_configuration(configuration)


def test_a_plain_configuration_is_taken() -> None:
    plain = {"model_type": "bert", "_attn_implementation": "sdpa", "auto_map": {}, "x": [1, {"y": None}]}
    assert check_configuration(plain) == plain
    deep: Any = 1
    for _ in range(100):
        deep = {"x": deep}
    with pytest.raises(FileRefused, match="nested"):
        check_configuration(deep)


def named(*names: str) -> list[HubFile]:
    return [HubFile(name, 1) for name in names]


def test_the_weights_are_one_file_or_all_shards() -> None:
    one = weights_among(named("model.fp16.safetensors", "model.safetensors", "model-00001-of-00002.safetensors"))
    assert [file.name for file in one] == ["model.safetensors"]
    two = weights_among(named("model-00002-of-00002.safetensors", "config.json", "model-00001-of-00002.safetensors"))
    assert [file.name[6:11] for file in two] == ["00001", "00002"]
    with pytest.raises(FileRefused, match="missing"):
        weights_among(named("model-00002-of-00002.safetensors"))
    with pytest.raises(FileRefused, match=r"pytorch_model\.bin; pickles can run code"):
        weights_among(named("pytorch_model.bin", "config.json"))
    with pytest.raises(FileRefused, match="no weights"):
        weights_among(named("README.md"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("id", "sha", "siblings", "tags", "cardData", "model-index", "downloads", "gated", "lastModified")
ANSWER = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON))


@given(ANSWER, JSON)
def test_any_answer_can_be_read(found: dict[str, Any], other: Any) -> None:
    made = card({**found, "model-index": [{"results": [other]}], "siblings": [other]}, str(other), "u")
    assert isinstance(made.model.id, str)
    files({**found, "siblings": [other]})
    models([found, other])
    models(other)


def test_a_long_text_is_shortened() -> None:
    assert shortened("---\na: b\n---\n" + "x" * 9000).endswith("x […]")
    assert len(shortened("x" * 9000)) < 4100
