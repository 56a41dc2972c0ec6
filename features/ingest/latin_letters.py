"""Which older encoding words of Latin letters are written in, told by the letters themselves.

The same bytes are letters in each of these encodings, and nothing in a file says which was meant.
But only one of them makes words of a language of it:

    B3 F3 64 9F    cp1250  łódź    cp1252  ³ódŸ    mac_roman  ≥Ûdü
    46 E9 65       cp1250  Fée     cp1252  Fée     mac_roman  FÈe

Each language spends its marked letters in a known order. A file is a mixture of languages, whose
shares are fitted for each encoding; the encoding under which its words are the likeliest is taken.
Where another is nearly as likely and reads differently, that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

USUAL = "cp1252"
"""What Western spreadsheets write where it is not UTF-8."""
LATIN = {
    USUAL: 0.0, "cp1250": -1.5, "mac_roman": -2.0, "cp1254": -3.0, "iso8859_2": -3.0,
    "mac_latin2": -4.0, "cp850": -4.0, "cp852": -4.0,
}  # fmt: skip
"""Encodings of Latin letters, with the logarithm of how often each is met beside the usual one."""
_LANGUAGES = (
    "\u2019\u2013“”é\u2018…—", "üäößéÄÖÜ", "éèàêçâîôûùëïœÉ", "óíáéñúüÑÁ", "ãçáéíóõêâúàôÉÁ",
    "àèòùéì", "äåöéÅÖÄ", "øåæéØÅÆ", "íðáéöþóæúýÞÍ", "ëéïöüè", "łóąęśćżńźŁŚŻÓ", "áéöóőíüúűÁÉŐÖ",
    "íáéěýžčřůšúňťďóŠČŘŽ", "áéíčýžšúľťôňäďĺóŕŠČŽ", "šćčžđŠŽČĆĐ", "ăîâşţŞŢÎ", "ıüşğöçİŞÖÇâ",
)  # fmt: skip
"""The marked letters of each language, the most frequent first; of English what is typeset."""
_RARE, _LONE_LETTER, _MID_WORD, _SIGN, _NO_SIGN = 1e-3, 1e-2, 1e-2, 3e-5, 1e-7
"""How likely is a letter of another language, one that stands alone, a capital after a small
letter, a sign that is no letter within a word, and what no text has at all."""
_LONE_WORDS = "àáâéèíóôúÀÁÉÍÓ"
_MOST_WORDS = 500
_DECISIVE = 6.2
"""An encoding is taken for certain where it is five hundred times as likely as any that differs."""
_TOLD = 2.3
"""And none but the usual one is taken at all unless it is ten times as likely as that."""
_ROUNDS = 20


@dataclass(frozen=True)
class Guess:
    """The encoding taken for bytes that are not UTF-8, and the one it could be as well.

    Attributes:
        encoding: what is taken, as Python calls it.
        other: what would read differently and cannot be ruled out; None: it is clear.
        example: a word as it is read.
        otherwise: that word as the other encoding reads it.
    """

    encoding: str
    other: str | None = None
    example: str = ""
    otherwise: str = ""


def guess_latin(words: Sequence[bytes]) -> Guess:
    """Guess in which encoding of Latin letters some words are written.

    Args:
        words: with at least one byte beyond ASCII each.
    """
    distinct = list(dict.fromkeys(words))[:_MOST_WORDS]
    if not distinct:
        return Guess(USUAL)
    read = {page: [word.decode(page, "replace") for word in distinct] for page in LATIN}
    likely = {page: LATIN[page] + _log_likelihood(read[page]) for page in LATIN}
    best = max(LATIN, key=lambda page: likely[page])
    if likely[best] - likely[USUAL] < _TOLD:
        best = USUAL
    others = sorted(LATIN, key=lambda page: -likely[page])
    differing = [page for page in others if read[page] != read[best]]
    second = differing[0]
    pairs = [pair for pair in zip(read[best], read[second], strict=True) if pair[0] != pair[1]]
    example, otherwise = max(pairs, key=lambda pair: sum(map(str.isalpha, pair[0])))
    if likely[best] - likely[second] > _DECISIVE:
        return Guess(best, None, example)
    return Guess(best, second, example, otherwise)


def _log_likelihood(words: Sequence[str]) -> float:
    """Return how likely words are in the mixture of languages that fits them best."""
    likely = np.array([[_likely(word, order) for order in _LANGUAGES] for word in words])
    shares = np.full(len(_LANGUAGES), 1 / len(_LANGUAGES))
    for _ in range(_ROUNDS):
        part = likely * shares
        shares = (part / part.sum(axis=1, keepdims=True)).mean(axis=0)
    return float(np.log(likely @ shares).sum())


def _likely(word: str, order: str) -> float:
    """Return how likely the marked signs of a word are in a language."""
    # By Zipf: the second letter is half as frequent as the first.
    total = sum(1 / rank for rank in range(1, len(order) + 1))
    likely, before = 1.0, ""
    for sign in word:
        if not sign.isascii():
            place = order.find(sign)
            if place >= 0:
                likely *= 1 / ((place + 1) * total)
            elif sign.isalpha() or (len(word) == 1 and sign.isprintable()):
                likely *= _RARE
            else:
                likely *= _SIGN if sign.isprintable() and sign != "\ufffd" else _NO_SIGN
            if len(word) == 1 and sign.isalpha() and sign not in _LONE_WORDS:
                likely *= _LONE_LETTER
            if sign.isupper() and before.islower():
                likely *= _MID_WORD
        before = sign
    # No word is impossible, however long.
    return max(likely, 1e-60)
