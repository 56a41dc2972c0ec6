"""The small forms that declarations share: names, windows, words, and families of counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import ibis.expr.types as ir

from features.feature import DAY_US, Aggregate, Expression, Feature, Relation, Segment, Unit
from features.history.relations import code_of
from features.history.values import number_or_flag
from features.params import FeatureParams
from features.texts import About, Phrase, Who

Value = Callable[[ir.Table], ir.Value]

PER_TYPE_WINDOWS = 2
"""Each activity type is counted over so many of the windows only, spread over all of them."""


def in_days(us: ir.Value) -> ir.Value:
    """Turn microseconds into days."""
    return us / DAY_US


def in_window(days: int | None) -> str:
    """Say how far back a count looks."""
    if days is None:
        return "so far"
    return "in the last day" if days == 1 else f"in the last {days} days"


def suffix(days: int | None) -> str:
    """Return the end of a column's name, which tells its window."""
    return "all" if days is None else f"{days}d"


def quoted(word: str) -> str:
    """Quote a word of the data as people read it; it may not look like the place of a value."""
    return f"'{word.replace('_', ' ').replace('{}', '{ }')}'"


def number_of(one: str, many: str) -> Phrase:
    """Phrase a number of things: none, one, or several of them."""
    return Phrase(f"{{}} {many}", zero=f"no {one}", one=f"1 {one}")


def windows_per_type(params: FeatureParams) -> tuple[int | None, ...]:
    """Choose the windows over which each single type is counted, the whole history last."""
    windows = params.windows_days
    step = max(1, len(windows) // PER_TYPE_WINDOWS)
    return (*windows[step - 1 :: step][:PER_TYPE_WINDOWS], None)


def kind(categories: tuple[str, ...] | None) -> str:
    """Name the type of a column that holds numbers, or words."""
    return "float64" if categories is None else "string"


def column_as_it_is(
    name: str,
    place: tuple[Relation, str],
    label: str,
    who: Who,
    categories: tuple[str, ...] | None,
    segment: Segment | None = None,
) -> Feature:
    """Declare a column as it stands, a topic of its own: a number, or a word of a frozen list.

    Args:
        name: of the feature, and of its topic.
        place: the relation that holds the column, and the column's name there.
        label: the column as people read it.
        who: can change it.
        categories: the frozen list; None for numbers.
        segment: the part of the company it names, if reports are split by it.
    """
    source, column = place
    about = About(name, label, who)
    if categories is None:
        value = Expression(lambda rows: number_or_flag(rows[column]))
        return Feature(name, source, value, label, about, Unit.AMOUNT, segment=segment)
    value = Expression(lambda rows: code_of(rows[column], categories))
    return Feature(
        name, source, value, label, about, Unit.CATEGORY, categories=categories, segment=segment
    )


def counts(
    name: str,
    rows: tuple[Relation, Aggregate],
    words: tuple[str, Phrase],
    about: About,
    windows: Sequence[int | None],
) -> Iterator[Feature]:
    """Declare a count of rows for each of several windows, all about one topic.

    Args:
        name: of the columns, without the window.
        rows: which rows of which relation are counted.
        words: what is counted, and how a number of them is said, both without the window.
        about: the topic, and who can do something about it.
        windows: in days; None takes the whole history.
    """
    source, how = rows
    says, phrase = words
    for days in windows:
        yield Feature(
            f"{name}_{suffix(days)}",
            source,
            how,
            f"{says} {in_window(days)}",
            about,
            window_days=days,
            phrase=phrase.followed_by(in_window(days)),
        )
