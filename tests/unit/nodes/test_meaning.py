"""The optional sentence embedder: its word pieces, how it joins the words, and what it does where it is installed."""

from __future__ import annotations

import hashlib
import importlib.util
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from hedgerow_nodes.estimators.text import sentence_embedder
from hedgerow_nodes.estimators.text.hit_rates import count_hits, read_problems
from hedgerow_nodes.estimators.text.meaning import VECTORS, Meaning, digest_of, packaged_meaning, packaged_vectors
from hedgerow_nodes.estimators.text.sentence_embedder import PACKAGE, installed_embedder
from hedgerow_nodes.estimators.text.task_matcher import TaskMatcher, packaged_matcher
from hedgerow_nodes.estimators.text.tasks import load_taxonomy
from hedgerow_nodes.estimators.text.text_index import Floats
from hedgerow_nodes.estimators.text.word_pieces import piece_numbers, vocabulary

DATA = Path(__file__).parents[2] / "data"
EXAMPLES = [text for task in load_taxonomy().tasks for text in task.examples]
OWNER = np.array([number for number, task in enumerate(load_taxonomy().tasks) for _ in task.examples])
installed = pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason="needs the extra hedgerow[embedder]")


class PointingEmbedder:
    """Says of every text that it means the same as one example."""

    name = "pointing"

    def __init__(self, example: int) -> None:
        self.example = example

    def embed(self, text: str) -> Floats:
        return np.eye(len(EXAMPLES))[self.example]


def _peer() -> Tokenizer:
    peer = Tokenizer(WordPiece(dict(vocabulary()), unk_token="[UNK]", max_input_chars_per_word=100))
    peer.normalizer = BertNormalizer(lowercase=True)
    peer.pre_tokenizer = BertPreTokenizer()
    return peer


PEER = _peer()


@pytest.mark.parametrize(
    "text", ["", "Count the cows!", "naïve café's co-op… “x” 10°C", "数える 奶牛", "x" * 101, "a\0b\u200b\tc"]
)
def test_pieces_are_those_of_the_library_that_the_model_was_made_with(text: str) -> None:
    assert piece_numbers(text, 10_000)[1:-1] == PEER.encode(text, add_special_tokens=False).ids


@given(st.text(st.characters(min_codepoint=1, max_codepoint=0x052F, exclude_categories=("Cn", "Co")), max_size=60))
def test_pieces_of_any_text_are_those_of_the_library(text: str) -> None:
    # Latin, Greek and Cyrillic: beyond them the library and Python may follow different versions of Unicode.
    assert piece_numbers(text, 10_000)[1:-1] == PEER.encode(text, add_special_tokens=False).ids


def test_a_long_text_is_cut_and_keeps_its_marks() -> None:
    numbers = piece_numbers("cow " * 500, 128)
    assert len(numbers) == 128
    assert (numbers[0], numbers[-1]) == (vocabulary()["[CLS]"], vocabulary()["[SEP]"])


def test_meaning_joins_the_words_and_is_named() -> None:
    text = "Filter spam out of incoming messages"
    taxonomy = load_taxonomy()
    first = next(n for n, one in enumerate(EXAMPLES) if taxonomy.tasks[OWNER[n]].id == "image-to-3d")
    meaning = Meaning(PointingEmbedder(first), np.eye(len(EXAMPLES)), OWNER, len(taxonomy.tasks))
    alone, joined = TaskMatcher(taxonomy).match(text), TaskMatcher(taxonomy, meaning).match(text)
    assert "image-to-3d" not in [id_ for id_, _ in alone.tasks]
    assert "image-to-3d" in [id_ for id_, _ in joined.tasks]
    assert joined.tasks[0][0] == alone.tasks[0][0] == "text-classification"
    assert "Compared by words and by meaning (pointing)." in joined.explanation
    assert "Compared by words." in alone.explanation


def test_a_text_of_nothing_has_no_meaning() -> None:
    taxonomy = load_taxonomy()
    meaning = Meaning(PointingEmbedder(0), np.eye(len(EXAMPLES)), OWNER, len(taxonomy.tasks))
    assert TaskMatcher(taxonomy, meaning).match(" ").tasks == TaskMatcher(taxonomy).match(" ").tasks


def test_the_packaged_vectors_are_of_the_packaged_examples() -> None:
    vectors = packaged_vectors(digest_of(EXAMPLES))
    assert vectors is not None, f"run tools/embed_examples.py: {VECTORS} is of other examples"
    assert vectors.shape == (len(EXAMPLES), 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(EXAMPLES)))
    assert packaged_vectors(digest_of([*EXAMPLES, "one more"])) is None


def test_without_the_package_the_words_count_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_embedder, "PACKAGE", "a_package_that_nobody_has")
    installed_embedder.cache_clear()
    try:
        assert installed_embedder() is None
        assert packaged_meaning(load_taxonomy()) is None
    finally:
        installed_embedder.cache_clear()


def test_other_weights_under_the_same_name_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "false_weights.py").write_text(
        "from pathlib import Path\n\n\ndef model_path():\n    return Path(__file__)\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sentence_embedder, "PACKAGE", "false_weights")
    installed_embedder.cache_clear()
    try:
        assert installed_embedder() is None
    finally:
        installed_embedder.cache_clear()


def test_the_vocabulary_is_the_published_one() -> None:
    content = (resources.files("hedgerow_nodes.estimators") / "data" / "word_pieces.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
    assert len(vocabulary()) == 30_522


@installed
def test_installed_it_finds_nearly_every_task_among_the_first_three() -> None:
    matcher = packaged_matcher()
    assert "meaning" in matcher.compared_by
    test, plain = (read_problems(DATA / f"problems_{name}.json") for name in ("test", "plain"))
    assert count_hits(test, matcher.match).hits[3] >= 0.93 * len(test)
    assert count_hits(plain, matcher.match).hits[3] >= 22


@installed
def test_installed_it_makes_the_packaged_vectors() -> None:
    embedder, vectors = installed_embedder(), packaged_vectors(digest_of(EXAMPLES))
    assert embedder is not None
    assert vectors is not None
    for number in range(0, len(EXAMPLES), 100):
        assert float(embedder.embed(EXAMPLES[number]) @ vectors[number]) > 0.98
