"""What leads and deals have around them in the same way: an owner, the calendar, their peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter

from features.definitions.wording import column_as_it_is, in_days
from features.feature import Expression, Feature, PeerRank, Relation, Segment, Unit
from features.history.vocabulary import Vocabulary
from features.texts import About, Phrase, Who, slugs

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class CalendarEntry:
    """What the calendar says of a cutoff.

    Attributes:
        about: a topic that nobody can act on.
        says: the figure in words.
        unit: how it is read.
        phrase: how it is said in a sentence.
    """

    about: About
    says: str
    unit: Unit
    phrase: Phrase


CALENDAR: Mapping[str, CalendarEntry] = {
    "weekday": CalendarEntry(
        About("weekday", "weekday", Who.MARKET),
        "weekday (0 = Monday)",
        Unit.COUNT,
        Phrase("it is a {}", names=WEEKDAYS),
    ),
    "day_of_month": CalendarEntry(
        About("day_of_month", "day of the month", Who.MARKET),
        "day of the month",
        Unit.COUNT,
        Phrase("it is day {} of the month"),
    ),
    "days_to_month_end": CalendarEntry(
        About("to_month_end", "the month's end", Who.MARKET),
        "days to the month's end",
        Unit.COUNT,
        Phrase(
            "{} days to the month's end",
            zero="it is the month's last day",
            one="1 day to the month's end",
        ),
    ),
    "days_to_quarter_end": CalendarEntry(
        About("to_quarter_end", "the quarter's end", Who.MARKET),
        "days to the quarter's end",
        Unit.COUNT,
        Phrase(
            "{} days to the quarter's end",
            zero="it is the quarter's last day",
            one="1 day to the quarter's end",
        ),
    ),
}
"""The columns of the calendar, in order."""


def calendar(source: Relation) -> Iterator[Feature]:
    """The calendar at the cutoff."""
    for name, entry in CALENDAR.items():
        yield Feature(
            name,
            source,
            Expression(itemgetter(name)),
            entry.says,
            entry.about,
            entry.unit,
            phrase=entry.phrase,
            is_common=True,
        )


def owner_description(
    vocabulary: Vocabulary, source: Relation, taken: tuple[str, ...]
) -> Iterator[Feature]:
    """How long the owner has been there, and what is known of the owner from the beginning.

    Args:
        vocabulary: the words of the data.
        source: whose rows hold the owner.
        taken: names that other features of the owner have already, without `owner_`.
    """
    yield Feature(
        "owner_tenure_days",
        source,
        Expression(lambda r: in_days(r.cutoff.delta(r.hired_at, unit="microsecond"))),
        "days since the owner was hired",
        About("owner_tenure", "the owner's time with the company", Who.COMPANY, "assignment"),
        Unit.DAYS,
        phrase=Phrase("the owner was hired {} ago"),
    )
    columns = vocabulary.columns_of("reps")
    names = slugs((*taken, "tenure_days", *columns.values()))
    for column, name in columns.items():
        yield column_as_it_is(
            f"owner_{names[name]}",
            (source, column),
            f"the owner's {name.replace('_', ' ')}",
            Who.COMPANY,
            vocabulary.columns[f"reps.{name}"],
            Segment.TEAM if name == "team" else None,
        )


@dataclass(frozen=True)
class Comparison:
    """How a feature is compared with that of peers.

    Attributes:
        about: the topic of the feature that is compared.
        what: the feature in a word or two: "age".
        more: the comparative: "older than".
        most: the superlative: "the oldest".
        empty: what is said where there is nothing to compare.
    """

    about: About
    what: str
    more: str
    most: str
    empty: str = "not known"


def peer_ranks(
    vocabulary: Vocabulary, peers: str, compared: Mapping[str, Comparison]
) -> Iterator[Feature]:
    """Where it ranks among the others that are open, in its stage where there are stages.

    Args:
        vocabulary: the words of the data.
        peers: what the others are called.
        compared: the features that are compared.
    """
    within = "stage" if vocabulary.stages else None
    among = f"the {peers} in its stage" if within else f"all open {peers}"
    for name, comparison in compared.items():
        yield Feature(
            f"rank_{name}",
            Relation.COLUMNS,
            PeerRank(name, within),
            f"{comparison.what}, compared with {among}",
            comparison.about,
            Unit.SHARE,
            phrase=Phrase(
                f"{comparison.more} {{}} of {among}",
                comparison.empty,
                one=f"{comparison.most} of {among}",
            ),
        )
