"""How features are phrased: names, words and the small forms that declarations share."""

from __future__ import annotations

from collections.abc import Callable

import ibis.expr.types as ir

from features.feature import DAY_US, Aggregate, Expression, Feature, Relation, Unit, Who
from features.history.relations import code_of
from features.history.values import as_number
from features.params import FeatureParams

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
    """Give the end of a column's name that tells its window."""
    return "all" if days is None else f"{days}d"


def windows_per_type(params: FeatureParams) -> tuple[int | None, ...]:
    """Choose the windows over which each single type is counted, the whole history last."""
    windows = params.windows_days
    step = max(1, len(windows) // PER_TYPE_WINDOWS)
    return (*windows[step - 1 :: step][:PER_TYPE_WINDOWS], None)


def kind(categories: tuple[str, ...] | None) -> str:
    """Name the type of a column that holds numbers, or words."""
    return "float64" if categories is None else "string"


def fact(
    source: Relation, name: str, value: Value, says: str, who: Who, unit: Unit = Unit.COUNT
) -> Feature:
    """Declare a figure that a row of the source holds."""
    return Feature(name, source, Expression(value), says, who, unit)


def row(name: str, value: Value, says: str, who: Who, unit: Unit = Unit.COUNT) -> Feature:
    """Declare a figure that the lead or its surroundings hold as it stands."""
    source = Relation.LEAD if who is Who.LEAD else Relation.CONTEXT
    return fact(source, name, value, says, who, unit)


def word(
    name: str,
    place: tuple[Relation, str],
    says: str,
    who: Who,
    categories: tuple[str, ...] | None,
) -> Feature:
    """Declare a column of a surrounding as it stands: a number, or a word of a frozen list."""
    source, column = place
    if categories is None:
        value = Expression(lambda rows: as_number(rows[column]))
        return Feature(name, source, value, says, who, Unit.AMOUNT)
    value = Expression(lambda rows: code_of(rows[column], categories))
    return Feature(name, source, value, says, who, Unit.CATEGORY, categories=categories)


def touch(
    name: str, how: Aggregate, says: str, unit: Unit = Unit.COUNT, days: int | None = None
) -> Feature:
    """Declare an aggregate over the lead's activities."""
    return Feature(name, Relation.TOUCHES, how, says, Who.REP, unit, days)
