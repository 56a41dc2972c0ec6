"""A feature's value in words, as its unit is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from features.feature import Feature, Unit

DAYS_FROM_HOURS = 48.0
"""Times are said in days from so many hours on."""
FIGURES = 10.0
"""From here on a number is read without decimals."""


def say_value(feature: Feature, value: float) -> str:
    """Say a feature's value in a sentence, as its declaration words it.

    >>> from features.feature import Aggregate, Aggregation, Relation
    >>> from features.texts import About, Phrase, Who
    >>> wait, about = Aggregate(Aggregation.SINCE_LAST), About("touch", "activity", Who.REP)
    >>> last = Phrase("last touched {} ago", "no touch yet")
    >>> wait = Feature("x", Relation.TOUCHES, wait, "wait", about, Unit.DAYS, phrase=last)
    >>> say_value(wait, 5.0), say_value(wait, 0.125), say_value(wait, float("nan"))
    ('last touched 5 days ago', 'last touched 3 hours ago', 'no touch yet')
    """
    return feature.phrase.says(value, lambda number: _in_words(feature, number))


def _in_words(feature: Feature, value: float) -> str:
    """Write a value as its unit is read."""
    if feature.categories is not None:
        place = int(value)
        return feature.categories[place] if place < len(feature.categories) else "another"
    return WRITERS.get(feature.unit, _number)(value)


def _percent(share: float) -> str:
    """Write a share; only all of it is 100 %, and only nothing of it 0 %."""
    whole = round(100 * share)
    if whole == 0 and share > 0:
        return "less than 1 %"
    if whole == 100 and share < 1:  # noqa: PLR2004 - percent
        return "more than 99 %"
    return f"{whole} %"


def _time(hours: float) -> str:
    """Write a length of time in the unit that fits it: minutes, hours, or days from two on."""
    if abs(hours) >= DAYS_FROM_HOURS:
        return _quantity(hours / 24, "day")
    if abs(hours) >= 1:
        return _quantity(hours, "hour")
    return _quantity(60 * hours, "minute") if 60 * abs(hours) >= 1 else "less than a minute"


def _quantity(number: float, one: str) -> str:
    words = _number(number)
    return f"{words} {one}" if words == "1" else f"{words} {one}s"


def _number(value: float) -> str:
    """Write a number with no more decimals than are worth reading: 0.27, 1.3, 12, 4,200."""
    if abs(value) >= FIGURES or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.2g}"


WRITERS: Mapping[Unit, Callable[[float], str]] = {
    Unit.BOOLEAN: lambda value: "yes" if value else "no",
    Unit.SHARE: _percent,
    Unit.DAYS: lambda days: _time(24 * days),
    Unit.HOURS: _time,
    Unit.WORKING_HOURS: lambda hours: (
        _quantity(hours, "working hour") if hours >= 1 else "less than a working hour"
    ),
}
"""How values of a unit are written; those of the others are plain numbers."""
