"""What is found out about a data set, by format; every file is made here, so that its truth is known."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow_nodes.estimators.datasets.__main__ import main
from hedgerow_nodes.estimators.datasets.analysis import ENDINGS, analyse
from hedgerow_nodes.estimators.datasets.bounds import Bounds
from hedgerow_nodes.estimators.datasets.explanation import explain
from hedgerow_nodes.estimators.datasets.profile import DatasetUnreadable, Format, Kind

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
HOUSES = "id,rooms,area_m2,district,price\n" + "".join(
    f"{n},{n % 5 + 1},{40 + n * 1.5},{('north', 'south')[n % 2]},{100_000 + n * 1234.5}\n" for n in range(40)
)
CHURN = "customer;age;fee;city;churn\n" + "".join(
    f"c{n};{20 + n % 50};{n % 7},5{n % 10};{('Ulm', 'Bonn', 'Kiel')[n % 3]};{'yes' if n % 10 == 0 else 'no'}\n"
    for n in range(100)
)
LOAD = "time,load_kw\n" + "".join(f"2024-01-{n // 24 + 1:02d} {n % 24:02d}:00,{50 + n % 24}.5\n" for n in range(96))
REVIEWS = "review,label\n" + "".join(
    f'"I think number {n} was a {word} film, with friends","{word}"\n' for n, word in enumerate(["good", "bad"] * 20)
)


def _kinds(path: Path) -> dict[str, str]:
    return {column.name: column.kind.value for column in analyse(path).columns}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


Write = Callable[[str, "str | bytes"], Path]


def test_a_table_with_a_number_last_is_a_regression(write: Write) -> None:
    profile = analyse(write("houses.csv", HOUSES))
    assert (profile.format, profile.modality, profile.rows, profile.rows_read) == (Format.CSV, "tabular", 40, 40)
    assert {one.name: one.kind for one in profile.columns} == {
        "id": Kind.IDENTIFIER,
        "rooms": Kind.INTEGER,
        "area_m2": Kind.NUMBER,
        "district": Kind.CATEGORY,
        "price": Kind.NUMBER,
    }
    assert profile.target is not None
    assert profile.target.name == "price"
    assert profile.tasks == ("tabular-regression",)
    price = profile.columns[-1]
    assert (price.minimum, price.maximum) == (100_000.0, 100_000 + 39 * 1234.5)
    assert profile.balance == ()


def test_semicolons_and_decimal_commas_and_classes(write: Write) -> None:
    profile = analyse(write("churn.csv", CHURN))
    kinds = {one.name: one.kind for one in profile.columns}
    assert (kinds["fee"], kinds["age"], kinds["city"], kinds["churn"]) == (
        Kind.NUMBER,
        Kind.INTEGER,
        Kind.CATEGORY,
        Kind.BOOLEAN,
    )
    assert profile.tasks == ("tabular-classification",)
    assert profile.balance == (("no", 90), ("yes", 10))
    assert profile.largest_share == pytest.approx(0.9)
    assert profile.imbalanced
    assert "One class has 90%" in explain(profile)


def test_the_text_says_which_column_is_wanted(write: Write) -> None:
    path = write("houses.csv", HOUSES)
    profile = analyse(path, "We want to predict the district of a house, by its price")
    assert profile.target is not None
    assert (profile.target.name, profile.tasks) == ("district", ("tabular-classification",))
    assert dict(profile.balance) == {"north": 20, "south": 20}
    assert not profile.imbalanced


def test_a_column_called_target_goes_before_the_last(write: Write) -> None:
    rows = "".join(f"{n % 3},{n * 0.5},{n * 0.25}\n" for n in range(60))
    profile = analyse(write("any.csv", "target,a,b\n" + rows))
    assert profile.target is not None
    assert profile.target.name == "target"
    assert profile.tasks == ("tabular-classification",)


def test_times_in_order_speak_for_a_forecast(write: Write) -> None:
    profile = analyse(write("load.csv", LOAD))
    assert [one.kind for one in profile.columns] == [Kind.TIME, Kind.NUMBER]
    assert profile.tasks == ("time-series-forecasting", "tabular-regression")


def test_times_out_of_order_do_not(write: Write) -> None:
    head, *rows = LOAD.splitlines(keepends=True)
    random.Random(1).shuffle(rows)
    assert analyse(write("load.csv", head + "".join(rows))).tasks == ("tabular-regression",)


def test_missing_values_are_counted_and_never_taken_for_zero(write: Write) -> None:
    path = write("gaps.csv", "a,b,c\n1,NA,x\n,2.5,y\n3,?,x\n4,n/a,y\n0,7.5,x\n9,1.5,y\n")
    columns = {one.name: one for one in analyse(path).columns}
    assert (columns["a"].missing, columns["b"].missing, columns["c"].missing) == (1, 3, 0)
    assert columns["b"].minimum == 1.5
    assert "Missing values: 4 of 18 (a 1, b 3)" in explain(analyse(path))


def test_texts_with_labels_are_text_classification(write: Write) -> None:
    profile = analyse(write("reviews.csv", REVIEWS))
    assert (profile.modality, profile.tasks) == ("nlp", ("text-classification",))
    assert dict(profile.balance) == {"good": 20, "bad": 20}


@pytest.mark.parametrize(
    ("columns", "task"),
    [
        ("en,de", "translation"),
        ("article,summary", "summarization"),
        ("question,context", "question-answering"),
        ("first,second", "sentence-similarity"),
    ],
)
def test_columns_of_text_speak_by_their_names(write: Write, columns: str, task: str) -> None:
    rows = "".join(f'"this is the text number {n}","and that is another one {n}"\n' for n in range(10))
    assert analyse(write("texts.csv", f"{columns}\n{rows}")).tasks[0] == task


@pytest.mark.parametrize(
    ("ending", "other", "tasks", "modality"),
    [
        ("png", "label", ("image-classification",), "cv"),
        ("wav", "label", ("audio-classification",), "audio"),
    ],
)
def test_tables_of_files(write: Write, ending: str, other: str, tasks: tuple[str, ...], modality: str) -> None:
    rows = "".join(f"{n:04d}.{ending},{'ab'[n % 2]}\n" for n in range(20))
    profile = analyse(write("files.csv", f"file,{other}\n{rows}"))
    assert (profile.tasks, profile.modality) == (tasks, modality)


def test_a_table_without_header_is_read_from_its_first_row(write: Write) -> None:
    profile = analyse(write("plain.csv", "1.5,2\n2.5,3\n3.5,5\n"))
    assert profile.rows == 3
    assert [one.name for one in profile.columns] == ["column 1", "column 2"]
    assert "no header" in explain(profile)


def test_json_lists_lines_columns_and_wrapped_records_are_the_same_table(write: Write) -> None:
    records = [{"age": n % 9, "paid": n % 2 == 0, "fee": n / 4} for n in range(30)]
    contents = {
        "list.json": json.dumps(records),
        "lines.jsonl": "\n".join(map(json.dumps, records)),
        "columns.json": json.dumps({key: [one[key] for one in records] for key in records[0]}),
        "wrapped.json": json.dumps({"version": "1", "data": records}),
    }
    profiles = [analyse(write(name, content)) for name, content in contents.items()]
    assert {one.rows for one in profiles} == {30}
    assert len({one.columns for one in profiles}) == 1
    assert {column.name: column.kind for column in profiles[0].columns} == {
        "age": Kind.INTEGER,
        "paid": Kind.BOOLEAN,
        "fee": Kind.NUMBER,
    }


def test_keys_that_some_records_lack_are_missing_values(write: Write) -> None:
    profile = analyse(write("some.jsonl", '{"a": 1, "b": null}\n{"a": 2, "c": [1]}\n{"a": 3, "c": {"d": 1}}\n'))
    assert {one.name: (one.kind, one.missing) for one in profile.columns} == {
        "a": (Kind.IDENTIFIER, 0),
        "b": (Kind.EMPTY, 3),
        "c": (Kind.NESTED, 1),
    }


@pytest.mark.parametrize(
    ("key", "task"), [("bbox", "object-detection"), ("keypoints", "keypoint-detection"), ("caption", "image-to-text")]
)
def test_annotations_in_the_layout_of_coco(write: Write, key: str, task: str) -> None:
    annotations = [{"image_id": n, "category_id": n % 2, key: [1, 2, 3, 4]} for n in range(6)]
    content = {
        "images": [{"id": n} for n in range(6)],
        "annotations": annotations,
        "categories": [{"id": 0, "name": "cow"}, {"id": 1, "name": "sheep"}],
    }
    profile = analyse(write("instances.json", json.dumps(content)))
    assert (profile.format, profile.modality, profile.tasks) == (Format.COCO, "cv", (task,))
    assert dict(profile.balance) == {"cow": 3, "sheep": 3}


def test_sub_folders_of_images_are_classes_and_splits_are_none(write: Write, tmp_path: Path) -> None:
    for split, count in (("train", 6), ("test", 2)):
        for n in range(count):
            write(f"leaves/{split}/healthy/{n}.png", PNG)
        write(f"leaves/{split}/blight/0.jpg", JPEG)
    write("leaves/readme.md", "about")
    profile = analyse(tmp_path / "leaves")
    assert (profile.format, profile.rows, profile.modality) == (Format.IMAGES, 10, "cv")
    assert profile.tasks == ("image-classification",)
    assert profile.balance == (("healthy", 8), ("blight", 2))
    assert profile.imbalanced
    assert "10 images" in explain(profile)


def test_masks_and_boxes_beside_images(write: Write, tmp_path: Path) -> None:
    for n in range(4):
        write(f"roads/images/{n}.png", PNG)
        write(f"roads/masks/{n}.png", PNG)
        write(f"cars/{n}.jpg", JPEG)
        write(f"cars/{n}.txt", "0 0.5 0.5 0.1 0.1")
    assert analyse(tmp_path / "roads").tasks[0] == "image-segmentation"
    assert analyse(tmp_path / "roads").rows == 4
    assert analyse(tmp_path / "cars").tasks[0] == "object-detection"


def test_flat_folders_leave_the_task_of_vision_open(write: Write, tmp_path: Path) -> None:
    write("shots/1.png", PNG)
    profile = analyse(tmp_path / "shots")
    assert (profile.target, len(profile.tasks)) == (None, 3)


def test_some_false_images_are_told_and_only_false_ones_refused(write: Write, tmp_path: Path) -> None:
    write("mixed/1.png", PNG)
    write("mixed/2.png", "no image at all")
    assert "1 of 2 files looked at are no images" in explain(analyse(tmp_path / "mixed"))
    write("false/1.png", "text")
    with pytest.raises(DatasetUnreadable, match=r"no file of the 1 looked at .* is an image"):
        analyse(tmp_path / "false")


WRONG = [
    ("cows.csv", PNG, "is a PNG image, not a table"),
    ("cows.csv", '[{"a": 1}]', "is JSON, not a table"),
    ("cows.csv", b"PK\x03\x04\x14\x00\x06\x00", "ZIP archive or an Office document"),
    ("cows.csv", b"\x00\x01\x02\x03" * 50, "binary file of an unknown kind"),
    ("cows.csv", "<!DOCTYPE html><html></html>", "HTML page"),
    ("cows.csv", "", "is empty"),
    ("cows.csv", " \n\t\n", "is empty"),
    ("cows.csv", "a,b\n", "header and no rows|no table"),
    ("cows.csv", "This is a letter.\nIt goes on, and on, and on.\nAnd ends.\n", "is no table"),
    ("cows.csv", "a,b\n1,2\n" * 2000 + "\0", "holds bytes that no text has"),
    ("cows.json", "name,age\nx,1\n", "text that is no JSON"),
    ("cows.json", '{"a": ', "no valid JSON"),
    ("cows.json", "[1, 2, 3]", "holds the value 1 where an object"),
    ("cows.json", "[" * 100_000, "holds the list|nested too deep"),
    ("cows.jsonl", '{"a":' * 100_000, "nested too deep"),
    ("cows.json", "[]", "holds no records"),
    ("cows.json", '[{"a": ' + "9" * 5000 + "}]", "no valid JSON"),
    ("cows.json", '{"images": [], "annotations": []}', "without annotations"),
    ("cows.parquet", "a,b\n1,2\n", "not a Parquet file"),
    ("cows.xlsx", b"PK\x03\x04", "ends with none of .csv"),
    ("cows.csv", "a," * 600_000, "first line is longer than"),
    ("cows.csv", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
]


@pytest.mark.parametrize(("name", "content", "said"), WRONG, ids=[f"{row[0]}-{n}" for n, row in enumerate(WRONG)])
def test_what_is_not_what_its_name_says_is_refused_with_the_reason(
    write: Write, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(DatasetUnreadable, match=said) as raised:
        analyse(write(name, content))
    assert name in str(raised.value)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnreadable, match=r"gone\.csv is not there"):
        analyse(tmp_path / "gone.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetUnreadable, match="holds no images among 0 files"):
        analyse(tmp_path / "empty")


def test_only_the_beginning_of_a_large_file_is_read_and_the_rest_estimated(write: Write) -> None:
    rows = "".join(f"{n % 100:02d},{n % 7},{'ab'[n % 2]}\n" for n in range(30_000))
    path = write("large.csv", "x,y,label\n" + rows)
    profile = analyse(path, bounds=Bounds(file_bytes=20_000))
    assert profile.rows is None
    assert 2_000 < profile.rows_read < 3_000
    assert profile.rows_about == pytest.approx(30_000, rel=0.02)
    assert "Only the first" in explain(profile)
    few = analyse(path, bounds=Bounds(rows=100))
    assert (few.rows, few.rows_read) == (None, 100)
    assert few.rows_about == pytest.approx(30_000, rel=0.05)


@pytest.mark.parametrize("name", ["large.json", "large.jsonl"])
def test_only_the_first_records_of_a_large_json_file_are_read(write: Write, name: str) -> None:
    lines = [json.dumps({"x": n % 10, "y": f"{n:06d}"}) for n in range(20_000)]
    content = "\n".join(lines) if name.endswith("l") else f"[{','.join(lines)}]"
    for bounds in (Bounds(file_bytes=20_000), Bounds(rows=500)):
        profile = analyse(write(name, content), bounds=bounds)
        assert profile.rows is None
        assert profile.rows_about == pytest.approx(20_000, rel=0.05)


def test_many_images_are_not_all_looked_at(write: Write, tmp_path: Path) -> None:
    for n in range(12):
        write(f"many/{'ab'[n % 2]}/{n}.png", PNG)
    profile = analyse(tmp_path / "many", bounds=Bounds(folder_entries=5))
    assert (profile.rows, profile.rows_read) == (None, 5)
    assert "Only 5 files" in explain(profile)
    assert "at least 5 images" in explain(profile)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found(write: Write, encoding: str) -> None:
    text = "größe,farbe\n" + "".join(f"{n}.5,{('blau', 'grün')[n % 2]}\n" for n in range(20))
    assert _kinds(write("farben.csv", text.encode(encoding))) == {"größe": "number", "farbe": "category"}


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=400), ending=st.sampled_from(ENDINGS))
def test_no_bytes_upset_it(tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{ending}"
    path.write_bytes(content)
    try:
        said = explain(analyse(path))
    except DatasetUnreadable as unreadable:
        said = str(unreadable)
    assert path.name in said


@settings(max_examples=200, deadline=None)
@given(content=st.text(st.sampled_from('ab1,;.\n\t"|{}[]: -é'), max_size=200), ending=st.sampled_from(ENDINGS))
def test_no_text_upsets_it(tmp_path_factory: pytest.TempPathFactory, content: str, ending: str) -> None:
    test_no_bytes_upset_it.hypothesis.inner_test(tmp_path_factory, content.encode(), ending)


def test_the_command_prints_the_profile(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write("houses.csv", HOUSES))]) == 0
    printed = capsys.readouterr().out
    assert '"rows": 40' in printed
    assert "It speaks for tabular-regression." in printed
    assert main([str(write("houses.json", HOUSES))]) == 1
    assert "not what its name says" in capsys.readouterr().err
    assert main([]) == 2
