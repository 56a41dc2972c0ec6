"""What the rules of the list take from the tables: as a moment may see them, and no more."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.params import FeatureParams
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from serving.worklist.inputs import ListParams, cools, last_touches, leads_of, local_days
from training.call_params import CallParams

START, AS_OF = datetime(2025, 1, 1), datetime(2025, 7, 1, 6)
WEEK = [date(2026, 5, 18) + timedelta(days=k) for k in range(7)]


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Warehouse:
    """The small company."""
    return Warehouse.duckdb(current(home))


def scores(tables: dict[str, Any], as_of: datetime) -> pd.DataFrame:
    """Scores of some leads that are known by then."""
    leads = [row for row in tables["leads"] if row["created_at"] < as_of][-80:]
    frame = pd.DataFrame([{"lead_id": row["lead_id"], "rep_id": row["rep_id"]} for row in leads])
    ranks = frame.groupby("rep_id", dropna=False).cumcount() + 1
    is_barred = frame.index % 9 == 4
    return frame.assign(
        as_of=pd.Series([as_of] * len(frame)).astype("datetime64[us]"),
        p=0.1,
        priority=5.0,
        rank=ranks.astype("Int64").mask(is_barred),
        band="warm",
        call_reasons='{"news": [], "says": "chance 10 %", "tried": 0.0}',
        model_version="3",
    )


def day_of(values: list[date | None]) -> np.ndarray[Any, Any]:
    """Days as an array."""
    return np.array(values, dtype="datetime64[D]")


def test_the_last_touch_is_a_reps_and_lies_before_the_cutoff(
    warehouse: Warehouse, tables: dict[str, Any]
) -> None:
    """Customers' own activities do not count, nor does what happens at the cutoff or later."""
    frame = scores(tables, AS_OF)
    keys = frame[["lead_id"]].assign(cutoff=frame["as_of"])
    touched = last_touches(warehouse, keys)
    by_hand: dict[str, datetime] = {}
    for row in tables["activities"]:
        if row["direction"] == "outbound" and row["occurred_at"] < AS_OF:
            at = max(row["occurred_at"], by_hand.get(row["lead_id"], START))
            by_hand[row["lead_id"]] = at
    expected = [by_hand.get(lead) for lead in frame["lead_id"]]
    assert touched.tolist() == expected
    assert None in expected
    assert len(set(expected)) > 20


def test_a_lead_waits_since_it_was_touched_or_listed_or_came_in(
    warehouse: Warehouse, tables: dict[str, Any]
) -> None:
    """What is seen of each lead; whoever has no rank must not be listed."""
    frame, features = scores(tables, AS_OF), FeatureParams()
    listed = {frame["lead_id"].iloc[0]: date(2025, 6, 30)}
    leads = leads_of(frame, warehouse, features, ListParams(3, CallParams()), listed)
    assert [lead.lead_id for lead in leads] == frame["lead_id"].tolist()
    assert [lead.rank is None for lead in leads] == frame["rank"].isna().tolist()
    assert leads[0].waiting_since >= datetime(2025, 6, 30)
    assert leads[0].is_cooling
    created = {row["lead_id"]: row["created_at"] for row in tables["leads"]}
    assert all(created[lead.lead_id] <= lead.waiting_since < AS_OF for lead in leads)
    assert {lead.rep_id for lead in leads} == {"r1", "r2", "r3", None}
    assert all(lead.value > 0 for lead in leads)
    earlier = frame.assign(call_reasons='{"news": [], "says": "chance 10 %"}')
    kept = leads_of(earlier, warehouse, features, ListParams(3, CallParams()), listed)
    assert all(lead.priority >= 0 for lead in kept), "scores of an earlier version say no tries"
    nobody = leads_of(frame, warehouse, features, ListParams(0, CallParams()), listed)
    assert not any(lead.is_cooling for lead in nobody)
    assert leads_of(frame.head(0), warehouse, features, ListParams(3, CallParams()), {}) == []


@pytest.mark.parametrize(
    ("last", "today", "is_cooling"),
    [
        (WEEK[0], WEEK[1], True),
        (WEEK[0], WEEK[2], True),
        (WEEK[0], WEEK[3], False),
        (WEEK[4], WEEK[4] + timedelta(days=4), True),
        (WEEK[4], WEEK[4] + timedelta(days=5), False),
        (WEEK[5], WEEK[5] + timedelta(days=4), True),
        (WEEK[5], WEEK[5] + timedelta(days=5), False),
        (None, WEEK[0], False),
    ],
)
def test_cool_down_counts_working_days(last: date | None, today: date, *, is_cooling: bool) -> None:
    """Three working days from the last contact on: weekends count for nothing."""
    (cooling,) = cools(day_of([last]), day_of([today]), 3, FeatureParams())
    assert cooling == is_cooling


def test_days_off_count_for_nothing_either() -> None:
    """A holiday in between makes a lead wait a day longer."""
    features = FeatureParams(days_off=(WEEK[1],))
    last, today = day_of([WEEK[0]] * 2), day_of([WEEK[3], WEEK[4]])
    assert cools(last, today, 3, features).tolist() == [True, False]


def test_days_are_those_of_the_business() -> None:
    """Late in the evening in New York it is tomorrow in UTC already."""
    moments = np.array(["2026-05-21T02:00", "2026-05-21T05:00", "NaT"], dtype="datetime64[us]")
    days = local_days(moments, "America/New_York")
    assert days.tolist() == [date(2026, 5, 20), date(2026, 5, 21), None]
