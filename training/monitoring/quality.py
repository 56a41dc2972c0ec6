"""Whether rows are repeated, come late, or have stopped coming; and conversions that come late.

A conversion that is entered late looks like one that did not happen, until it is entered. Where the
newest weeks lack conversions, forecasts of these weeks are not called wrong but not yet mature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from features.arrays import Floats
from training.monitor_params import MonitorParams
from training.monitoring.deviation import Deviation, Severity
from training.monitoring.streams import WEEK_DAYS, Streams
from training.monitoring.usual import usual
from training.monitoring.weekly import BASE_WEEKS, HALF

MOST_LATE_WEEKS = 8
"""Conversions that are missing for longer have not come late: they do not come."""


def repeated(streams: Streams, params: MonitorParams) -> Iterator[Deviation]:
    """Say which types of activity repeat rows, more than they always did."""
    for name, rows in streams.activities.groupby("type"):
        counts, copies = streams.weekly(rows), streams.weekly(rows, "repeated")
        if counts[0] < params.minimum_rows:
            continue
        shares = copies / np.maximum(counts, 1)
        past = usual(shares[1:], params.false_alarms, params.minimum_past)
        if past is None or shares[0] < params.repeated_share or shares[0] <= past.high:
            continue
        yield Deviation(
            "repeated rows", str(name), float(shares[0]), past.expected, 0.0, past.high,
            Severity.ALARM,
            f"{_percent(shares[0])} of the {counts[0]:,.0f} activities of type {name} that came in "
            "in the newest week repeat another one in lead, time, rep and outcome "
            f"({_percent(past.expected)} before): the loader writes them twice. Counts of this "
            "type are too high in every feature; load the week again with the CRM's own ids.",
        )  # fmt: skip


def late_rows(streams: Streams, params: MonitorParams) -> Iterator[Deviation]:
    """Say whether more rows than usual came a day or more after they happened."""
    for name, frame in (("activities", streams.activities), ("changes of stage", streams.changes)):
        counts, late = streams.weekly(frame), streams.weekly(frame, "late")
        if not len(counts) or counts[0] < params.minimum_rows:
            continue
        shares = late / np.maximum(counts, 1)
        past = usual(shares[1:], params.false_alarms / 2, params.minimum_past)
        if past is None or shares[0] <= past.high:
            continue
        if shares[0] - past.expected < params.late_share:
            continue
        yield Deviation(
            "late rows", name, float(shares[0]), past.expected, past.low, past.high,
            Severity.ALARM,
            f"{name}: {_percent(shares[0])} of the rows that came in in the newest week were a day "
            f"or more late ({_percent(past.expected)} before, up to {_percent(past.high)} is "
            "usual). Scores of these days knew less than they seem to; ask what delays the entry.",
        )  # fmt: skip


@dataclass(frozen=True)
class LateLabels:
    """Weeks at the newest end whose conversions have not been entered yet.

    Attributes:
        weeks: how many; 0 where conversions come as usual.
        deviation: the same in words.
    """

    weeks: int
    deviation: Deviation | None


ON_TIME = LateLabels(0, None)


def late_labels(streams: Streams, params: MonitorParams) -> LateLabels:
    """Find how many of the newest weeks lack conversions.

    Going back from the newest week, a week lacks them if it has less than `volume_down` of the
    usual number and fewer than any week usually has:

    | conversions, the newest week first | usual | weeks that lack them |
    |------------------------------------|-------|----------------------|
    | 58 61 64 60 59 ...                 | 60    | 0                    |
    | 2 0 21 62 59 ...                   | 60    | 3                    |
    | 47 44 45 46 60 ...                 | 60    | 0: fewer, not late   |
    """
    counts = streams.converted
    if len(counts) < MOST_LATE_WEEKS + BASE_WEEKS + params.minimum_past:
        return ON_TIME
    past = counts[MOST_LATE_WEEKS:]
    level = float(np.median(past[:BASE_WEEKS]))
    noise = float(np.sqrt(1 / (level + HALF)))
    normal = usual(np.log(past + HALF), params.false_alarms, params.minimum_past, noise)
    if normal is None or level * WEEK_DAYS < params.minimum_rows:
        return ON_TIME
    most = min(params.volume_down * level, float(np.exp(normal.low)) - HALF)
    lacks = counts[:MOST_LATE_WEEKS] < most
    weeks = int(np.argmin(lacks)) if not lacks.all() else MOST_LATE_WEEKS
    if not weeks:
        return ON_TIME
    return LateLabels(weeks, _late_deviation(streams, counts, weeks, level, normal.high))


def _late_deviation(
    streams: Streams, counts: Floats, weeks: int, level: float, high: float
) -> Deviation:
    missing, deals = float(counts[:weeks].sum()), float(streams.deals[:weeks].sum())
    usual_deals = float(streams.deals[MOST_LATE_WEEKS : MOST_LATE_WEEKS + BASE_WEEKS].mean())
    why = "Either hardly any lead converts any more, or conversions are entered late."
    if usual_deals and deals >= HALF * weeks * usual_deals:
        why = f"Meanwhile {deals:,.0f} deals were opened, as usual: conversions are entered late."
    return Deviation(
        "late labels", "conversions", missing, weeks * level, 0.0,
        weeks * (float(np.exp(high)) - HALF), Severity.ALARM,
        f"{missing:,.0f} conversions of the newest {WEEK_DAYS * weeks} days have been entered, "
        f"{weeks * level:,.0f} were to be expected. {why} Outcomes of these days are not mature, "
        "so calibration leaves them out; do not train on them.",
    )  # fmt: skip


def stale(asked: datetime, data_until: datetime, params: MonitorParams) -> Iterator[Deviation]:
    """Say that nothing has been loaded for days before the moment that was asked about.

    Args:
        asked: the moment, later than the data where loading has stopped.
        data_until: the end of the data.
        params: how many days are no reason to worry.
    """
    days = (asked - data_until).total_seconds() / 86_400
    if days > params.stale_days:
        yield Deviation(
            "stale", "all tables", days, 0.0, 0.0, params.stale_days, Severity.ALARM,
            f"the newest row is {days:.0f} days older than {asked:%Y-%m-%d}: loading has stopped, "
            f"and scores are those of {data_until:%Y-%m-%d}. Run the ingestion and look at its "
            "report.",
        )  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
