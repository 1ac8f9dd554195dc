"""The blob store: what was put comes back or is refused, on a local folder and on any other file system of fsspec."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgerow_orchestrator.store.blobs import Blob, BlobStore
from hedgerow_orchestrator.store.errors import BlobCorrupt, StoreError, StoreUnavailable


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{tmp_path / 'my blobs'}"
        return
    folder = f"/{uuid4().hex}"
    yield f"memory://{folder}"
    memory = fsspec.filesystem("memory")
    if memory.exists(folder):
        memory.rm(folder, recursive=True)


@pytest.fixture
def blobs(url: str) -> BlobStore:
    return BlobStore(url)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(payload=st.binary(max_size=300))
def test_a_payload_comes_back(blobs: BlobStore, payload: bytes) -> None:
    blob = blobs.put(payload)
    assert (blob.sha256, blob.size) == (hashlib.sha256(payload).hexdigest(), len(payload))
    assert blobs.get(blob) == payload


def test_the_url_names_the_payload(blobs: BlobStore, url: str) -> None:
    blob = blobs.put(b"payload")
    assert blob.url.startswith(url)
    with fsspec.open(blob.url, "rb") as file:
        assert file.read() == b"payload"


def test_one_payload_is_kept_once(blobs: BlobStore, url: str) -> None:
    assert blobs.put(b"same") == blobs.put(b"same")
    blobs.put(b"other")
    fs, root = fsspec.core.url_to_fs(url)
    assert len(fs.find(root)) == 2


def test_a_changed_payload_is_refused(blobs: BlobStore) -> None:
    blob = blobs.put(b"payload")
    with fsspec.open(blob.url, "wb") as file:
        file.write(b"pay1oad")
    with pytest.raises(BlobCorrupt, match=f"{blob.sha256} holds 7 bytes with SHA-256"):
        blobs.get(blob)


def test_a_payload_that_was_damaged_is_mended_by_putting_it_again(blobs: BlobStore) -> None:
    blob = blobs.put(b"payload")
    with fsspec.open(blob.url, "wb") as file:
        file.write(b"pay")
    blobs.put(b"payload")
    assert blobs.get(blob) == b"payload"


def test_a_payload_that_is_gone_is_named(blobs: BlobStore) -> None:
    with pytest.raises(BlobCorrupt, match=r"abcd.*is gone"):
        blobs.get(Blob("file:///elsewhere", "abcd" * 16, 3))


def test_a_moved_folder_is_still_read(tmp_path: Path) -> None:
    blob = BlobStore(f"file://{tmp_path / 'old'}").put(b"payload")
    (tmp_path / "old").rename(tmp_path / "new")
    assert BlobStore(f"file://{tmp_path / 'new'}").get(blob) == b"payload"


def test_a_local_payload_and_its_folder_are_synchronised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synchronised: list[str] = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        synchronised.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    blob = BlobStore(f"file://{tmp_path}").put(b"payload")
    folder = tmp_path / blob.sha256[:2]
    assert synchronised[0].startswith(str(folder / blob.sha256))
    assert synchronised[1:] == [str(folder), str(tmp_path)]


def test_a_payload_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="No space left"):
        BlobStore(f"file://{tmp_path}").put(b"payload")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_root_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        BlobStore(f"file://{tmp_path / 'file'}").put(b"payload")


@pytest.mark.parametrize("url", ["nothing://folder"])
def test_an_unknown_scheme_is_named(url: str) -> None:
    with pytest.raises(StoreError, match="blob URL 'nothing://folder' cannot be used"):
        BlobStore(url)


def test_sweeping_spares_the_wanted_and_the_young(blobs: BlobStore) -> None:
    wanted, unwanted = blobs.put(b"wanted"), blobs.put(b"unwanted")
    assert blobs.sweep({wanted.sha256}, older_than_s=3_600) == 0
    assert blobs.sweep({wanted.sha256}, older_than_s=-60, dry_run=True) == 1
    assert blobs.get(unwanted) == b"unwanted"
    assert blobs.sweep({wanted.sha256}, older_than_s=-60) == 1
    assert blobs.get(wanted) == b"wanted"
    with pytest.raises(BlobCorrupt):
        blobs.get(unwanted)


def test_putting_a_payload_again_makes_it_young(tmp_path: Path) -> None:
    blobs = BlobStore(f"file://{tmp_path}")
    path = tmp_path / blobs.put(b"payload").url.removeprefix(f"file://{tmp_path}/")
    os.utime(path, (1, 1))
    blobs.put(b"payload")
    assert blobs.sweep(set(), older_than_s=3_600) == 0


def test_sweeping_nothing_removes_nothing(blobs: BlobStore) -> None:
    assert blobs.sweep(set(), older_than_s=0) == 0
