"""Protected attributes of people: found by a column's name or its values, kept out of models.

A model that knows a person's gender, age, origin, nationality, religion, health, disability, family
or politics treats people differently for what they are. So no column that looks like one reaches a
model, nor the reasons behind a score, unless params.yaml names it with a reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from features.protected_words import (
    AMBIGUOUS,
    LANGUAGE,
    NAMES,
    NOT_OF_PEOPLE,
    OF_PEOPLE,
    PAIRED_LETTERS,
    PARTS,
    SIDE_VALUES,
    VALUES,
)

AGES = frozenset({"age", "alter"})
"""Names that things have too."""
LEAST_KNOWN = 0.9
"""Share of a column's different values that must be known ones."""
LEAST_VALUES = 2
"""Known values that a column must hold: one alone says little."""


def protected_name(column: str) -> str | None:
    """Return what a column's name says of a person, or None.

    >>> protected_name("Contact_Gender__c"), protected_name("Geburtsdatum"), protected_name("stage")
    ('gender', 'age', None)
    >>> protected_name("lead_age_days"), protected_name("account_health"), protected_name("average")
    (None, None, None)
    """
    words = folded(column).split()
    joined = "".join(words)
    for kind, parts in PARTS.items():
        if any(part in joined for part in parts):
            return kind
    phrase = f" {' '.join(words)} "
    for kind, names in NAMES.items():
        hits = [name for name in names if f" {name} " in phrase]
        if hits and not (set(hits) <= AGES and _is_of_a_thing(words)):
            return kind
    return None


def protected_values(column: str, values: Iterable[str]) -> str | None:
    """Return what a column's values say of people, or None.

    | values                         | says          |
    |--------------------------------|---------------|
    | male, female, other            | gender        |
    | m, f                           | gender        |
    | m, l, xl                       | None: sizes   |
    | catholic, none                 | None: too few |

    Args:
        column: its name; a column of languages is none of nationalities.
        values: its different values; ones that are too many to be categories say nothing.
    """
    known = {folded(value) for value in values} - {""}
    if not known:
        return None
    letters = {value for value in known if len(value) == 1}
    pairs = [pair for pair in PAIRED_LETTERS if pair <= letters]
    if pairs and known - pairs[0] <= SIDE_VALUES["gender"]:
        return "gender"
    for kind, words in VALUES.items():
        if kind == "nationality" and LANGUAGE & set(folded(column).split()):
            continue
        hits = known & words
        beside = known & SIDE_VALUES.get(kind, frozenset())
        is_sure = len(hits) >= LEAST_VALUES and bool(hits - AMBIGUOUS)
        if is_sure and len(hits | beside) >= LEAST_KNOWN * len(known):
            return kind
    return None


def folded(text: str) -> str:
    """Return a text in small letters without accents, its words parted by one blank.

    >>> folded("birthDate__c"), folded("Nationalité"), folded("25-34"), folded("HTMLField")
    ('birth date c', 'nationalite', '25 34', 'html field')
    """
    return " ".join(_words(unicodedata.normalize("NFKD", text.replace("ß", "ss"))))


def _words(text: str) -> Iterator[str]:
    """Go through the words of a text: parted by signs, or where a small letter meets a capital."""
    word = ""
    for place, sign in enumerate(text):
        if unicodedata.combining(sign):
            continue
        is_start = sign.isupper() and (
            word[-1:].islower() or (word[-1:].isupper() and text[place + 1 : place + 2].islower())
        )
        if word and (is_start or not sign.isalnum()):
            yield word.lower()
            word = ""
        word += sign if sign.isalnum() else ""
    if word:
        yield word.lower()


def _is_of_a_thing(words: list[str]) -> bool:
    return bool(NOT_OF_PEOPLE & set(words)) and not OF_PEOPLE & set(words)
