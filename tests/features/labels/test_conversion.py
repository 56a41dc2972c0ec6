"""What "converted" means, to the microsecond, and which labels are mature."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from by_hand import MICRO, Opened, day
from extract import lead

from features.labels.conversion import conversion, is_mature, last_mature_cutoff

NAN = np.nan


def keys(*rows: tuple[str, float]) -> pd.DataFrame:
    """Name leads at their cutoffs."""
    return pd.DataFrame([(name, day(at)) for name, at in rows], columns=["lead_id", "cutoff"])


@pytest.mark.parametrize(
    ("converted", "label"),
    [(10 - MICRO, 0), (10, 1), (40 - MICRO, 1), (40, 0), (None, 0)],
)
def test_a_label_looks_from_the_cutoff_up_to_the_horizon(
    opened: Opened, converted: float | None, label: int
) -> None:
    """The cutoff belongs to it, its end does not."""
    at = None if converted is None else day(converted)
    with opened(leads=[lead("x", day(1), converted_at=at)]) as warehouse:
        assert conversion(warehouse, keys(("x", 10)), 30).tolist() == [label]


def test_an_immature_label_is_empty_whatever_is_known(opened: Opened) -> None:
    """Also where the lead has converted already: the quick ones would be favoured."""
    leads = [lead("x", day(1), converted_at=day(21)), lead("y", day(1))]
    with opened(until=50, leads=leads) as warehouse:
        rows = keys(("x", 20), ("x", 20 + MICRO), ("y", 20), ("y", 30), ("unknown", 20))
        labels = conversion(warehouse, rows, 30)
    np.testing.assert_array_equal(labels, [1, NAN, 0, NAN, 0])


def test_a_cutoff_is_mature_once_its_horizon_lies_in_the_extract() -> None:
    """An extract up to day 50 holds all of the 30 days from day 20 on."""
    cutoffs = pd.Series([day(19), day(20), day(20 + MICRO), day(21)])
    assert is_mature(cutoffs, 30, day(50)).tolist() == [True, True, False, False]


@pytest.mark.parametrize(("until", "last"), [(50, 20), (50.99, 20), (51, 21)])
def test_the_last_mature_cutoff_is_a_midnight(until: float, last: float) -> None:
    """The latest whose label is mature, and the one after it is not."""
    cutoff = last_mature_cutoff(30, day(until))
    assert cutoff == day(last)
    cutoffs = pd.Series([cutoff, day(last + 1)])
    assert is_mature(cutoffs, 30, day(until)).tolist() == [True, False]


def test_labels_come_in_the_order_of_their_keys(opened: Opened) -> None:
    """One for each, however often a lead is asked about."""
    leads = [lead("x", day(1), converted_at=day(12)), lead("y", day(1), converted_at=day(50))]
    with opened(leads=leads) as warehouse:
        rows = keys(("y", 30), ("x", 10), ("y", 10), ("x", 10))
        assert conversion(warehouse, rows, 30).tolist() == [1, 1, 0, 1]


def test_without_keys_there_are_no_labels(opened: Opened) -> None:
    """Nothing asked, nothing answered."""
    nothing = pd.DataFrame(
        {"lead_id": pd.Series(dtype="str"), "cutoff": pd.Series(dtype="datetime64[us]")}
    )
    with opened(leads=[lead("x", datetime(2024, 1, 1))]) as warehouse:
        assert conversion(warehouse, nothing, 30).tolist() == []


def test_a_lead_that_is_deleted_has_a_label_like_any_other(opened: Opened) -> None:
    """Converted in time or not; a deletion in the horizon is no reason to leave it out."""
    leads = [
        lead("never", day(1), deleted_at=day(20)),
        lead("before", day(1), converted_at=day(15), deleted_at=day(20)),
        lead("too late", day(1), converted_at=day(45), deleted_at=day(60)),
    ]
    attributes = {"leads": {"deleted_at": pa.timestamp("us")}}
    with opened(leads=leads, attributes=attributes) as warehouse:
        asked = keys(("never", 10), ("before", 10), ("too late", 10))
        assert conversion(warehouse, asked, 30).tolist() == [0, 1, 0]
