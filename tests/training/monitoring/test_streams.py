"""Rows by week are those that the extract holds, each in the week in which it could be shown."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from extract import Extract
from sellers import UNTIL

from features.storage.warehouse import Warehouse
from training.monitor_params import MonitorParams
from training.monitoring.response import FOUR_WEEKS, MOST_SPANS, read_responses
from training.monitoring.streams import Streams, read_streams

END = datetime(UNTIL.year, UNTIL.month, UNTIL.day)


def by_hand(extract: Extract, table: str, clock: str, n_weeks: int) -> np.ndarray:
    """Count rows of a table by week, plainly."""
    counts = np.zeros(n_weeks)
    for row in extract.rows(table):
        moment = row.get(clock)
        if moment is None or moment >= UNTIL:
            continue
        shown = max(moment, row.get("known_at") or moment)
        back = (END - shown).total_seconds() / 86_400
        week = int(np.ceil(back) - 1) // 7
        if shown < UNTIL and back > 0 and week < n_weeks:
            counts[week] += 1
    return counts


def read(history: Warehouse) -> Streams:
    """Read the company's rows at its end."""
    return read_streams(history.until(None), UNTIL)


def test_weeks_are_counted_as_by_hand(history: Warehouse, extract: Extract) -> None:
    """Activities, leads and conversions week by week."""
    streams = read(history)
    n = streams.n_weeks
    expected = by_hand(extract, "activities", "occurred_at", n)
    assert streams.weekly(streams.activities).tolist() == expected.tolist()
    assert streams.created.tolist() == by_hand(extract, "leads", "created_at", n).tolist()
    assert streams.converted.tolist() == by_hand(extract, "leads", "converted_at", n).tolist()
    assert expected.sum() > 0


def test_weeks_end_at_the_last_midnight(history: Warehouse) -> None:
    """Week 0 is the seven days before it."""
    streams = read(history)
    assert streams.weeks[0] == streams.end - timedelta(days=7)
    assert len(streams.weeks) == streams.n_weeks


def test_answers_are_counted_as_by_hand(history: Warehouse, extract: Extract) -> None:
    """A touch is answered if its lead has an inbound activity within the days that follow."""
    params = MonitorParams()
    frame = read_responses(history.until(None), UNTIL, params)
    last = END - timedelta(days=params.response_days)
    rows = [r for r in extract.rows("activities") if r.get("lead_id") and r["occurred_at"] < UNTIL]
    rows = [r for r in rows if (r.get("known_at") or r["occurred_at"]) < UNTIL]
    touches = answered = 0
    for row in rows:
        back = (last - row["occurred_at"]).total_seconds() / 86_400
        span = int(np.ceil(back) - 1) // FOUR_WEEKS
        if row.get("direction") != "outbound" or not row.get("rep_id") or back <= 0:
            continue
        if span >= MOST_SPANS:
            continue
        touches += 1
        answered += any(
            other["lead_id"] == row["lead_id"]
            and other.get("direction") == "inbound"
            and timedelta(0) <= other["occurred_at"] - row["occurred_at"] < timedelta(days=7)
            for other in rows
        )
    assert (frame["touches"].sum(), frame["answered"].sum()) == (touches, answered)
