"""How far a measure moves from one window to the next, from the company's own past.

A value is partly luck, so the next one tends to lie nearer the middle (regression to the mean;
Galton 1886). What is expected "without doing anything" is therefore the value, shrunk towards the
middle of all reps by what counting alone explains (empirical Bayes; Efron and Morris 1975), and
carried on as values of this company were carried on. How often a target was reached from there is
counted: the spread is that of the changes that were seen, not an assumed curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.coaching.goals.measures import (
    WINDOW_DAYS,
    Measure,
    measured,
    noise,
    off_line,
    on_line,
)
from training.coaching.goals.record import SalesRecord

STEP_DAYS = 30
"""Windows of the past begin so far apart."""
LEAST_PAIRS = 30
"""Changes seen below which nothing is said of chances."""
LEVEL = 0.8


@dataclass(frozen=True, eq=False)
class Transitions:
    """How a measure went on.

    Attributes:
        measure: what was measured.
        middle: the mean of reps on the measure's line, in the newest window.
        spread: the variance of reps about it that counting does not explain.
        carried: the share of a distance from the middle that the next window keeps.
        further: the variance of what comes next that counting does not explain.
        surprises: changes seen beyond what was expected, in standard deviations, rising.
        now: the newest values: the same columns.
        own_past: earlier values of each rep: `rep_id, end, place, value, count`.
    """

    measure: Measure
    middle: float
    spread: float
    carried: float
    further: float
    surprises: Floats
    now: pd.DataFrame
    own_past: pd.DataFrame

    @property
    def is_enough(self) -> bool:
        """Whether enough changes were seen to speak of chances."""
        return len(self.surprises) >= LEAST_PAIRS

    def shrunk(self, value: float, count: float) -> float:
        """Return the place on the line that a value with such a count stands for."""
        place, error = _placed(self.measure, value, count)
        weight = self.spread / (self.spread + error) if self.spread > 0 else 0.0
        return self.middle + weight * (place - self.middle)

    def expected(self, value: float, count: float) -> tuple[float, float, float]:
        """Return the next value to be expected without doing anything, and its 80 % range."""
        middle, deviation = self._next(value, count)
        low, high = np.quantile(self.surprises, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        places = (middle, middle + float(low) * deviation, middle + float(high) * deviation)
        first, second, third = (off_line(self.measure, place, count) for place in places)
        return first, second, third

    def chance(self, value: float, count: float, target: float) -> float:
        """Return the chance that the next value reaches a target, never 0 or 1.

        Args:
            value: the present one.
            count: what it rests on.
            target: the next value that would do.
        """
        middle, deviation = self._next(value, count)
        place, _ = _placed(self.measure, target, count)
        reached = float((middle + self.surprises * deviation >= place - 1e-9).sum())
        return (reached + 0.5) / (len(self.surprises) + 1)

    def before(self, rep_id: str) -> tuple[float, float] | None:
        """Return a rep's value and count in the window before the newest; None without one."""
        past = self.own_past
        own = past[(past["rep_id"] == rep_id) & (past["place"] == _PLACES)]
        return None if own.empty else (float(own["value"].iloc[0]), float(own["count"].iloc[0]))

    def _next(self, value: float, count: float) -> tuple[float, float]:
        """Return the mean of the next value on the line, and its standard deviation."""
        middle = self.middle + self.carried * (self.shrunk(value, count) - self.middle)
        _, error = _placed(self.measure, off_line(self.measure, middle, count), count)
        return middle, float(np.sqrt(self.further + error))


def _placed(measure: Measure, value: float, count: float) -> tuple[float, float]:
    line = on_line(measure, np.array([value]), np.array([count]))
    return float(line[0]), float(noise(measure, line, np.array([count]))[0])


def window_ends(record: SalesRecord, begins: datetime) -> list[datetime]:
    """Return the ends of windows from the newest back, every `STEP_DAYS`, each in full."""
    last, days = record.as_of, (record.as_of - begins).days - WINDOW_DAYS
    return [last - timedelta(days=k * STEP_DAYS) for k in range(max(days, 0) // STEP_DAYS + 1)]


def transitions(record: SalesRecord, measure: Measure) -> Transitions:
    """Learn from a record how a measure goes on.

    Args:
        record: what happened; its own moment is the end of the newest window.
        measure: what to count.
    """
    ends = window_ends(record, _begins(record))
    values = measured(record, measure, ends)
    line = on_line(measure, values["value"].to_numpy(), values["count"].to_numpy())
    values = values.assign(line=line, error=noise(measure, line, values["count"].to_numpy()))
    spread_of_all = values["line"].var() if len(values) > 1 else 1.0
    weight = 1 / (values["error"] + spread_of_all)
    weighted = (values["line"] * weight).groupby(values["place"]).sum()
    middles = weighted / weight.groupby(values["place"]).sum()
    values = values.assign(off=values["line"] - values["place"].map(middles))
    spread = max(float((values["off"] ** 2 - values["error"]).mean()), 0.0) if len(values) else 0.0
    pairs = _pairs(values, ends)
    carried, further, surprises = _changes(pairs, spread)
    is_now = values["place"] == 0
    columns = ["rep_id", "end", "place", "value", "count"]
    return Transitions(
        measure=measure,
        middle=float(middles.get(0, middles.mean() if len(middles) else 0.0)),
        spread=spread,
        carried=carried,
        further=further,
        surprises=surprises,
        now=values.loc[is_now, columns].reset_index(drop=True),
        own_past=values.loc[~is_now, columns].reset_index(drop=True),
    )


def _begins(record: SalesRecord) -> datetime:
    """Return the first moment of the record."""
    frames = (record.arrivals, record.decisions, record.endings, record.touches)
    firsts = [frame["at"].min() for frame in frames if len(frame)]
    return min(firsts).to_pydatetime() if firsts else record.as_of


def _pairs(values: pd.DataFrame, ends: Sequence[datetime]) -> pd.DataFrame:
    """Pair each value with the rep's value in the window that follows it without a gap or overlap.

    Windows of 91 days lie 30 days apart, so that the one that follows is 3 places nearer and, by a
    day, overlaps.
    """
    if len(ends) <= _PLACES:
        return values.iloc[:0].merge(values.iloc[:0], on="rep_id", suffixes=("", "_next"))
    following = values.assign(place=values["place"] + _PLACES)
    return values.merge(following, on=["rep_id", "place"], suffixes=("", "_next"))


_PLACES = round(WINDOW_DAYS / STEP_DAYS)


def _changes(pairs: pd.DataFrame, spread: float) -> tuple[float, float, Floats]:
    """Return what is carried on, the further variance, and the surprises, rising.

    Of a distance from the middle, `weight` of it is the rep's, the rest is luck of the window; the
    next window keeps `carried` of what is the rep's. For a rep 0.6 above the middle by 20 deals:

        spread 0.04, error 0.25    weight 0.04 / 0.29 = 0.14    the rep's is 0.08
        carried 0.8                the next window is expected 0.07 above the middle
        next one seen 0.5 below    a surprise of -0.57, in units of sqrt(further + error)
    """
    if pairs.empty:
        return 1.0, 0.0, np.array([])
    weight = spread / (spread + pairs["error"].to_numpy()) if spread > 0 else np.zeros(len(pairs))
    own, after = weight * pairs["off"].to_numpy(), pairs["off_next"].to_numpy()
    total = float(own @ own)
    carried = min(max(float(own @ after) / total, 0.0), 1.0) if total > 0 else 1.0
    rest = after - carried * own
    error = pairs["error_next"].to_numpy()
    further = max(float((rest**2 - error).mean()), 0.0)
    return carried, further, np.sort(rest / np.sqrt(further + error))
