"""Cut a text into the word pieces of BERT's lower-case English vocabulary, as the sentence embedder was trained on.

Written after Devlin et al. 2019 (arXiv:1810.04805) and Wu et al. 2016 (arXiv:1609.08144, section 4.1): words and
punctuation apart, accents off, then the longest known piece from the left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

BEGIN, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
CONTINUED = "##"
LONGEST_WORD = 100
_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
# The blocks of ideographs, which are written without spaces, so that each is a word.
_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


def piece_numbers(text: str, longest: int) -> list[int]:
    """The numbers of a text's pieces, between the marks for beginning and end; what is beyond `longest` is left out."""
    known = vocabulary()
    numbers = [known[BEGIN]]
    for word in _words(text):
        numbers.extend(known[piece] for piece in _pieces(word, known))
        if len(numbers) >= longest:
            break
    return [*numbers[: longest - 1], known[END]]


@cache
def vocabulary() -> Mapping[str, int]:
    """The packaged vocabulary: piece → number."""
    file = resources.files("hedgerow_nodes.estimators") / "data" / "word_pieces.txt"
    return {piece: number for number, piece in enumerate(file.read_text(encoding="utf-8").split("\n")) if piece}


def _words(text: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFD", text.lower())
    word = ""
    for character in plain:
        category = unicodedata.category(character)
        if category == "Mn" or character in "\0\ufffd" or (category[0] == "C" and character not in "\t\n\r"):
            continue
        alone = character in _ASCII_PUNCTUATION or category[0] == "P" or _is_ideograph(ord(character))
        if character.isspace() or alone:
            if word:
                yield word
            word = ""
            if alone:
                yield character
        else:
            word += character
    if word:
        yield word


def _is_ideograph(code: int) -> bool:
    return any(low <= code <= high for low, high in _IDEOGRAPHS)


def _pieces(word: str, known: Mapping[str, int]) -> list[str]:
    if len(word) > LONGEST_WORD:
        return [UNKNOWN]
    pieces: list[str] = []
    start = 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = (CONTINUED if start else "") + word[start:end]
            if piece in known:
                pieces.append(piece)
                start = end
                break
        else:
            return [UNKNOWN]
    return pieces
