"""Where models may come from, and everything that is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hedgerow_nodes.estimators.models import bundled_weights
from hedgerow_nodes.estimators.models.catalogue import load
from hedgerow_nodes.estimators.models.sources import (
    Hub,
    LocalPath,
    RandomWeights,
    Shipped,
    SourceRefused,
    outside_source,
    source_of,
)
from tests.unit.nodes.fake_hub import Repository, running, tensors_file

MOST_BYTES = 55 * 10**6


def folder(path: Path, *files: str, configuration: object = None) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps(configuration or {"architectures": ["BertModel"]}))
    for name in files:
        (path / name).write_bytes(b"x")
    return path


def test_every_shipped_file_is_whole_and_licensed() -> None:
    files = bundled_weights.manifest().files
    variants = [variant for item in files for variant in item.variants]
    assert sum(item.bytes for item in (*files, *variants)) <= MOST_BYTES
    for variant in variants:
        content = bundled_weights.checked_variant_path(variant).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (variant.bytes, variant.sha256)
        assert bool(variant.calibration) == (variant.method == "static")
    for item in files:
        content = bundled_weights.checked_path(item.file).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (item.bytes, item.sha256)
        assert item.upstream.licence in ("Apache-2.0", "MIT", "BSD-3-Clause")
        assert item.origin.licence in ("Apache-2.0", "MIT", "BSD-3-Clause")
        assert item.upstream.evidence
        assert (bundled_weights.folder() / item.sample.file).is_file()
        assert not item.labels or bundled_weights.labels(item.labels)


def test_nothing_ships_that_the_manifest_does_not_name() -> None:
    there = {path.name for path in bundled_weights.folder().glob("**/*.onnx")}
    files = bundled_weights.manifest().files
    assert there == {one.file for item in files for one in (item, *item.variants)}
    used = {model.weights.file for model in load().models if model.weights.kind == "bundled"}
    assert {item.file for item in files} == used | {item.companion for item in files if item.companion}


def test_the_catalogue_says_where_from() -> None:
    shipped, bare = load().get("digits-mlp"), load().get("openai-community/gpt2")
    assert shipped is not None
    assert bare is not None
    assert source_of(shipped, Path("home")) == Shipped("digits-mlp.onnx")
    assert source_of(bare, None) == RandomWeights()
    assert source_of(bare, Path("home"), "http://h") == Hub("openai-community/gpt2", Path("home"), "http://h")
    assert Shipped("digits-mlp.onnx").locate().weights == "bundled"
    assert RandomWeights().locate().weights == "random, timing only"


def test_missing_shipped_weights_are_refused() -> None:
    with pytest.raises(SourceRefused, match="unknown"):
        Shipped("nothing.onnx").locate()


def test_an_onnx_file_in_an_allowed_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"x")
    located = LocalPath(tmp_path / "m.onnx", (tmp_path,)).locate()
    assert (located.kind, located.weights, located.path) == ("onnx", "local", str(tmp_path / "m.onnx"))


def test_a_folder_with_safetensors_is_taken(tmp_path: Path) -> None:
    path = folder(tmp_path / "bert", "model.safetensors")
    assert LocalPath(path, (tmp_path,)).locate().kind == "folder"


def test_outside_the_allowed_folders_nothing_is_taken(tmp_path: Path) -> None:
    allowed, outside = tmp_path / "in", tmp_path / "out"
    allowed.mkdir()
    outside.mkdir()
    (outside / "m.onnx").write_bytes(b"x")
    (allowed / "link.onnx").symlink_to(outside / "m.onnx")
    for path in (outside / "m.onnx", allowed / "link.onnx", allowed / ".." / "out" / "m.onnx"):
        with pytest.raises(SourceRefused, match=r"no allowed folder.*allowed_folders"):
            LocalPath(path, (allowed,)).locate()
    with pytest.raises(SourceRefused, match="allowed: none"):
        LocalPath(outside / "m.onnx", ()).locate()


@pytest.mark.parametrize("name", ["m.bin", "m.pt", "m.pth", "m.pkl", "m.ckpt"])
def test_pickles_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SourceRefused, match=r"pickle.*safetensors"):
        LocalPath(tmp_path / name, (tmp_path,)).locate()


def test_a_folder_of_pickles_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "bert", "pytorch_model.bin")
    with pytest.raises(SourceRefused, match=r"only pytorch_model.bin, which run code"):
        LocalPath(path, (tmp_path,)).locate()


def test_code_that_comes_along_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "x", "model.safetensors", configuration={"auto_map": {"AutoModel": "m.M"}})
    with pytest.raises(SourceRefused, match="never run"):
        LocalPath(path, (tmp_path,)).locate()


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_an_unreadable_configuration_is_refused(tmp_path: Path, content: str) -> None:
    path = folder(tmp_path / "x", "model.safetensors")
    (path / "config.json").write_text(content)
    with pytest.raises(SourceRefused):
        LocalPath(path, (tmp_path,)).locate()


def test_other_files_and_missing_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_bytes(b"x")
    for name in ("m.txt", "gone.onnx"):
        with pytest.raises(SourceRefused, match="neither"):
            LocalPath(tmp_path / name, (tmp_path,)).locate()


def test_an_unreachable_hub_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"a/b cannot be fetched.*cannot be reached"):
        Hub("a/b", tmp_path, "http://127.0.0.1:9").locate()


def test_only_safe_files_are_fetched_and_looked_through(tmp_path: Path) -> None:
    weights = tensors_file({"w": ("F32", [2], bytes(8))})
    files = {"config.json": b"{}", "model.safetensors": weights, "pytorch_model.bin": b"x", "model.py": b"x"}
    with running() as fake:
        fake.repositories["a/b"] = Repository(files)
        located = Hub("a/b", tmp_path, fake.url).locate()
        assert (located.kind, located.weights) == ("folder", "hub")
        fetched = {path.name for path in Path(located.path).iterdir() if not path.name.endswith(".lock")}
        assert fetched == {"about.json", "config.json", "model.safetensors"}
        fake.repositories["a/c"] = Repository({**files, "config.json": b'{"auto_map": {"AutoModel": "m.M"}}'})
        with pytest.raises(SourceRefused, match="never run"):
            Hub("a/c", tmp_path, fake.url).locate()


def test_a_required_name_is_a_path_or_unknown(tmp_path: Path) -> None:
    def source(name: str) -> object:
        return outside_source(name, allowed_folders=(tmp_path,), known=("one", "two"))

    assert source("/models/m") == LocalPath(Path("/models/m"), (tmp_path,))
    assert source("m.onnx") == LocalPath(Path("m.onnx"), (tmp_path,))
    with pytest.raises(SourceRefused, match=r"'nope' unknown.*one, two.*hf:OWNER/NAME"):
        source("nope")
