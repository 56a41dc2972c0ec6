"""What was done about a lead: declarations over its activities."""

from __future__ import annotations

from collections.abc import Iterator

from features.definitions.wording import in_window, suffix, touch, windows_per_type
from features.feature import Aggregate, Aggregation, Feature, Relation, Unit, Who, slugs
from features.history.vocabulary import Vocabulary
from features.params import FeatureParams


def touches(params: FeatureParams) -> Iterator[Feature]:
    """All activities together: how many, how recent, how long, how fast at the start."""
    for days in (*params.windows_days, None):
        yield touch(
            f"touches_{suffix(days)}",
            Aggregate(Aggregation.COUNT),
            f"activities {in_window(days)}",
            days=days,
        )
    for days in (params.windows_days[-1], None):
        yield touch(
            f"duration_hours_{suffix(days)}",
            Aggregate(Aggregation.SUM, column="duration"),
            f"hours spent on it {in_window(days)}",
            Unit.HOURS,
            days,
        )
    last, first = Aggregate(Aggregation.SINCE_LAST), Aggregate(Aggregation.SINCE_FIRST)
    yield touch("days_since_touch", last, "days since the last activity", Unit.DAYS)
    yield touch(
        "working_hours_since_touch",
        last,
        "working hours since the last activity",
        Unit.WORKING_HOURS,
    )
    yield touch("days_since_first_touch", first, "days since the first activity", Unit.DAYS)
    yield touch(
        "duration_hours_mean",
        Aggregate(Aggregation.MEAN, column="duration"),
        "hours an activity took on average",
        Unit.HOURS,
    )
    yield touch(
        "days_between_touches",
        Aggregate(Aggregation.RHYTHM),
        "days between its activities on average",
        Unit.DAYS,
    )
    yield touch(
        "first_response_hours",
        Aggregate(Aggregation.RESPONSE),
        "hours from its arrival to the first activity",
        Unit.HOURS,
    )
    yield from trends(params)


def trends(params: FeatureParams) -> Iterator[Feature]:
    """Whether activities become more or fewer."""
    for short, wide in zip(params.windows_days[1:-1:2], params.windows_days[2::2], strict=False):
        yield touch(
            f"touch_trend_{short}d_{wide}d",
            Aggregate(Aggregation.TREND, wide_days=wide),
            f"activities a day in the last {short} days, less those of the {wide - short} before",
            Unit.SHARE,
            short,
        )


def types(words: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Each activity type: how many in each window, how recent; and the latest type."""
    names = slugs(words.types)
    for code, word in enumerate(words.types):
        plain = word.replace("_", " ")
        for days in windows_per_type(params):
            yield touch(
                f"type_{names[word]}_{suffix(days)}",
                Aggregate(Aggregation.COUNT, "type", code),
                f"'{plain}' {in_window(days)}",
                days=days,
            )
        yield touch(
            f"days_since_type_{names[word]}",
            Aggregate(Aggregation.SINCE_LAST, "type", code),
            f"days since the last '{plain}'",
            Unit.DAYS,
        )
        yield touch(
            f"days_since_first_type_{names[word]}",
            Aggregate(Aggregation.SINCE_FIRST, "type", code),
            f"days since the first '{plain}'",
            Unit.DAYS,
        )
        yield touch(
            f"duration_hours_type_{names[word]}_all",
            Aggregate(Aggregation.SUM, "type", code, column="duration"),
            f"hours spent on '{plain}' so far",
            Unit.HOURS,
        )
    if words.types:
        for name, kind, says in (
            ("last_type", Aggregation.LAST_WORD, "the last activity's type"),
            ("second_last_type", Aggregation.SECOND_WORD, "the type of activity before that"),
            ("newest_type", Aggregation.NEWEST_WORD, "the latest type that was new to it"),
        ):
            yield Feature(
                name,
                Relation.TOUCHES,
                Aggregate(kind, "type"),
                says,
                Who.REP,
                Unit.CATEGORY,
                categories=words.types,
            )
        yield touch(
            "days_since_newest_type",
            Aggregate(Aggregation.SINCE_NEWEST, "type"),
            "days since something new was done",
            Unit.DAYS,
        )


INBOUND = frozenset({"inbound", "in", "incoming", "received"})
"""Directions in which the lead, not the rep, was the one who acted."""


def directions(words: Vocabulary, params: FeatureParams) -> Iterator[Feature]:
    """Directions and outcomes of activities: how many, how recent."""
    for column, found, phrase in (
        ("direction", words.directions, "'{}' activities"),
        ("outcome", words.outcomes, "activities with the outcome '{}'"),
    ):
        names = slugs(found)
        for code, word in enumerate(found):
            says = phrase.format(word.replace("_", " "))
            who = Who.LEAD if word.lower() in INBOUND else Who.REP
            for days in windows_per_type(params):
                yield Feature(
                    f"{column}_{names[word]}_{suffix(days)}",
                    Relation.TOUCHES,
                    Aggregate(Aggregation.COUNT, column, code),
                    f"{says} {in_window(days)}",
                    who,
                    window_days=days,
                )
            yield Feature(
                f"days_since_{column}_{names[word]}",
                Relation.TOUCHES,
                Aggregate(Aggregation.SINCE_LAST, column, code),
                f"days since the last of the {says}",
                who,
                Unit.DAYS,
            )


def numbers(words: Vocabulary) -> Iterator[Feature]:
    """Further numbers that activities carry: their mean and their sum."""
    names = slugs(words.numbers)
    for word in words.numbers:
        for kind in (Aggregation.MEAN, Aggregation.SUM):
            yield touch(
                f"{kind.value}_{names[word]}",
                Aggregate(kind, column=f"number__{word}"),
                f"{kind.value} of the {word.replace('_', ' ')} of its activities",
                Unit.AMOUNT,
            )


def coverage(params: FeatureParams) -> Iterator[Feature]:
    """On how many days, and by how many reps, it was worked."""
    for source, what, plain in (
        (Relation.TOUCH_DAYS, "active_days", "days with an activity"),
        (Relation.TOUCH_REPS, "reps", "reps who worked on it"),
    ):
        for days in (*params.windows_days[-2:], None):
            yield Feature(
                f"{what}_{suffix(days)}",
                source,
                Aggregate(Aggregation.COUNT),
                f"{plain} {in_window(days)}",
                Who.REP,
                window_days=days,
            )
