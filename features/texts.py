"""Texts: how those of extracts are read and become names, and what people read of features."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from features.clock import naive_utc
from features.errors import FeatureError

EMPTY = ("", "NULL", "null", "None", "nan", "NaN", "NaT", "<NA>")
"""What exports write for "nothing". Not `NA`: that is also North America."""
SPREADSHEET_ERRORS = (
    "#N/A", "#N/A N/A", "#NA", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!",
    "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#UNKNOWN!",
    "#CONNECT!", "#ERROR!", "#GETTING_DATA",
    "#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#VALEUR!", "#NOM?", "#NOMBRE!", "#VALOR!", "#¡VALOR!",
    "#¡REF!", "#¿NOMBRE?", "#¡DIV/0!", "#RIF!", "#VALORE!", "#NOME?", "#N/D", "#WAARDE!", "#VERW!",
)  # fmt: skip
"""What a spreadsheet writes where a formula failed: no value, in whichever column."""


def clean(value: Any) -> Any:
    """Trim a text, and empty it where an export wrote a word for nothing, as ingestion does.

    Returns:
        The text, None where it is empty; a value that is not a text stays as it is.
    """
    if not isinstance(value, str):
        return value
    trimmed = value.strip(" \t\n\r\xa0")
    return None if trimmed in EMPTY or trimmed in SPREADSHEET_ERRORS else trimmed


def read_moment(value: Any) -> Any:
    """Read a moment: with a zone it is converted to UTC, without one it is UTC already.

    Returns:
        The moment in UTC without a zone; None where the text is empty.

    Raises:
        ValueError: the value is not a moment.
    """
    text = clean(value)
    if text is None:
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(text)
        return naive_utc(moment)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("should be a time like 2025-03-31T14:05:00Z, or a date") from None


def slugs(words: Iterable[str]) -> dict[str, str]:
    """Turn words of the data into parts of column names; unlike words get unlike names.

    >>> slugs(["Call (after offer)", "call after offer", "!"])
    {'Call (after offer)': 'call_after_offer', 'call after offer': 'call_after_offer_2', '!': 'x'}
    """
    names: dict[str, str] = {}
    for word in words:
        plain = re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")[:40] or "x"
        taken, count, name = set(names.values()), 1, plain
        while name in taken:
            count += 1
            name = f"{plain}_{count}"
        names[word] = name
    return names


class Who(Enum):
    """Who can change what a feature measures."""

    REP = "rep"
    COMPANY = "company"
    LEAD = "lead"
    CUSTOMER = "customer"
    MARKET = "market"


GROUPS = {
    Who.REP: "you can change",
    Who.COMPANY: "manager or company can change",
    Who.LEAD: "the lead's or market's own",
    Who.CUSTOMER: "the lead's or market's own",
    Who.MARKET: "the lead's or market's own",
}
"""Reasons by who can do something about them, as a rep reads them."""
DATA_ISSUE = "data issue"


def group_of(who: Who, *, is_data_issue: bool = False) -> str:
    """Return the group of a reason.

    Args:
        who: can change what it is about.
        is_data_issue: its value is missing or cannot be: somebody has to look at the records.
    """
    return DATA_ISSUE if is_data_issue else GROUPS[who]


class Theme(Enum):
    """What several topics have in common; topics too weak to speak for themselves speak as one."""

    WORK = "our work on it"
    ANSWERS = "what came back"
    PROGRESS = "how far it has come"
    OWNER = "whose it is"
    KIND = "what it is"
    MARKET = "market and calendar"


THEMES = {
    Who.REP: Theme.WORK,
    Who.COMPANY: Theme.OWNER,
    Who.LEAD: Theme.KIND,
    Who.CUSTOMER: Theme.KIND,
    Who.MARKET: Theme.MARKET,
}
"""The theme of a topic that names none, by who can change it."""


@dataclass(frozen=True)
class About:
    """What a family of features is about, and who can do something about it.

    Attributes:
        topic: features of one topic make one reason, their points added up.
        label: the topic as people read it.
        who: who can change what the feature measures.
        lever: what they would change, in a word or two; None if nobody can act on it.
        named_theme: the theme it belongs to; None: the usual one of `who`.
    """

    topic: str
    label: str
    who: Who
    lever: str | None = None
    named_theme: Theme | None = None

    @property
    def theme(self) -> Theme:
        """The theme of the topic."""
        return self.named_theme or THEMES[self.who]

    def __post_init__(self) -> None:
        """Refuse a topic without a name, and a lever that is in nobody's hands."""
        if not self.topic or not self.label:
            raise FeatureError(f"topic {self.topic!r} with the label {self.label!r}: one is empty")
        if self.lever is not None and self.who not in (Who.REP, Who.COMPANY):
            raise FeatureError(f"topic {self.topic}: nobody pulls a lever of the {self.who.value}")


@dataclass(frozen=True)
class Phrase:
    """How a value is said in a sentence that stands alone.

    Attributes:
        some: the sentence, with the value in place of `{}`: "last touched {} ago".
        empty: what is said where there is no value.
        zero: what is said of 0; None says it like any other value.
        one: what is said of 1; None likewise.
        below: the sentence for values below 0, which are said without their sign; None likewise.
        names: what 0, 1, 2 … are called: ("Monday", "Tuesday", …).
    """

    some: str = "{}"
    empty: str = "not known"
    zero: str | None = None
    one: str | None = None
    below: str | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a sentence that does not say its value."""
        for sentence in (self.some, self.below):
            if sentence is not None and "{}" not in sentence:
                raise FeatureError(f"the phrase {sentence!r} has no place for its value: {{}}")

    def says(self, value: float, number: Callable[[float], str]) -> str:
        """Return the sentence for a value.

        Args:
            value: the value; NaN where there is none.
            number: writes it as it stands in the sentence.

        >>> calls = Phrase("{} calls", "not known", zero="no call", one="1 call")
        >>> [calls.says(n, "{:.0f}".format) for n in (0.0, 1.0, 2.0, float("nan"))]
        ['no call', '1 call', '2 calls', 'not known']
        """
        if math.isnan(value):
            return self.empty
        if value in range(len(self.names)):
            return self.some.replace("{}", self.names[int(value)])
        if value < 0 and self.below is not None:
            return self.below.replace("{}", number(-value))
        form = {0.0: self.zero, 1.0: self.one}.get(value)
        return self.some.replace("{}", number(value)) if form is None else form

    def followed_by(self, more: str) -> Phrase:
        """Return the phrase with words after each form of it, except where there is no value."""
        zero, one, below = (
            None if form is None else f"{form} {more}" for form in (self.zero, self.one, self.below)
        )
        return replace(self, some=f"{self.some} {more}", zero=zero, one=one, below=below)


PLAIN = Phrase()
"""The value alone."""
