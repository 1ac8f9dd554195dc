"""The hub over HTTP: what it gives, what is refused, and that the token goes nowhere else."""

from __future__ import annotations

import fcntl
import logging
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from huggingface_hub import HfApi

from hedgerow_nodes.estimators.hub.access import Access, AccessError, Token
from hedgerow_nodes.estimators.hub.hugging_face import HuggingFace
from hedgerow_nodes.estimators.hub.interface import (
    AccessDenied,
    DownloadCancelled,
    FileRefused,
    HubBusy,
    HubError,
    HubTimedOut,
    HubUnreachable,
    ModelUnknown,
)
from hedgerow_nodes.estimators.hub.names import HubName, parse
from tests.unit.nodes.fake_hub import COMMIT, FakeHub, Repository, running, tensors_file

TOKEN = "hf_SecretOfTheHedge0123456789"
WEIGHTS = tensors_file({"w": ("F32", [64, 1024], bytes(4 * 64 * 1024)), "b": ("F32", [64], bytes(256))})
README = "---\nlicense: mit\n---\n# Tiny\nIt names plants.\x1b[31m"


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with running() as found:
        found.repositories["garden/tiny"] = Repository(
            files={
                "config.json": b'{"model_type": "bert"}',
                "model.safetensors": WEIGHTS,
                "README.md": README.encode(),
            },
            about={
                "pipeline_tag": "text-classification",
                "downloads": 7,
                "likes": 3,
                "lastModified": "2026-01-02T03:04:05.000Z",
                "tags": ["license:mit", "bert"],
                "cardData": {"license": "mit", "datasets": ["imdb"], "language": "en"},
                "model-index": [
                    {
                        "results": [
                            {
                                "task": {"type": "text-classification"},
                                "dataset": {"name": "IMDb"},
                                "metrics": [{"type": "accuracy", "value": 91.5}, {"type": "f1", "value": "n/a"}],
                                "source": {"url": "https://example.org/run"},
                            }
                        ]
                    }
                ],
            },
            large=frozenset({"model.safetensors"}),
        )
        yield found


def hub_at(fake: FakeHub, folder: Path, token: str = "", timeout_s: float = 5.0, **settings: Any) -> HuggingFace:
    return HuggingFace(Access(fake.url, Token(token)), folder, timeout_s, **settings)


@pytest.fixture
def hub(fake: FakeHub, tmp_path: Path) -> HuggingFace:
    return hub_at(fake, tmp_path)


def parts_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.suffix in (".part", ".safetensors"))


def test_a_search_finds_models_by_words_and_task(fake: FakeHub, hub: HuggingFace) -> None:
    fake.repositories["garden/other"] = Repository({}, {"pipeline_tag": "fill-mask", "gated": "auto"})
    [found] = hub.search("tiny", "text-classification")
    assert (found.id, found.task, found.downloads, found.likes) == ("garden/tiny", "text-classification", 7, 3)
    assert (found.licence, found.last_modified, found.gated) == ("mit", "2026-01-02T03:04:05.000Z", False)
    assert [model.id for model in hub.search("garden", limit=1)] == ["garden/tiny"]
    assert hub.search("", "fill-mask")[0].gated
    assert hub.search("", "fill-mask")[0].downloads is None
    assert hub.search("oak") == ()


def test_a_card_has_facts_results_and_a_text(hub: HuggingFace) -> None:
    card = hub.card("garden/tiny")
    assert (card.commit, card.datasets, card.languages, card.note) == (COMMIT, ("imdb",), ("en",), "")
    assert card.text == "# Tiny\nIt names plants.[31m"
    [result] = card.results
    assert (result.metric, result.dataset, result.value) == ("accuracy", "IMDb", 91.5)
    assert (result.task, result.source) == ("text-classification", "https://example.org/run")


def test_the_client_of_the_hub_itself_reads_the_same(fake: FakeHub, hub: HuggingFace) -> None:
    theirs = HfApi(endpoint=fake.url, token=False)
    info = theirs.model_info("garden/tiny", revision="main", files_metadata=True)
    card = hub.card("garden/tiny")
    assert (info.sha, info.pipeline_tag, info.downloads) == (card.commit, card.model.task, card.model.downloads)
    assert {one.rfilename: one.size for one in info.siblings or ()} == {
        file.name: file.size_bytes for file in hub.files("garden/tiny")
    }
    found = list(theirs.list_models(search="tiny", pipeline_tag="text-classification", limit=5, full=True))
    assert [one.id for one in found] == [model.id for model in hub.search("tiny", "text-classification", 5)]
    asked = [urlsplit(seen.path) for seen in fake.seen if seen.path.startswith("/api/")]
    assert asked[0].path == asked[1].path
    assert parse_qs(asked[-2].query).keys() <= parse_qs(asked[-1].query).keys()


def test_files_have_sizes_and_digests(hub: HuggingFace) -> None:
    by_name = {file.name: file for file in hub.files("garden/tiny", COMMIT)}
    assert by_name["model.safetensors"].size_bytes == len(WEIGHTS)
    assert len(by_name["model.safetensors"].sha256) == 64
    assert by_name["model.safetensors"].git_sha1 == ""
    assert len(by_name["config.json"].git_sha1) == 40


def test_a_download_is_whole_and_needs_the_hub_once(fake: FakeHub, hub: HuggingFace, tmp_path: Path) -> None:
    came: list[tuple[int, int]] = []
    path = hub.download("garden/tiny", "main", "model.safetensors", progress=lambda *now: came.append(now))
    assert path.read_bytes() == WEIGHTS
    assert came[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert parts_in(tmp_path) == ["model.safetensors"]
    asked = len(fake.seen)
    offline = HuggingFace(Access(fake.url, offline=True), tmp_path)
    assert offline.download("garden/tiny", "main", "model.safetensors") == path
    assert offline.download("garden/tiny", COMMIT, "model.safetensors") == path
    assert "as the hub said on" in offline.card("garden/tiny").note
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        offline.download("garden/tiny", "main", "config.json")
    assert len(fake.seen) == asked


def test_what_broke_off_is_taken_up_where_it_stopped(fake: FakeHub, hub: HuggingFace, tmp_path: Path) -> None:
    fake.breaks_off_after = [100_000, 50_000]
    path = hub.download("garden/tiny", "main", "model.safetensors")
    assert path.read_bytes() == WEIGHTS
    ranges = [seen.headers.get("Range") for seen in fake.seen if seen.host == "files"]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_part_stays_for_the_next_time(fake: FakeHub, hub: HuggingFace, tmp_path: Path) -> None:
    fake.breaks_off_after = [1000, 1000, 1000]
    with pytest.raises(HubUnreachable, match=r"broke off after 3000 of .* the next try goes on"):
        hub.download("garden/tiny", "main", "model.safetensors")
    assert parts_in(tmp_path) == ["model.safetensors.part"]
    assert hub.download("garden/tiny", "main", "model.safetensors").read_bytes() == WEIGHTS
    assert fake.seen[-1].headers["Range"] == "bytes=3000-"
    assert fake.seen[-1].sent_bytes == len(WEIGHTS) - 3000


def test_a_server_without_ranges_begins_anew(fake: FakeHub, hub: HuggingFace) -> None:
    fake.knows_ranges = False
    fake.breaks_off_after = [1000]
    assert hub.download("garden/tiny", "main", "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("stated", [{"sha256": "a" * 64}, {"size": len(WEIGHTS) - 1}])
def test_other_content_than_stated_is_refused_and_removed(
    fake: FakeHub, hub: HuggingFace, tmp_path: Path, stated: dict[str, Any]
) -> None:
    fake.repositories["garden/tiny"].stated["model.safetensors"] = stated
    with pytest.raises(FileRefused, match=r"is not what the hub states|sends more than"):
        hub.download("garden/tiny", "main", "model.safetensors")
    assert "model.safetensors" not in parts_in(tmp_path)
    fake.repositories["garden/tiny"].stated["config.json"] = {"blobId": "b" * 40}
    with pytest.raises(FileRefused, match="is not what the hub states"):
        hub_at(fake, tmp_path).download("garden/tiny", "main", "config.json")
    assert not list(tmp_path.rglob("config.json*part"))


def test_a_file_without_a_digest_is_refused(fake: FakeHub, hub: HuggingFace) -> None:
    fake.repositories["garden/tiny"].stated["config.json"] = {"blobId": "nothing"}
    with pytest.raises(FileRefused, match="no digest"):
        hub.download("garden/tiny", "main", "config.json")


def test_a_file_above_the_limit_is_not_fetched(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="up to 1000 are fetched"):
        hub_at(fake, tmp_path, most_bytes=1000).download("garden/tiny", "main", "model.safetensors")
    assert not [seen for seen in fake.seen if seen.host == "files"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("pytorch_model.bin", "can run code"),
        ("model.pt", "can run code"),
        ("weights.pkl", "can run code"),
        ("modeling_evil.py", "is code"),
        ("../../etc/passwd", "at the top"),
        ("unet/config.json", "at the top"),
        (".git", "at the top"),
        ("run.sh", "fetched are"),
        ("model.safetensors/", "at the top"),
    ],
)
def test_only_safe_files_are_fetched(fake: FakeHub, hub: HuggingFace, name: str, why: str) -> None:
    fake.repositories["garden/tiny"].files[name] = b"import os"
    with pytest.raises(FileRefused, match=why):
        hub.download("garden/tiny", "main", name)
    assert not [seen for seen in fake.seen if "/resolve/" in seen.path]


def test_the_beginning_of_a_file_is_fetched_without_the_rest(fake: FakeHub, hub: HuggingFace) -> None:
    assert hub.first_bytes("garden/tiny", "main", "model.safetensors", 100) == WEIGHTS[:100]
    assert fake.seen[-1].sent_bytes == 100
    assert hub.first_bytes("garden/tiny", "main", "model.safetensors", 90) == WEIGHTS[:90]
    assert len([seen for seen in fake.seen if seen.host == "files"]) == 1
    fake.knows_ranges = False
    assert hub.first_bytes("garden/tiny", "main", "model.safetensors", 200) == WEIGHTS[:200]


def test_a_cancelled_download_ends(hub: HuggingFace) -> None:
    with pytest.raises(DownloadCancelled):
        hub.download("garden/tiny", "main", "model.safetensors", cancelled=lambda: True)


def test_unknown_models_revisions_and_files_are_told(hub: HuggingFace) -> None:
    with pytest.raises(ModelUnknown, match=r"no such model; .*may also need one"):
        hub.card("garden/nothing")
    with pytest.raises(ModelUnknown, match="no such revision"):
        hub.card("garden/tiny", "v9")
    with pytest.raises(ModelUnknown, match=r"no file tokenizer\.json"):
        hub.download("garden/tiny", "main", "tokenizer.json")


def test_a_gated_model_says_how_to_give_a_token(fake: FakeHub, tmp_path: Path) -> None:
    fake.repositories["garden/tiny"].opens_with = TOKEN
    for token, why in (("", "no token was shown"), ("hf_other", "does not open it")):
        with pytest.raises(AccessDenied, match=rf"403; .*{why}.*HF_TOKEN"):
            hub_at(fake, tmp_path, token).download("garden/tiny", "main", "config.json")
    assert hub_at(fake, tmp_path, TOKEN).download("garden/tiny", "main", "config.json").is_file()


def test_a_busy_hub_says_when_to_come_again(fake: FakeHub, hub: HuggingFace) -> None:
    fake.status = (429, {"Retry-After": "17"})
    with pytest.raises(HubBusy, match="after 17 s") as caught:
        hub.search("x")
    assert caught.value.retry_after_s == 17
    fake.status = (503, {})
    with pytest.raises(HubBusy, match="later"):
        hub.search("x")
    fake.status = (500, {})
    with pytest.raises(HubUnreachable, match="answered 500"):
        hub.search("x")


def test_a_silent_hub_is_given_up(fake: FakeHub, tmp_path: Path) -> None:
    fake.delay_s = 2.0
    began_s = time.monotonic()
    with pytest.raises(HubTimedOut, match=r"within 0\.3 s"):
        hub_at(fake, tmp_path, timeout_s=0.3).search("x")
    assert time.monotonic() - began_s < 1.5


def test_nobody_at_the_address_is_told(tmp_path: Path) -> None:
    with pytest.raises(HubUnreachable, match="cannot be reached"):
        HuggingFace(Access("http://127.0.0.1:9"), tmp_path).search("x")


def test_two_do_not_write_one_file(fake: FakeHub, hub: HuggingFace, tmp_path: Path) -> None:
    folder = tmp_path / "garden--tiny" / COMMIT
    folder.mkdir(parents=True)
    with (folder / "model.safetensors.lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(HubError, match="another process"):
            hub.download("garden/tiny", "main", "model.safetensors")
    assert hub.download("garden/tiny", "main", "model.safetensors").read_bytes() == WEIGHTS


def test_a_cache_that_cannot_be_written_is_told(fake: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    hub = hub_at(fake, tmp_path / "cache")
    assert hub.card("garden/tiny").commit == COMMIT
    assert hub.first_bytes("garden/tiny", "main", "model.safetensors", 10) == WEIGHTS[:10]
    with pytest.raises(HubError, match="cannot be written") as caught:
        hub.download("garden/tiny", "main", "model.safetensors")
    assert not isinstance(caught.value, HubUnreachable)


def test_the_token_goes_to_the_hub_only(fake: FakeHub, tmp_path: Path) -> None:
    hub = hub_at(fake, tmp_path, TOKEN)
    hub.card("garden/tiny")
    hub.first_bytes("garden/tiny", "main", "model.safetensors", 64)
    hub.download("garden/tiny", "main", "model.safetensors")
    at_hub = [seen for seen in fake.seen if seen.host == "hub"]
    at_files = [seen for seen in fake.seen if seen.host == "files"]
    assert all(seen.headers["Authorization"] == f"Bearer {TOKEN}" for seen in at_hub)
    assert len(at_files) == 2
    assert not [seen for seen in at_files if TOKEN in str(seen)]


def test_a_redirect_to_another_scheme_is_not_followed(fake: FakeHub, tmp_path: Path) -> None:
    fake.redirect_to = f"file://{tmp_path}/secret"
    (tmp_path / "secret").write_text("x")
    with pytest.raises(HubUnreachable):
        hub_at(fake, tmp_path, TOKEN).download("garden/tiny", "main", "model.safetensors")


def test_the_token_shows_itself_nowhere(fake: FakeHub, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fake.echoes_token = True
    said: list[str] = []
    hub = hub_at(fake, tmp_path, TOKEN)
    said.append(repr(hub.card("garden/tiny")) + repr(hub.__dict__) + repr(Access(fake.url, Token(TOKEN))))
    for status in (401, 403, 404, 418, 429, 500):
        fake.status = (status, {"X-Error-Message": TOKEN})
        with pytest.raises(HubError) as caught:
            hub_at(fake, tmp_path / str(status), TOKEN).card("garden/tiny")
        said += [str(caught.value), repr(caught.value), repr(caught.value.__context__)]
    said += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert any("[token]" in text for text in said)
    assert TOKEN not in "\n".join([*said, caplog.text])
    with pytest.raises(TypeError):
        pickle.dumps(Token(TOKEN))


def test_a_token_is_read_from_the_environment_or_a_file(tmp_path: Path) -> None:
    def read(**variables: str) -> str:
        return Access.read({"HF_HOME": str(tmp_path / "none"), **variables}).token.reveal()

    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read() == ""
    assert read(HF_TOKEN=f" {TOKEN} ") == TOKEN
    assert read(HF_TOKEN_PATH=str(tmp_path / "token")) == TOKEN
    assert read(HF_HOME=str(tmp_path)) == TOKEN
    assert read(HF_TOKEN="one", HF_TOKEN_PATH=str(tmp_path / "token")) == "one"
    with pytest.raises(AccessError) as caught:
        read(HF_TOKEN=f"{TOKEN}\r\nX-Evil: 1")
    assert TOKEN not in str(caught.value)


def test_the_address_is_read_and_checked() -> None:
    assert Access.read({"HF_HOME": "/none"}).endpoint == "https://huggingface.co"
    assert Access.read({"HF_HOME": "/none", "HF_ENDPOINT": "http://h:1/"}).endpoint == "http://h:1"
    assert Access.read({"HF_HOME": "/none", "HF_ENDPOINT": "http://h:1/"}, "https://o").endpoint == "https://o"
    assert Access.read({"HF_HOME": "/none", "HF_HUB_OFFLINE": "1"}).offline
    for wrong in ("ftp://h", "http://", "h", "http://user:word@h", "http://h:x"):
        with pytest.raises(AccessError) as caught:
            Access.read({"HF_HOME": "/none", "HF_ENDPOINT": wrong})
        assert "word" not in str(caught.value)


def test_names_are_read() -> None:
    assert parse("hf:a/b") == HubName("a/b", "main")
    assert parse("hf:a/b@v1/a") == HubName("a/b", "v1/a")
    assert parse("gpt2") == HubName("gpt2", "main")
    for wrong in ("hf:", "hf:a/../b", "hf:a/b/c", "hf:a/b@../x", "hf:a b/c", "hf:-a/b", "hf:a/b?x", "hf:/b"):
        with pytest.raises(ModelUnknown):
            parse(wrong)


def test_what_is_no_answer_of_a_hub_is_told(fake: FakeHub, hub: HuggingFace) -> None:
    fake.repositories["garden/tiny"].about["sha"] = "nothing"
    with pytest.raises(HubUnreachable, match="no commit"):
        hub.card("garden/tiny")
    fake.status = (200, {})
    with pytest.raises(HubUnreachable, match="no JSON"):
        hub.search("x")
