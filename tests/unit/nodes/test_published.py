"""The shipped file of published models: what it promises, how it is searched, and what it refuses."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from importlib.resources import files

import pytest

from hedgerow_nodes.estimators.models import published
from hedgerow_nodes.estimators.models.published import Header, PublishedCatalogue, PublishedError, PublishedModel


@pytest.fixture(scope="module")
def catalogue() -> PublishedCatalogue:
    return published.load()


def test_there_are_enough_models_and_tasks(catalogue: PublishedCatalogue) -> None:
    assert len({model.id for model in catalogue.models}) >= 2000
    assert len(catalogue.tasks()) >= 15
    assert sum(model.parameters is not None and model.flops is not None for model in catalogue.models) >= 2000
    assert sum(catalogue.tasks().values()) == len(catalogue.models)


def test_every_task_is_of_the_taxonomy(catalogue: PublishedCatalogue) -> None:
    text = files("hedgerow_nodes.estimators").joinpath("data/tasks.json").read_text(encoding="utf-8")
    assert set(catalogue.tasks()) <= {task["id"] for task in json.loads(text)["tasks"]}


def test_every_figure_names_its_field_and_is_possible(catalogue: PublishedCatalogue) -> None:
    for model in catalogue.models:
        for figure in (model.parameters, model.flops, model.file_bytes):
            assert figure is None or (figure.value > 0 and figure.field), model
        for score in model.scores:
            assert score.metric
            assert score.field
        assert model.file
        assert catalogue.header.origins[model.origin].version


def test_fractions_are_fractions(catalogue: PublishedCatalogue) -> None:
    scaled = {"top-1 accuracy", "top-5 accuracy", "box AP", "mask AP", "mIoU", "PQ"}
    values = [score.value for model in catalogue.models for score in model.scores if score.metric in scaled]
    assert len(values) > 2000
    assert all(0 <= value <= 1 for value in values)


def test_known_models_have_their_known_figures(catalogue: PublishedCatalogue) -> None:
    (resnet,) = catalogue.named("mmpretrain/resnet50_8xb32_in1k")
    assert resnet.parameters is not None
    assert resnet.flops is not None
    # Counted by hand in He et al. 2016, table 1: 3.8e9 multiply-adds of the convolutions; the tools count 4.1e9.
    assert 2 * 3.8e9 <= resnet.flops.value <= 2 * 4.2e9
    assert resnet.parameters.value == pytest.approx(25.56e6, rel=0.001)
    score = resnet.score(("top-1 accuracy", "ImageNet-1k"))
    assert score is not None
    assert (score.value, score.better) == (0.7655, "higher")
    assert catalogue.source(resnet, score.field).startswith("mmpretrain 1.2.0, mmpretrain/.mim/configs/resnet/")


def test_a_bare_name_is_found_and_an_unknown_one_is_not(catalogue: PublishedCatalogue) -> None:
    assert {model.id for model in catalogue.named("yolox_s_8x8_300e_coco")} == {"mmdet/yolox_s_8x8_300e_coco"}
    assert catalogue.named("no-such-model") == ()
    assert catalogue.named("") == ()


def test_search_needs_every_word_and_is_bounded(catalogue: PublishedCatalogue) -> None:
    found = catalogue.search("mask r50 coco", limit=7)
    assert len(found) == 7
    assert all(word in f"{m.id} {m.family} {m.task}".lower() for m in found for word in ("mask", "r50", "coco"))
    assert catalogue.search("") == ()
    assert catalogue.search("zzz yolo") == ()


def test_what_is_written_is_read_again() -> None:
    model = PublishedModel(id="a/b", family="B", task="other", file="f")
    header = Header(
        format=1, conventions={}, origins=(published.Origin(package="a", version="1", licence="", name=""),)
    )
    data = published.encode(header, (model,))
    assert published.decode(data).models == (model,)
    assert published.encode(header, (model,)) == data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no gzip", "malformed"),
        (gzip.compress(b"{}"), "malformed"),
        (gzip.compress(b'{"format":9,"conventions":{},"origins":[]}\n'), "format 9"),
        (gzip.compress(b'{"format":1,"conventions":{},"origins":[]}\n{"id":"a","family":"","task":"t"}'), "origin"),
    ],
    # Compressed data holds the second at which it was made, and two processes have to name the tests alike.
    ids=["no gzip", "no header", "another format", "no origin"],
)
def test_a_bad_file_is_refused_with_the_way_out(data: bytes, said: str) -> None:
    with pytest.raises(PublishedError, match=said):
        published.decode(data)


def test_it_is_loaded_only_when_asked_and_without_numpy() -> None:
    code = (
        "import sys\n"
        "from hedgerow_nodes.estimators.models import published\n"
        "assert published.load.cache_info().currsize == 0\n"
        "print(len(published.load().models))\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) == len(published.load().models)


@pytest.mark.parametrize(
    ("name", "million", "gmac"),
    [
        # Jiang et al. 2023, arXiv:2303.07399, table of RTMPose on COCO at 256x192.
        ("mmpose/rtmpose-t_8xb256-420e_coco-256x192", 3.34, 0.36),
        ("mmpose/rtmpose-s_8xb256-420e_coco-256x192", 5.47, 0.68),
        ("mmpose/rtmpose-m_8xb256-420e_coco-256x192", 13.59, 1.93),
        ("mmpose/rtmpose-l_8xb256-420e_coco-256x192", 27.66, 4.16),
        # Lyu et al. 2022, arXiv:2212.07784, table 1; Ge et al. 2021, arXiv:2107.08430, which states 2 x MAC; 640x640.
        ("mmdet/rtmdet_s_8xb32-300e_coco", 8.89, 14.8),
        ("mmdet/yolox_s_8x8_300e_coco", 9.0, 26.8 / 2),
        # Sun et al. 2019, arXiv:1902.09212, table 1, which counts in its own way.
        ("mmpose/td-hm_hrnet-w32_8xb64-210e_coco-256x192", 28.5, 7.1),
    ],
)
def test_counts_agree_with_the_papers(catalogue: PublishedCatalogue, name: str, million: float, gmac: float) -> None:
    (model,) = catalogue.named(name)
    assert model.parameters is not None
    assert model.flops is not None
    assert model.parameters.value / 1e6 == pytest.approx(million, rel=0.01)
    assert model.flops.value / 2e9 == pytest.approx(gmac, rel=0.08)


def test_what_was_counted_here_says_so_and_beside_which_input(catalogue: PublishedCatalogue) -> None:
    counted = [model for model in catalogue.models if model.flops is not None and model.flops.counted]
    assert len(counted) >= 1000
    for model in counted:
        assert model.flops is not None
        assert "count_openmmlab" in model.flops.field
        assert "2 x MAC" in model.flops.field
        assert re.search(r"\d+x\d+x\d+", model.inference)
