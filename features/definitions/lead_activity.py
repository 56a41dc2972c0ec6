"""What was done about a lead or a deal: declarations over its activities."""

from __future__ import annotations

from collections.abc import Iterator

from features.definitions.wording import (
    counts,
    in_window,
    number_of,
    quoted,
    suffix,
    windows_per_type,
)
from features.feature import Aggregate, Aggregation, Feature, Relation, Unit
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams
from features.texts import About, Phrase, Theme, Who, slugs

ACTIVITY = About("touch", "amount of activity", Who.REP, "activity")
"""All activities together, of whatever type: how many in any window, how long they took."""
RECENCY = About("touch_recency", "time since the last activity", Who.REP, "activity")
"""How lately it was touched."""
PACE = About("touch_pace", "pace of activity", Who.REP, "activity")
"""Since when, how regularly, and whether more or less than before."""
LATEST = About("last_type", "latest activities", Who.REP, "activity")
"""What was done last, and what was new."""
ACTIVITIES = number_of("activity", "activities")
DAYS_WORKED = Phrase(
    "activities on {} days", zero="no day with an activity", one="activities on 1 day"
)
NOT_YET = "no touch yet"
TOO_FEW = "fewer than two activities yet"


def touches(params: FeatureParams) -> Iterator[Feature]:
    """All activities together: how many, how recent, how long, how fast at the start."""
    count = Aggregate(Aggregation.COUNT)
    windows = (*params.windows_days, None)
    words = ("activities", ACTIVITIES)
    yield from counts("touches", (Relation.TOUCHES, count), words, ACTIVITY, windows)
    for days in (params.windows_days[-1], None):
        when = in_window(days)
        yield Feature(
            f"duration_hours_{suffix(days)}",
            Relation.TOUCHES,
            Aggregate(Aggregation.SUM, column="duration"),
            f"hours spent on it {when}",
            ACTIVITY,
            Unit.HOURS,
            days,
            phrase=Phrase("{} spent on it", zero="no time spent on it").followed_by(when),
        )
    yield from recency()
    yield Feature(
        "duration_hours_mean",
        Relation.TOUCHES,
        Aggregate(Aggregation.MEAN, column="duration"),
        "hours an activity took on average",
        ACTIVITY,
        Unit.HOURS,
        phrase=Phrase("an activity took {} on average", "no activity of known length yet"),
    )
    yield Feature(
        "days_between_touches",
        Relation.TOUCHES,
        Aggregate(Aggregation.RHYTHM),
        "days between its activities on average",
        PACE,
        Unit.DAYS,
        phrase=Phrase("{} between its activities on average", TOO_FEW),
    )
    yield Feature(
        "first_response_hours",
        Relation.TOUCHES,
        Aggregate(Aggregation.RESPONSE),
        "hours from its arrival to the first activity",
        About("first_response_hours", "first response", Who.REP, "response time"),
        Unit.HOURS,
        phrase=Phrase("first touched {} after it came in", NOT_YET),
    )
    yield from trends(params)


def recency() -> Iterator[Feature]:
    """How long ago the last activity was, by two clocks, and the first."""
    last, first = Aggregate(Aggregation.SINCE_LAST), Aggregate(Aggregation.SINCE_FIRST)
    last_ago, first_ago = (Phrase(f"{end} touched {{}} ago", NOT_YET) for end in ("last", "first"))
    for name, how, says, about, unit, phrase in (
        ("days_since_touch", last, "days since the last activity", RECENCY, Unit.DAYS, last_ago),
        (
            "working_hours_since_touch",
            last,
            "working hours since the last activity",
            RECENCY,
            Unit.WORKING_HOURS,
            last_ago,
        ),
        (
            "days_since_first_touch",
            first,
            "days since the first activity",
            PACE,
            Unit.DAYS,
            first_ago,
        ),
    ):
        yield Feature(name, Relation.TOUCHES, how, says, about, unit, phrase=phrase)


def trends(params: FeatureParams) -> Iterator[Feature]:
    """Whether activities become more or fewer."""
    for short, wide in zip(params.windows_days[1:-1:2], params.windows_days[2::2], strict=False):
        now, before = f"in the last {short} days", f"in the {wide - short} before"
        yield Feature(
            f"touch_trend_{short}d_{wide}d",
            Relation.TOUCHES,
            Aggregate(Aggregation.TREND, wide_days=wide),
            f"activities a day {now}, less those {before}",
            PACE,
            Unit.RATIO,
            short,
            phrase=Phrase(
                f"{{}} more activities a day {now} than {before}",
                zero=f"as many activities a day {now} as {before}",
                below=f"{{}} fewer activities a day {now} than {before}",
            ),
        )


def types(vocabulary: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Each activity type: how many in each window, how recent; and the latest type."""
    names = slugs(vocabulary.types)
    for code, word in enumerate(vocabulary.types):
        yield from _type(f"type_{names[word]}", code, quoted(word), params)
    if not vocabulary.types:
        return
    for name, kind, label, empty in (
        ("last_type", Aggregation.LAST_WORD, "last activity", NOT_YET),
        (
            "second_last_type",
            Aggregation.SECOND_WORD,
            "last activity of another type",
            "no activity of another type yet",
        ),
        ("newest_type", Aggregation.NEWEST_WORD, "latest new type of activity", NOT_YET),
    ):
        yield Feature(
            name,
            Relation.TOUCHES,
            Aggregate(kind, "type"),
            f"type of the {label}",
            LATEST,
            Unit.CATEGORY,
            categories=vocabulary.types,
            phrase=Phrase(empty=empty),
        )
    yield Feature(
        "days_since_newest_type",
        Relation.TOUCHES,
        Aggregate(Aggregation.SINCE_NEWEST, "type"),
        "days since something new was done",
        LATEST,
        Unit.DAYS,
        phrase=Phrase("something new was last done {} ago", NOT_YET),
    )


def _type(topic: str, code: int, word: str, params: FeatureParams) -> Iterator[Feature]:
    """One activity type: how many in each window, how recent, and how much time it took."""
    about = acted(topic, word, word.strip("'"), Who.LEAD)
    times = Phrase(f"{word} {{}} times", zero=f"no {word}", one=f"{word} once")
    rows = (Relation.TOUCHES, Aggregate(Aggregation.COUNT, "type", code))
    yield from counts(topic, rows, (word, times), about, windows_per_type(params))
    for infix, kind, end in (
        ("", Aggregation.SINCE_LAST, "last"),
        ("first_", Aggregation.SINCE_FIRST, "first"),
    ):
        yield Feature(
            f"days_since_{infix}{topic}",
            Relation.TOUCHES,
            Aggregate(kind, "type", code),
            f"days since the {end} {word}",
            about,
            Unit.DAYS,
            phrase=Phrase(f"{end} {word} {{}} ago", f"no {word} yet"),
        )
    yield Feature(
        f"duration_hours_{topic}_all",
        Relation.TOUCHES,
        Aggregate(Aggregation.SUM, "type", code, column="duration"),
        f"hours spent on {word} so far",
        about,
        Unit.HOURS,
        phrase=Phrase(f"{{}} spent on {word} so far", zero=f"no time spent on {word} so far"),
    )


INBOUND = frozenset({"inbound", "in", "incoming", "received"})
"""Directions in which the lead, not the rep, was the one who acted."""
OF_THE_LEAD = frozenset(
    {
        *("inbound", "incoming", "received", "reply", "replied", "web", "website", "page"),
        *("download", "downloaded", "opened", "clicked", "click", "signup", "subscribed"),
    }
)
"""Words in the names of types of activity in which the lead was the one who acted."""


def directions(vocabulary: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Directions and outcomes of activities: how many, how recent."""
    for column, data_words, label, one, many in (
        ("direction", vocabulary.directions, "{} activities", "{} activity", "{} activities"),
        (
            "outcome",
            vocabulary.outcomes,
            "outcome {}",
            "activity with the outcome {}",
            "activities with the outcome {}",
        ),
    ):
        names = slugs(data_words)
        for code, word in enumerate(data_words):
            topic, plain = f"{column}_{names[word]}", quoted(word)
            single, several = one.format(plain), many.format(plain)
            # How an activity ended is the other side's answer, whoever began it.
            came_back = About(topic, label.format(plain), Who.LEAD, named_theme=Theme.ANSWERS)
            about = acted(topic, label.format(plain), word, Who.LEAD)
            about = came_back if column == "outcome" else about
            rows = (Relation.TOUCHES, Aggregate(Aggregation.COUNT, column, code))
            words = (several, number_of(single, several))
            yield from counts(topic, rows, words, about, windows_per_type(params))
            yield Feature(
                f"days_since_{topic}",
                Relation.TOUCHES,
                Aggregate(Aggregation.SINCE_LAST, column, code),
                f"days since the last {single}",
                about,
                Unit.DAYS,
                phrase=Phrase(f"last {single} {{}} ago", f"no {single} yet"),
            )


def acted(topic: str, label: str, word: str, other: Who) -> About:
    """Return whose doing activities of a direction or type are: the other side's if they came in.

    Args:
        topic: of the activities.
        label: the topic as people read it.
        word: the direction or the type, as the data have it.
        other: who is on the other side.
    """
    lower = word.lower()
    if lower in INBOUND or OF_THE_LEAD & {*lower.replace("_", " ").replace("-", " ").split()}:
        return About(topic, label, other, named_theme=Theme.ANSWERS)
    return About(topic, label, Who.REP, "activity")


def numbers(vocabulary: Vocabulary) -> Iterator[Feature]:
    """Further numbers that activities carry: their mean and their sum."""
    names = slugs(vocabulary.numbers)
    for word in vocabulary.numbers:
        plain = word.replace("_", " ")
        about = About(f"number_{names[word]}", f"{plain} of its activities", Who.REP, "activity")
        for kind, end in ((Aggregation.MEAN, "on average"), (Aggregation.SUM, "in all")):
            yield Feature(
                f"{kind.value}_{names[word]}",
                Relation.TOUCHES,
                Aggregate(kind, column=f"number__{word}"),
                f"{plain} of its activities, {end}",
                about,
                Unit.AMOUNT,
                phrase=Phrase(f"{{}} {end}"),
            )


def coverage(params: FeatureParams) -> Iterator[Feature]:
    """On how many days, and by how many reps, it was worked."""
    count = Aggregate(Aggregation.COUNT)
    windows = (*params.windows_days[-2:], None)
    words = ("days with an activity", DAYS_WORKED)
    yield from counts("active_days", (Relation.TOUCH_DAYS, count), words, ACTIVITY, windows)
    about = About("reps", "reps who worked on it", Who.REP, "teamwork")
    people = Phrase("{} reps worked on it", zero="no rep worked on it", one="1 rep worked on it")
    words = ("reps who worked on it", people)
    yield from counts("reps", (Relation.TOUCH_REPS, count), words, about, windows)
