"""Values are said in their unit, as their declaration words them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.feature import Aggregate, Aggregation, Feature, Relation, Unit
from features.texts import PLAIN, About, Phrase, Who
from training.leads.values import say_value


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        (np.nan, Unit.COUNT, "not known"),
        (0.0, Unit.COUNT, "0"),
        (12_345.0, Unit.COUNT, "12,345"),
        (12_345.6, Unit.AMOUNT, "12,346"),
        (41.5, Unit.AMOUNT, "42"),
        (4.55, Unit.AMOUNT, "4.5"),
        (0.0123, Unit.AMOUNT, "0.012"),
        (-3.0, Unit.AMOUNT, "-3"),
        (1.34, Unit.RATIO, "1.3"),
        (0.266, Unit.RATIO, "0.27"),
        (12.3, Unit.RATIO, "12"),
        (1.0, Unit.BOOLEAN, "yes"),
        (0.0, Unit.BOOLEAN, "no"),
        (np.nan, Unit.BOOLEAN, "not known"),
        (0.24, Unit.SHARE, "24 %"),
        (0.0, Unit.SHARE, "0 %"),
        (1.0, Unit.SHARE, "100 %"),
        (0.004, Unit.SHARE, "less than 1 %"),
        (0.996, Unit.SHARE, "more than 99 %"),
        (1.32, Unit.SHARE, "132 %"),
        (3.25, Unit.DAYS, "3.2 days"),
        (41.7, Unit.DAYS, "42 days"),
        (2.0, Unit.DAYS, "2 days"),
        (1.5, Unit.DAYS, "36 hours"),
        (0.5, Unit.DAYS, "12 hours"),
        (-5.0, Unit.DAYS, "-5 days"),
        (300.0, Unit.HOURS, "12 days"),
        (2.5, Unit.HOURS, "2.5 hours"),
        (1.0, Unit.HOURS, "1 hour"),
        (0.5, Unit.HOURS, "30 minutes"),
        (1 / 60, Unit.HOURS, "1 minute"),
        (0.001, Unit.HOURS, "less than a minute"),
        (40.0, Unit.WORKING_HOURS, "40 working hours"),
        (1.0, Unit.WORKING_HOURS, "1 working hour"),
        (0.0, Unit.WORKING_HOURS, "less than a working hour"),
        (0.0, Unit.DAYS, "less than a minute"),
    ],
)
def test_values_are_said_in_their_unit(value: float, unit: Unit, says: str) -> None:
    """Shares are percent, times fit their size, numbers have the decimals worth reading."""
    assert say_value(feature("x", unit), value) == says


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.0, "web"), (1.0, "event"), (2.0, "another"), (np.nan, "not known")],
)
def test_categories_are_named(value: float, says: str) -> None:
    """A place in the list is its word; the one after the last stands for every other word."""
    assert say_value(feature("x", Unit.CATEGORY, ("web", "event")), value) == says


@pytest.mark.parametrize(
    ("phrase", "unit", "value", "says"),
    [
        (
            Phrase("older than {} of them", one="the oldest"),
            Unit.SHARE,
            0.96,
            "older than 96 % of them",
        ),
        (Phrase("older than {} of them", one="the oldest"), Unit.SHARE, 1.0, "the oldest"),
        (Phrase("last touched {} ago", "no touch yet"), Unit.DAYS, 5.0, "last touched 5 days ago"),
        (Phrase("last touched {} ago", "no touch yet"), Unit.DAYS, np.nan, "no touch yet"),
        (Phrase("{} calls", zero="no call"), Unit.COUNT, 0.0, "no call"),
        (Phrase("{} more", below="{} fewer"), Unit.RATIO, -0.5, "0.5 fewer"),
        (PLAIN, Unit.COUNT, 3.0, "3"),
    ],
)
def test_values_are_said_as_declared(phrase: Phrase, unit: Unit, value: float, says: str) -> None:
    """A sentence a rep would say, whichever the unit."""
    assert say_value(replace(feature("x", unit), phrase=phrase), value) == says


def test_no_name_decides_how_a_value_is_said() -> None:
    """A count called `is_new` is a number, for its unit says so."""
    assert say_value(feature("is_new"), 1.0) == "1"
    assert say_value(feature("anything", Unit.BOOLEAN), 1.0) == "yes"


def feature(name: str, unit: Unit = Unit.COUNT, words: tuple[str, ...] | None = None) -> Feature:
    """Declare a feature of activities, a topic of its own."""
    about = About(name, f"the {name}", Who.REP)
    how = Aggregate(Aggregation.COUNT)
    return Feature(name, Relation.TOUCHES, how, f"the {name}", about, unit, categories=words)
