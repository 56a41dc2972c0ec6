"""The pacing curve: what is closed day by day, an even pace to quota, and where it may end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from features.snapshot import within
from serving.pages.region import Region
from training.report.chart import Axis, Band, Chart, Line, Mark, Panel, Point

WIDTH, HEIGHT = 440, 250
BOX = (74.0, 14.0, 366.0, 206.0)
DAY = timedelta(days=1)
ROOM = 1.06
"""The axis reaches a little beyond what is drawn."""


@dataclass(frozen=True)
class Pace:
    """One quota period of a rep or a team; amounts in the deals' currency.

    Attributes:
        start: the first moment of the period.
        end: exclusive.
        as_of: how far deals are known.
        quota: of the period; above 0.
        closed: amount closed so far.
        low: where the range of the final amount begins; None where it is withheld.
        middle: its median.
        high: where it ends.
    """

    start: datetime
    end: datetime
    as_of: datetime
    quota: float
    closed: float
    low: float | None = None
    middle: float | None = None
    high: float | None = None


def closed_path(
    won: pd.DataFrame, reps: Collection[str], pace: Pace
) -> tuple[list[float], list[float]]:
    """Return the days of the period and the amount closed by then, as steps.

    Args:
        won: deals won: `rep_id, at, amount`.
        reps: whose.
        pace: the period.
    """
    own = won[won["rep_id"].isin(reps) & won["amount"].notna()]
    own = own[within(own["at"], pace.start, pace.end)].sort_values("at")
    x, y, total = [0.0], [0.0], 0.0
    for moment, amount in zip(own["at"], own["amount"], strict=True):
        day = (moment.to_pydatetime() - pace.start) / DAY
        x += [day, day]
        y += [total, total + float(amount)]
        total += float(amount)
    return [*x, _today(pace)], [*y, total]


def pacing_chart(
    path: tuple[Sequence[float], Sequence[float]], pace: Pace, region: Region
) -> Chart:
    """Draw the curve; the band is the range at the period's end, drawn back to today.

    Args:
        path: what `closed_path` returns.
        pace: the period.
        region: writes amounts.
    """
    days, today = (pace.end - pace.start) / DAY, _today(pace)
    now = path[1][-1]
    marks: list[Mark] = [
        Line([0, days], [0, pace.quota], "quota", "even pace"),
        Line(path[0], path[1], "model", ""),
        Point(today, now, f"closed so far: {region.amount(now)}"),
    ]
    says = f"{region.amount(now)} is closed after {today:.0f} of {days:.0f} days"
    top = max(now, pace.quota)
    if pace.low is not None and pace.middle is not None and pace.high is not None:
        span = [today, days]
        marks[:0] = [
            Band(span, [now, pace.low], [now, pace.high]),
            Line(span, [now, pace.middle], "reference", "middle"),
        ]
        top = max(top, pace.high)
        says += (
            f"; in 8 of 10 cases it ends between {region.about(pace.low)} and "
            f"{region.about(pace.high)}"
        )
    says += f"; the quota is {region.amount(pace.quota)}"
    ticks = [(float(day), label) for day, label in _ticks(pace, region)]
    panel = Panel(
        BOX,
        Axis(0, days, ticks=ticks, grid=False),
        Axis(0, ROOM * top, write=region.amount, most=4),
        marks,
    )
    return Chart((WIDTH, HEIGHT), "What is closed, day by day", says, [panel])


def _today(pace: Pace) -> float:
    return min((pace.as_of - pace.start) / DAY, (pace.end - pace.start) / DAY)


def _ticks(pace: Pace, region: Region) -> list[tuple[float, str]]:
    """Return the period's first and last day and the data's, unless two of them would meet."""
    days, today = (pace.end - pace.start) / DAY, _today(pace)
    last = pace.end - timedelta(microseconds=1)
    ticks = [(0.0, region.day(pace.start)), (days, region.day(last))]
    if 0.3 * days < today < 0.7 * days:
        ticks.insert(1, (today, region.day(pace.as_of)))
    return ticks
