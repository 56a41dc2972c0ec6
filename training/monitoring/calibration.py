"""Whether as many leads convert (reps attain) as the champion said, of what it had not seen.

Only mature outcomes count, and those of weeks whose conversions are still being entered do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from scipy import stats

from features.arrays import Bools, Floats, Ints
from training.estimators.calibration import trust_in
from training.evaluation.bootstrap import Estimate
from training.evaluation.later import CUTOFF, LaterForecasts
from training.monitor_params import MonitorParams
from training.monitoring.deviation import Deviation, Severity

LEAST_UNITS = 10
"""Leads or reps, of either outcome, below which nothing is said."""
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
        units: the number of each row's lead or rep.
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


def judge_calibration(
    kind: str,
    forecasts: LaterForecasts,
    units: str,
    severity: Severity,
    params: MonitorParams,
    level_error: float = 0.0,
) -> Calibrated:
    """Compare outcomes with forecasts over the newest mature weeks.

    An alarm needs a ratio that is material (1.15 or 1 / 1.15 unless set otherwise) and whose
    interval, units or owners drawn whole, leaves out what a sound model is off by anyway:

    | ratio | interval     | off                                     |
    |-------|--------------|-----------------------------------------|
    | 0.78  | 0.71 to 0.86 | yes                                     |
    | 0.86  | 0.76 to 0.97 | no: 1 / 1.05 lies inside                |
    | 0.91  | 0.88 to 0.94 | no: beyond luck, and not material       |

    Segments are judged in the same way, beside the ratio
    of the whole and with their number allowed for, and make warnings.

    Args:
        kind: of model, in words.
        forecasts: of cutoffs after the champion's end of data.
        units: what is drawn whole: "leads", "reps".
        severity: of a ratio that is off.
        params: what is material.
        level_error: the standard error of the champion's own level, from `level_error`.
    """
    known = ~np.isnan(forecasts.y)
    y, p = forecasts.y[known], forecasts.p[known]
    keys = forecasts.keys[known]
    clusters = Clusters.of(keys.iloc[:, 0], forecasts.owners[known])
    ids = clusters.units
    if min(len(np.unique(ids[y > 0])), len(np.unique(ids[y == 0]))) < LEAST_UNITS:
        return unjudged(
            f"{kind}: too few outcomes are known since the champion's end of data to judge its "
            f"calibration; at least {LEAST_UNITS} {units} of either outcome are needed"
        )
    whole = np.ones(len(y), dtype=np.bool_)
    ratio = _ratio(y, p, clusters, whole, params.level, level_error)
    weeks = tuple(_weeks(y, p, keys[CUTOFF], params))
    event = forecasts.event
    deviations = []
    if _is_off(ratio, params):
        deviations.append(_overall(kind, ratio, y, p, event, severity))
    segments = forecasts.segments[known].reset_index(drop=True)
    deviations += _by_segment(kind, segments, (y, p * (ratio.value or 1.0)), clusters, params)
    first, last = weeks[0].cutoff, weeks[-1].cutoff
    note = (
        f"{kind}: {y.sum():,.0f} of {len(y):,} forecasts came true ({event}), {p.sum():,.0f} were "
        f"forecast; ratio {_words(ratio)}, cutoffs {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )
    return Calibrated(weeks, ratio, tuple(deviations), note)


def level_error(events: int, window_days: int) -> float:
    """Return the relative standard error of a champion's level, as its calibrator learned it.

    A count of events varies by its square root, and the calibrator goes the share of the way to
    them that its window is trusted by:

    | conversions in the window | days | trusted by | error |
    |---------------------------|------|------------|-------|
    | 900                       | 90   | 0.75       | 2.5 % |
    | 160                       | 45   | 0.6        | 4.7 % |
    | 0                         | 30   | 0.5        | 50 %  |

    Args:
        events: that the calibration window saw.
        window_days: its length.
    """
    return trust_in(window_days) / max(events, 1) ** 0.5


def unjudged(note: str) -> Calibrated:
    """Return that nothing could be compared, and why."""
    return Calibrated((), Estimate(None), (), note)


def mature_cutoffs(
    cutoffs: Sequence[datetime], late_days: int, params: MonitorParams
) -> tuple[datetime, ...]:
    """Return the newest weeks whose outcomes are known by now.

    Args:
        cutoffs: mature as far as the extract goes, a week apart, rising.
        late_days: days at the newest end whose outcomes have not been entered yet.
        params: how many weeks are looked at.
    """
    if not cutoffs:
        return ()
    last = max(cutoffs) - timedelta(days=late_days)
    on_time = tuple(moment for moment in cutoffs if (last - moment).total_seconds() >= 0)
    return on_time[-params.calibration_weeks :]


def _overall(
    kind: str, ratio: Estimate, y: Floats, p: Floats, event: str, severity: Severity
) -> Deviation:
    value = float(ratio.value or 0)
    return Deviation(
        "calibration", kind, value, 1.0, *_by_luck(ratio), severity,
        f"{kind}: {y.sum():,.0f} outcomes where the champion forecast {p.sum():,.0f} ({event}): "
        f"ratio {_words(ratio)}. Its chances are too {'high' if value < 1 else 'low'} by now. The "
        "order of the list may still be right; train a challenger on newer data and compare.",
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
        if _is_off(ratio, params):
            yield Deviation(
                "calibration of a segment", f"{segment} {part}", float(ratio.value or 0), 1.0,
                *_by_luck(ratio), Severity.WARNING,
                f"{kind}, {segment} {part}: {y[rows].sum():,.0f} outcomes where "
                f"{p[rows].sum():,.0f} were to be expected, had it done as the rest: ratio "
                f"{_words(ratio)}.",
            )  # fmt: skip


def _ratio(
    y: Floats, p: Floats, clusters: Clusters, rows: Bools, level: float, level_error: float = 0.0
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
    level grows in the same proportion.
    """
    alone = _error(y, p, clusters.units[rows], rows)
    shared = _error(y, p, clusters.owners[rows], rows)
    error, count = max(alone, shared) if shared[1] >= LEAST_OWNERS else alone
    level_error *= error / alone[0] if alone[0] > 0 else 1.0
    ratio = y[rows].sum() / p[rows].sum()
    tail = float(stats.t.isf((1 - level) / 2, count - 1))
    reach = tail * float(np.hypot(error, level_error))
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


def _is_off(ratio: Estimate, params: MonitorParams) -> bool:
    value = ratio.value or 1.0
    is_material = max(value, 1 / value) >= params.calibration_ratio
    error = params.calibration_error
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
