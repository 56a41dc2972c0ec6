"""What leads and deals have around them in the same way: an owner, the calendar, their peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter

from features.definitions.wording import fact, in_days, word
from features.feature import Feature, PeerRank, Relation, Unit, Who, slugs
from features.history.vocabulary import Vocabulary

CALENDAR = {
    "weekday": "weekday (0 = Monday)",
    "day_of_month": "day of the month",
    "days_to_month_end": "days to month's end",
    "days_to_quarter_end": "days to quarter's end",
}
"""What the calendar tells of a cutoff, in words."""


def calendar(source: Relation) -> Iterator[Feature]:
    """The calendar at the cutoff."""
    for name, says in CALENDAR.items():
        yield fact(source, name, itemgetter(name), says, Who.MARKET)


def owner_description(
    words: Vocabulary, source: Relation, taken: tuple[str, ...]
) -> Iterator[Feature]:
    """How long the owner has been there, and what is known of the owner from the beginning.

    Args:
        words: the data's.
        source: whose rows hold the owner.
        taken: names that other features of the owner have already, without `owner_`.
    """
    yield fact(
        source,
        "owner_tenure_days",
        lambda r: in_days(r.cutoff.delta(r.hired_at, unit="microsecond")),
        "days since the owner was hired",
        Who.COMPANY,
        Unit.DAYS,
    )
    columns = words.columns_of("reps")
    names = slugs((*taken, "tenure_days", *columns.values()))
    for column, name in columns.items():
        says = f"the owner's {name.replace('_', ' ')}"
        categories = words.columns[f"reps.{name}"]
        yield word(f"owner_{names[name]}", (source, column), says, Who.COMPANY, categories)


def standings(
    words: Vocabulary, peers: str, compared: Mapping[str, str], who: Who
) -> Iterator[Feature]:
    """Where it stands among the others that are open, in its stage where there are stages.

    Args:
        words: the data's.
        peers: what the others are called.
        compared: the features compared, in words.
        who: can change them.
    """
    within = "stage" if words.stages else None
    among = f"{peers} in its stage" if within else f"open {peers}"
    for name, what in compared.items():
        says = f"{what} among {among} (0 lowest, 1 highest)"
        how = PeerRank(name, within)
        yield Feature(f"standing_{name}", Relation.COLUMNS, how, says, who, Unit.SHARE)
