"""Data that is odd but accepted is answered, and alike on both engines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from engines import Engine
from extract import Extract, change, lead, touch
from looks import Look, Seen, look_at

from features.history.vocabulary import read_vocabulary
from features.labels.conversion import conversion
from features.params import FeatureParams

CUTOFF = datetime(2024, 5, 15, 12)
DAY = timedelta(days=1)
NEVER = datetime(1, 1, 1)
"""What some exports write where there is no date."""
NOON = datetime(2024, 5, 10, 12)
ODD_FIELDS = ("a.b", "it's", 'say "x"', "x`y", "next step?", "ünï", "snapshot", "cutoff")
PARAMS = FeatureParams(
    min_count=1,
    known_at_creation=("leads.owner", "leads.Cutoff", "reps.rate", "reps.Pay grade", "reps.load"),
)
WORLD = Extract(
    {
        "leads": (
            lead("a", NOON, rep_id="r", owner="me", Cutoff="soon"),
            lead("b", NEVER),
            lead("early", NOON + timedelta(microseconds=900_000)),
        ),
        "activities": (
            touch("a", CUTOFF - DAY, score=math.inf, row_id=2**62, size="1d"),
            touch("a", CUTOFF - DAY, score=2.5, row_id=2**62, size="7"),
            touch("a", CUTOFF - DAY, duration_s=1e18),
            touch("a", CUTOFF - DAY, duration_s=7200.0),
            touch("b", NEVER, "letter"),
        ),
        "changes": (
            change("a", CUTOFF - DAY, "Priority", "x"),
            change("a", CUTOFF - DAY, "priority", "y"),
            change("a", CUTOFF - DAY, "PRIORITY", "z"),
            *(change("a", CUTOFF - DAY, name, f"value of {name}") for name in ODD_FIELDS),
            # Reached 0.3 and 0.9 seconds after creation: both in the first second.
            change("early", NOON + timedelta(microseconds=1_200_000), "stage", "alpha"),
            change("a", NOON + timedelta(microseconds=900_000), "stage", "beta"),
        ),
        "reps": ({"rep_id": "r", "rate": 1.0, "Pay grade": "high", "load": 3.0},),
    },
    data_until=CUTOFF,
    attributes={
        "leads": {"owner": pa.string(), "Cutoff": pa.string()},
        "activities": {"score": pa.float64(), "row_id": pa.int64(), "size": pa.string()},
        "reps": {"rate": pa.float64(), "Pay grade": pa.string(), "load": pa.float64()},
    },
)


@pytest.fixture(scope="module")
def seen(engine: Engine) -> Iterator[Seen]:
    """Look at the odd world on one engine."""
    with engine.open(WORLD) as warehouse:
        words = read_vocabulary(warehouse, PARAMS)
        examples = look_at(warehouse, words, [CUTOFF], PARAMS)
        yield Seen(Look(words, examples, conversion(warehouse, examples.keys, 7)))


def test_names_that_differ_in_case_alone_are_told_apart(seen: Seen) -> None:
    """Each of three fields called priority keeps its own value."""
    names = [f"field_priority{suffix}" for suffix in ("", "_2", "_3")]
    assert {seen.word("a", name) for name in names} == {"x", "y", "z"}


def test_any_text_can_be_a_field(seen: Seen) -> None:
    """Quotes, dots and names of our own columns are texts like others."""
    assert set(ODD_FIELDS) <= set(seen.look.words.fields)
    found = {seen.word("a", name) for name in seen.names if name.startswith("field_")}
    assert {f"value of {name}" for name in ODD_FIELDS} <= found


def test_columns_may_have_names_of_our_own(seen: Seen) -> None:
    """A lead's column called owner and a rep's called rate do not hide ours."""
    assert seen.owner("a") == "r"
    assert seen.word("a", "leads_owner") == "me"
    assert seen("a", "owner_load") == 1
    assert seen("a", "owner_load_2") == 3
    assert seen("a", "owner_rate_2") == 1
    assert seen.word("a", "owner_pay_grade") == "high"


def test_amounts_that_cannot_be_are_empty(seen: Seen) -> None:
    """Infinity, ids and typing errors add nothing; the believable rest is added up."""
    assert seen("a", "sum_score") == seen("a", "mean_score") == 2.5
    assert seen("a", "sum_row_id") == 0
    assert seen("a", "duration_hours_all") == 2


def test_one_pattern_says_what_a_number_is(seen: Seen) -> None:
    """A text that one engine would take for a number and the other not, is none."""
    assert seen.look.words.numbers == ("row_id", "score")


def test_stages_are_ordered_alike(seen: Seen) -> None:
    """Means are compared in whole seconds that passed, of which engines have one idea."""
    assert seen.look.words.stages == ("alpha", "beta")


def test_a_date_for_never_is_no_error(seen: Seen) -> None:
    """A lead of the year 1 is very old, and worked on for as long as time zones are known."""
    assert seen("b", "age_days") == (CUTOFF - NEVER) / DAY
    days = np.busday_count("1990-01-01", "2024-05-15")
    assert seen("b", "age_working_hours") == days * 8 + 3
