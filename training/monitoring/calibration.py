"""Whether as many leads convert, reps attain and deals are won as the champion said.

Only what it had not seen counts, and only mature outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from scipy import stats

from features.arrays import Bools, Floats, Ints
from training.evaluation.bootstrap import Estimate
from training.evaluation.later import CUTOFF, CalibrationCheck
from training.monitor_params import MonitorParams
from training.monitoring.deviation import Deviation, Severity

LEAST_UNITS = 10
"""Leads, reps or deals, of either outcome, below which nothing is said."""
LEAST_OWNERS = 6
"""Owners below which their spread tells nothing of the luck that leads of one owner share."""


@dataclass(frozen=True)
class WeekOfForecasts:
    """The forecasts of one cutoff beside what happened.

    Attributes:
        cutoff: when they were made.
        forecast: the mean chance.
        happened: the share in which it happened, with an interval.
        n_rows: how many there were.
    """

    cutoff: datetime
    forecast: float
    happened: Estimate
    n_rows: int


@dataclass(frozen=True)
class Calibrated:
    """How forecasts and outcomes compare.

    Attributes:
        weeks: by cutoff, rising.
        ratio: outcomes over the sum of chances, of all weeks; withheld where there is too little.
        deviations: what lies outside, in words.
        note: what was compared, or why nothing was.
    """

    weeks: tuple[WeekOfForecasts, ...]
    ratio: Estimate
    deviations: tuple[Deviation, ...]
    note: str


@dataclass(frozen=True, eq=False)
class Clusters:
    """Which rows share luck.

    Attributes:
        units: the number of each row's lead, rep or deal.
        owners: the number of its owner; a row that nobody owns has that of its unit.
    """

    units: Ints
    owners: Ints

    @classmethod
    def of(cls, units: pd.Series, owners: pd.Series) -> Clusters:
        """Number units and owners, row by row."""
        unit = pd.factorize(units.astype(str))[0]
        owner = pd.factorize(owners)[0]
        return cls(unit, np.where(owner >= 0, owner, unit + owner.max(initial=-1) + 1))


def judge_calibration(check: CalibrationCheck, params: MonitorParams) -> Calibrated:
    """Compare outcomes with forecasts over the newest mature weeks.

    An alarm needs a ratio that is material (1.15 or 1 / 1.15 unless set otherwise) and whose
    interval, units or owners drawn whole, leaves out what a sound model is off by anyway. Where the
    luck that all rows share is known, the interval holds that instead:

    | ratio | interval     | shared luck | off                               |
    |-------|--------------|-------------|-----------------------------------|
    | 0.78  | 0.71 to 0.86 | not known   | yes                               |
    | 0.86  | 0.76 to 0.97 | not known   | no: 1 / 1.05 lies inside          |
    | 0.91  | 0.88 to 0.94 | not known   | no: beyond luck, and not material |
    | 0.74  | 0.56 to 0.98 | 0.08        | yes                               |
    | 0.77  | 0.58 to 1.02 | 0.08        | no: 1 lies inside                 |

    Segments are judged in the same way, beside the ratio of the whole, which holds what all rows
    share, and with their number allowed for. They make warnings.

    Args:
        check: forecasts of cutoffs after the champion's end of data, and what a sound model may be
            off by.
        params: what is material.
    """
    forecasts = check.forecasts
    known = ~np.isnan(forecasts.y)
    y, p = forecasts.y[known], forecasts.p[known]
    keys = forecasts.keys[known]
    clusters = Clusters.of(keys.iloc[:, 0], forecasts.owners[known])
    ids = clusters.units
    if min(len(np.unique(ids[y > 0])), len(np.unique(ids[y == 0]))) < LEAST_UNITS:
        return unjudged(
            f"{check.subject}: too few outcomes are known since the champion's end of data to "
            f"judge its calibration; at least {LEAST_UNITS} {check.units} of either outcome are "
            "needed"
        )
    whole = np.ones(len(y), dtype=np.bool_)
    ratio = _ratio(y, p, clusters, whole, params.level, (check.level_error, check.shared_error))
    weeks = tuple(_weeks(y, p, keys[CUTOFF], params))
    deviations = []
    if _is_off(ratio, params, 1.0 if check.shared_error else params.calibration_error):
        deviations.append(_overall(check, ratio, y, p))
    segments = forecasts.segments[known].reset_index(drop=True)
    outcomes = (y, p * (ratio.value or 1.0))
    deviations += _by_segment(check.subject, segments, outcomes, clusters, params)
    first, last = weeks[0].cutoff, weeks[-1].cutoff
    note = (
        f"{check.subject}: {y.sum():,.0f} of {len(y):,} forecasts came true ({forecasts.event}), "
        f"{p.sum():,.0f} were forecast; ratio {_words(ratio)}, cutoffs {first:%Y-%m-%d} to "
        f"{last:%Y-%m-%d}"
    )
    return Calibrated(weeks, ratio, tuple(deviations), note)


def unjudged(note: str) -> Calibrated:
    """Return that nothing could be compared, and why."""
    return Calibrated((), Estimate(None), (), note)


def _overall(check: CalibrationCheck, ratio: Estimate, y: Floats, p: Floats) -> Deviation:
    subject, value = check.subject, float(ratio.value or 0)
    severity = Severity.ALARM if check.is_alarming else Severity.WARNING
    return Deviation(
        "calibration", subject, value, 1.0, *_by_luck(ratio), severity,
        f"{subject}: {y.sum():,.0f} outcomes where the champion forecast {p.sum():,.0f} "
        f"({check.forecasts.event}): ratio {_words(ratio)}. Its chances are too "
        f"{'high' if value < 1 else 'low'} by now. The order may still be right; train a "
        "challenger on newer data and compare.",
    )  # fmt: skip


def _by_segment(
    kind: str,
    segments: pd.DataFrame,
    outcomes: tuple[Floats, Floats],
    clusters: Clusters,
    params: MonitorParams,
) -> Iterator[Deviation]:
    y, p = outcomes
    parts = [(str(s), part) for s in segments for part in sorted(segments[s].astype(str).unique())]
    level = 1 - (1 - params.level) / max(len(parts), 1)
    for segment, part in parts:
        rows = (segments[segment].astype(str) == part).to_numpy()
        if rows.all() or min(y[rows].sum(), p[rows].sum()) < LEAST_UNITS:
            continue
        ratio = _ratio(y, p, clusters, rows, level)
        if _is_off(ratio, params, params.calibration_error):
            yield Deviation(
                "calibration of a segment", f"{segment} {part}", float(ratio.value or 0), 1.0,
                *_by_luck(ratio), Severity.WARNING,
                f"{kind}, {segment} {part}: {y[rows].sum():,.0f} outcomes where "
                f"{p[rows].sum():,.0f} were to be expected, had it done as the rest: ratio "
                f"{_words(ratio)}.",
            )  # fmt: skip


def _ratio(
    y: Floats,
    p: Floats,
    clusters: Clusters,
    rows: Bools,
    level: float,
    further: tuple[float, float] = (0.0, 0.0),
) -> Estimate:
    """Return outcomes over the sum of chances, and its interval.

    Rows share luck in two ways: a lead is seen at several cutoffs, and the leads of one owner have
    the same hands in common. The error is the larger of the two, with so many tails as few owners
    give it (Cameron and Miller 2015, "A Practitioner's Guide to Cluster-Robust Inference", section
    VI: Student's t with one degree of freedom fewer than clusters):

    | company                              | error, leads | error, owners | counts       |
    |--------------------------------------|--------------|---------------|--------------|
    | owners are alike, or nobody owns     | 4 %          | 4 %           | either       |
    | a team of 20, some much better       | 4 %          | 7 %           | that of 20   |
    | five owners or fewer                 | 4 %          | not asked     | that of leads|

    The champion learned its own level from other leads of the same owners, so the error of the
    level grows in the same proportion. Luck that all rows share is as large whoever owns them, and
    has the tails of a normal distribution.

    Args:
        y: whether it happened.
        p: the chances.
        clusters: which rows share luck.
        rows: those that count.
        level: coverage of the interval.
        further: the errors of the level and of what all rows share; see `CalibrationCheck`.
    """
    level_error, shared_error = further
    alone = _error(y, p, clusters.units[rows], rows)
    shared = _error(y, p, clusters.owners[rows], rows)
    error, count = max(alone, shared) if shared[1] >= LEAST_OWNERS else alone
    level_error *= error / alone[0] if alone[0] > 0 else 1.0
    ratio = y[rows].sum() / p[rows].sum()
    tail = float(stats.t.isf((1 - level) / 2, count - 1))
    normal = float(stats.norm.isf((1 - level) / 2))
    reach = float(np.hypot(tail * np.hypot(error, level_error), normal * shared_error))
    return Estimate(float(ratio), float(ratio * np.exp(-reach)), float(ratio * np.exp(reach)))


def _error(y: Floats, p: Floats, ids: Ints, rows: Bools) -> tuple[float, int]:
    """Return the standard error of log(sum y / sum p) with clusters drawn whole, and their number.

    It is sum((y_i - r p_i)^2)^0.5 / sum(y), times (n / (n - 1))^0.5, for the ratio r of two sums
    over n clusters (Cochran 1977, "Sampling Techniques", section 6.4). It is taken rather than
    resamples, whose tails at 99 % and beyond would need thousands of draws.
    """
    own_y, own_p = np.bincount(ids, y[rows]), np.bincount(ids, p[rows])
    count = int((np.bincount(ids) > 0).sum())
    if count == 1:
        return 0.0, count
    squares = ((own_y - own_y.sum() / own_p.sum() * own_p) ** 2).sum()
    return float(np.sqrt(squares * count / (count - 1)) / own_y.sum()), count


def _is_off(ratio: Estimate, params: MonitorParams, error: float) -> bool:
    value = ratio.value or 1.0
    is_material = max(value, 1 / value) >= params.calibration_ratio
    return is_material and ratio.excludes(error) and ratio.excludes(1 / error)


def _by_luck(ratio: Estimate) -> tuple[float | None, float | None]:
    """Return the ratios that luck alone would make of the same forecasts, were they right."""
    if ratio.value is None or ratio.low is None or ratio.high is None:
        return None, None
    return ratio.low / ratio.value, ratio.high / ratio.value


def _weeks(
    y: Floats, p: Floats, cutoffs: pd.Series, params: MonitorParams
) -> Iterator[WeekOfForecasts]:
    """Go through the cutoffs; at one cutoff every unit has one row, so rows are independent."""
    moments = pd.DatetimeIndex(cutoffs)
    for moment in moments.unique().sort_values():
        places = np.flatnonzero(moments == moment)
        happened, n = int(y[places].sum()), len(places)
        ends = stats.binomtest(happened, n).proportion_ci(params.level, method="wilson")
        share = Estimate(happened / n, float(ends.low), float(ends.high))
        yield WeekOfForecasts(moment.to_pydatetime(), float(p[places].mean()), share, n)


def _words(ratio: Estimate) -> str:
    if ratio.low is None or ratio.high is None:
        return "unknown"
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
