"""A small TF-IDF index over words and word pairs: which stored texts share the telling words of a query."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORD = re.compile(r"[a-z0-9]+")
STOP_WORDS = frozenset(
    (
        "a about after again all also am an and any are as at be because been being but by can could did do "
        "does doing each for from had has have having he her his how i if in into is it its just like may me "
        "might more most must my need needs no nor not of off on one only or other our out over own per "
        "please s same she should so some somebody someone something such t "
        "than that the their them then there these they this those to "
        "too under until up us use used using very via want wants was we were what when which while who whose "
        "why will wish with within without would you your "
    ).split()
)
SUFFIXES = (
    *("ations", "ation", "ators", "ator", "ating", "ative", "ated", "ates", "ate"),
    *("ions", "ion", "ings", "ing", "ors", "or", "ers", "er", "ies", "ied", "ed", "es", "s", "ly", "e", "y"),
)
SHORTEST_STEM = 3
PAIR_WEIGHT = 0.3


def stem(word: str) -> str:
    """Strip one common English ending and level British and American spelling."""
    word = word.replace("iz", "is").replace("yz", "ys").replace("our", "or")
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


def words(text: str) -> list[str]:
    """The lower-case words of a text without accents; stop words stay."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


@dataclass(frozen=True)
class Terms:
    """A text as the index sees it: sublinear weights by term, and the user's own word behind each stem."""

    weights: Mapping[str, float]
    surface: Mapping[str, str]


class TextIndex:
    """Cosine similarity of a query with every stored text.

    Args:
        texts: the stored texts; a text's number is its place.
        synonyms: stem of a word → the stem counted instead of it.
    """

    def __init__(self, texts: Sequence[str], synonyms: Mapping[str, str]) -> None:
        self._synonyms = synonyms
        self._size = len(texts)
        counted = [self.terms(text).weights for text in texts]
        frequency = Counter(term for weights in counted for term in weights)
        self._idf = {term: math.log((1 + len(texts)) / (1 + n)) + 1 for term, n in frequency.items()}
        self._idf_unknown = math.log(1 + len(texts)) + 1
        postings: dict[str, tuple[list[int], list[float]]] = {term: ([], []) for term in frequency}
        for number, weights in enumerate(counted):
            weighed = {term: weight * self._idf[term] for term, weight in weights.items()}
            norm = math.sqrt(sum(weight * weight for weight in weighed.values())) or 1.0
            for term, weight in weighed.items():
                postings[term][0].append(number)
                postings[term][1].append(weight / norm)
        self._postings = {term: (np.array(n), np.array(w)) for term, (n, w) in postings.items()}

    def terms(self, text: str) -> Terms:
        """Count stems and pairs of neighbouring stems, with 1 + log(count) as weight."""
        surface: dict[str, str] = {}
        stems = []
        for word in words(text):
            if word not in STOP_WORDS:
                plain = stem(word)
                stems.append(self._synonyms.get(plain, plain))
                surface.setdefault(stems[-1], word)
        counts: Counter[str] = Counter(stems)
        weights = {term: 1 + math.log(n) for term, n in counts.items()}
        pairs = Counter(f"{a} {b}" for a, b in pairwise(stems))
        weights.update({pair: PAIR_WEIGHT * (1 + math.log(n)) for pair, n in pairs.items()})
        return Terms(weights, surface)

    def contributions(self, terms: Terms) -> dict[str, Floats]:
        """What each known term of a query adds to its similarity with each text, shape (texts,)."""
        weighed = {
            term: weight * self._idf.get(term, self._idf_unknown)
            for term, weight in terms.weights.items()
            if term in self._idf or " " not in term
        }
        norm = math.sqrt(sum(weight * weight for weight in weighed.values())) or 1.0
        found = {}
        for term, weight in weighed.items():
            if term in self._postings:
                numbers, stored = self._postings[term]
                found[term] = np.zeros(self._size)
                found[term][numbers] = stored * weight / norm
        return found

    def similarities(self, terms: Terms) -> Floats:
        """Cosine with every text, 0 to 1, shape (texts,)."""
        return np.asarray(sum(self.contributions(terms).values(), np.zeros(self._size)), dtype=np.float64)
