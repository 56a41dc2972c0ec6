"""What a lever measures: one declared number for each cause that a rep can work on.

A value belongs to a rep and a window of days that ends at a moment. It comes with the count it
rests on, and knows only what had happened by the record's own moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.snapshot import within
from training.coaching.goals.record import SalesRecord

PROMPT_DAYS = 2
"""A new lead is touched promptly within so many days."""
WINDOW_DAYS = 91
"""A measure looks back so far: thirteen weeks, so that weekdays weigh alike."""
WEEK_DAYS = 7


class Scale(Enum):
    """How a measure's values are put on a line on which changes compare."""

    SHARE = "share"
    AMOUNT = "amount"


class Against(Enum):
    """What a value is compared with."""

    PEERS = "peers"
    OWN_PAST = "own past"
    """Where reps log what they do unlike each other, only their own past compares."""


@dataclass(frozen=True)
class Measure:
    """A number behind a lever.

    Attributes:
        name: its name in files and on the command line.
        cause: the cause it belongs to, by the contract's name.
        label: what it is, for people.
        unit: what it counts, after the number: "of leads", "a week".
        scale: a share of its count, or an amount.
        against: whom a value is compared with.
        least: the count below which a value says too little.
        values: its values, from the record, the end of a window and its length in days.
    """

    name: str
    cause: str
    label: str
    unit: str
    scale: Scale
    against: Against
    least: int
    values: Callable[[SalesRecord, datetime, int], pd.DataFrame]


def _in_window(rows: pd.DataFrame, end: datetime, days: int, clock: str = "at") -> pd.DataFrame:
    return rows[within(rows[clock], end - timedelta(days=days), end)]


def _share(rows: pd.DataFrame, hit: str) -> pd.DataFrame:
    """Count hits by rep: `rep_id, value, count, hits`."""
    by_rep = rows.groupby("rep_id", sort=True)[hit].agg(["sum", "size"]).reset_index()
    hits, count = by_rep["sum"].to_numpy(np.float64), by_rep["size"].to_numpy(np.float64)
    return pd.DataFrame(
        {"rep_id": by_rep["rep_id"], "value": hits / count, "count": count, "hits": hits}
    )


def _conversion(record: SalesRecord, end: datetime, days: int) -> pd.DataFrame:
    return _share(_in_window(record.decisions, end, days), "won")


def _win_rate(record: SalesRecord, end: datetime, days: int) -> pd.DataFrame:
    return _share(_in_window(record.endings, end, days), "won")


def _promptness(record: SalesRecord, end: datetime, days: int) -> pd.DataFrame:
    """Share of new leads that were touched promptly, of those whose two days have passed."""
    rows = record.arrivals
    due = rows["at"] + timedelta(days=PROMPT_DAYS)
    is_prompt = within(rows["touched_at"], rows["at"], due)
    rows = rows.assign(due=due, is_prompt=is_prompt)
    return _share(_in_window(rows, end, days, "due"), "is_prompt")


def _touches(record: SalesRecord, end: datetime, days: int) -> pd.DataFrame:
    rows = _in_window(record.touches, end, days)
    total = rows.groupby("rep_id", sort=True)["count"].sum()
    count = total.to_numpy(np.float64)
    values = count / (days / WEEK_DAYS)
    ids = pd.Series([*total.index], dtype="str")
    return pd.DataFrame({"rep_id": ids, "value": values, "count": count, "hits": count})


def _deal_size(record: SalesRecord, end: datetime, days: int) -> pd.DataFrame:
    rows = _in_window(record.endings, end, days)
    rows = rows[(rows["won"] == 1) & (rows["amount"] > 0)]
    by_rep = rows.groupby("rep_id", sort=True)["amount"].agg(["median", "size"]).reset_index()
    count = by_rep["size"].to_numpy(np.float64)
    return pd.DataFrame(
        {"rep_id": by_rep["rep_id"], "value": by_rep["median"], "count": count, "hits": count}
    )


_SHARE, _PEERS, _OWN = Scale.SHARE, Against.PEERS, Against.OWN_PAST
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        m.name: m
        for m in (
            Measure(
                "conversion", "qualifying", "leads that became deals", "of the leads decided",
                _SHARE, _PEERS, 30, _conversion,
            ),
            Measure(
                "win_rate", "closing", "deals won", "of the deals that ended",
                _SHARE, _PEERS, 10, _win_rate,
            ),
            Measure(
                "touches", "volume", "calls, e-mails and meetings logged", "a week",
                Scale.AMOUNT, _OWN, 30, _touches,
            ),
            Measure(
                "promptness", "follow_up", f"new leads touched within {PROMPT_DAYS} days",
                "of the new leads", _SHARE, _OWN, 20, _promptness,
            ),
            Measure(
                "deal_size", "deal_size", "typical size of a won deal",
                "", Scale.AMOUNT, _PEERS, 5, _deal_size,
            ),
        )
    }
)  # fmt: skip
"""Every measure by its name; one for each cause in a rep's own hands."""
OF_CAUSE: Mapping[str, Measure] = MappingProxyType({m.cause: m for m in MEASURES.values()})


def measured(record: SalesRecord, measure: Measure, ends: Sequence[datetime]) -> pd.DataFrame:
    """Return a measure's values in windows that end at some moments.

    Args:
        record: what happened.
        measure: what to count.
        ends: the ends of the windows, none beyond the record's own moment.

    Returns:
        `rep_id, end, value, count`, rows with a count of `least` or more, and only of reps who were
        there for the whole window.
    """
    frames = [
        measure.values(record, end, WINDOW_DAYS).assign(end=end, place=place)
        for place, end in enumerate(ends)
    ]
    rows = pd.concat(frames, ignore_index=True)
    people = record.people[["rep_id", "hired_at", "left_at"]]
    rows = rows.merge(people, on="rep_id", how="left")
    start = rows["end"] - timedelta(days=WINDOW_DAYS)
    was_absent = within(rows["hired_at"], start, rows["end"]) | within(
        rows["left_at"], start, rows["end"]
    )
    enough = rows["count"] >= measure.least
    kept = rows.loc[enough & ~was_absent, ["rep_id", "end", "place", "value", "count"]]
    return kept.sort_values(["place", "rep_id"], ignore_index=True)


def on_line(measure: Measure, values: Floats, count: Floats) -> Floats:
    """Put values on the measure's line: log odds of shares, logarithms of amounts.

    A share counts half a hit and half a miss more, so that 0 and 1 stay finite.
    """
    if measure.scale is Scale.AMOUNT:
        return np.log(np.maximum(values, np.finfo(np.float64).tiny))
    hits = values * count
    return np.log((hits + 0.5) / (count - hits + 0.5))


def noise(measure: Measure, line: Floats, count: Floats) -> Floats:
    """Return the variance of a value on its line that counting alone makes.

    | scale                   | variance                                                     |
    |-------------------------|--------------------------------------------------------------|
    | share                   | 1 / (n p (1 - p)), of log odds                               |
    | amount: a count of work | 1 / n, of the logarithm of a Poisson count                   |
    | amount: deal sizes      | pi / 2 x s2 / n, of a median; s2 = 0.5 for sizes of deals    |
    """
    if measure.scale is Scale.SHARE:
        p = 1 / (1 + np.exp(-line))
        return np.asarray(1 / (count * p * (1 - p)))
    if measure.cause == "deal_size":
        return np.pi / 2 * 0.5 / count
    return 1 / count


def off_line(measure: Measure, line: float, count: float) -> float:
    """Return the value with such a count that lies at a place of the line: undoes `on_line`."""
    if measure.scale is Scale.AMOUNT:
        return float(np.exp(line))
    smoothed = 1 / (1 + np.exp(-line))
    return float(np.clip((smoothed * (count + 1) - 0.5) / count, 0.0, 1.0))
