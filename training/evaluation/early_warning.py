"""How early a true miss is known: when a flag is raised for good, and how many flags are wrong.

A rep is flagged *for good* from the first flag after which the chance to attain stays below one
half to the last cutoff. Whether a flag will last is only known afterwards, so this evaluates past
periods. There are two rules for raising a flag: the chance is below one half, or the rep is among
the lowest chances that a manager has time for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Bools, Floats, Ints
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, percentile_estimate
from training.evaluation.group import Scores, forecasts_json, model_minus_baselines, scores_json
from training.evaluation.lead_group import cluster_rate
from training.evaluation.quota_forecasts import QuotaPredictions
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.quota_metrics import TOLERANCE, mean, median
from training.evaluation.resampled import Forecasts

EVEN = 0.5
WATCHED_FROM, WATCHED_TO = 0.2, 0.8
"""A rep-period has a lead time only if it was forecast in the first and in the last fifth of it."""


@dataclass(frozen=True)
class EarlyWarning:
    """How early misses were flagged, by one of the two rules.

    Attributes:
        rule: the rule, in words.
        n_missed: rep-periods that missed, watched from early on.
        n_made_quota: rep-periods that made quota, watched as long.
        scores: forecast -> `lead_days` (median over all misses; never flagged counts as 0),
            `flagged` (share of misses flagged for good at all), `false_alarms` (share of the
            flags in the early weeks whose rep made quota).
        differences: baseline -> the same, model minus baseline.
        withheld: why no figure is shown, or None.
        weeks: the weeks of the period that were forecast.
        misses_flagged: forecast -> week -> share of misses flagged for good by then.
        flags_wrong: forecast -> week -> share of that week's flags whose rep made quota.
    """

    rule: str
    n_missed: int
    n_made_quota: int
    scores: Mapping[str, Scores]
    differences: Mapping[str, Scores]
    withheld: str | None
    weeks: tuple[int, ...]
    misses_flagged: Mapping[str, Scores]
    flags_wrong: Mapping[str, Scores]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "raised": self.rule,
            "withheld": self.withheld,
            "n_missed": self.n_missed,
            "n_made": self.n_made_quota,
            **forecasts_json(self.scores),
            "difference": {n: scores_json(s) for n, s in self.differences.items()},
            "misses_flagged_by_week": {n: scores_json(s) for n, s in self.misses_flagged.items()},
            "flags_wrong_by_week": {n: scores_json(s) for n, s in self.flags_wrong.items()},
        }


def flag_lowest(known: QuotaPredictions, name: str, capacity: float) -> Bools:
    """Flag the reps of each list that a manager has time for, lowest chance first.

    The cases, for a capacity of 0.3::

        reps in the list   flagged
        20                 6          as many as fit wholly into the capacity
        12                 3          3.6 fit: capacity is never overrun
        1                  1          but at least one

    Of equal chances the lower median goes first, because there more is missing; then the id
    decides.
    """
    order = np.lexsort(
        (known.rep_periods, known.range(name)[:, 1], known.chance(name), known.lists)
    )
    lists = known.lists[order]
    starts = np.flatnonzero(np.diff(lists, prepend=-1))
    sizes = np.diff(np.append(starts, len(lists)))
    place = np.arange(len(lists)) - np.repeat(starts, sizes)
    # Without the tolerance 0.29 of 100 reps would be 28: 0.29 * 100 is 28.999999999999996.
    most = np.maximum(np.floor(capacity * sizes + TOLERANCE), 1)
    flags = np.zeros(len(lists), dtype=bool)
    flags[order] = place < np.repeat(most, sizes)
    return flags


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which rows count for which figure.

    Attributes:
        known: forecasts whose outcome is known.
        missed: rows whose rep missed in the end.
        watched: rows of rep-periods that were forecast from early on to near the end.
        early: rows in the early weeks.
        misses: one row, by position, of each watched rep-period that missed.
        n_made_quota: watched rep-periods that made quota.
    """

    known: QuotaPredictions
    missed: Bools
    watched: Bools
    early: Bools
    misses: Ints
    n_made_quota: int

    @classmethod
    def of(cls, known: QuotaPredictions, early: tuple[int, int]) -> _Rows:
        """Sort out the rows of forecasts."""
        missed = known.attainment < known.target - TOLERANCE
        watched = _watched(known)
        # One row stands for its rep-period: the outcome and the lead time are the same on all.
        _, firsts = np.unique(known.rep_periods, return_index=True)
        misses = firsts[missed[firsts] & watched[firsts]]
        made_quota = int((~missed[firsts] & watched[firsts]).sum())
        in_early_weeks = (known.weeks >= early[0]) & (known.weeks <= early[1])
        return cls(known, missed, watched, in_early_weeks, misses, made_quota)


def evaluate_early_warning(
    known: QuotaPredictions, counts: Counts, settings: QuotaSettings
) -> tuple[EarlyWarning, EarlyWarning]:
    """Evaluate how early misses were flagged: by chance alone, and at capacity.

    Args:
        known: forecasts whose outcome is known.
        counts: resamples of their clusters.
        settings: capacity, level, minimum and the early weeks.
    """
    rows = _Rows.of(known, settings.early)
    below = {name: known.chance(name) < EVEN for name in known.names}
    lowest = {name: flag_lowest(known, name, settings.capacity) for name in known.names}
    share = f"{10 * settings.capacity:g} of 10"
    return (
        _evaluate_rule("chance below one half", rows, below, counts, settings),
        _evaluate_rule(f"among the {share} with the lowest chance", rows, lowest, counts, settings),
    )


def _evaluate_rule(
    rule: str,
    rows: _Rows,
    flags: Mapping[str, Bools],
    counts: Counts,
    settings: QuotaSettings,
) -> EarlyWarning:
    known = rows.known
    enough = len(rows.misses) >= settings.min_rep_periods
    # Lead times and outcomes are the same on all rows of a rep-period: each miss counts once.
    is_miss = np.zeros(len(rows.missed), dtype=bool)
    is_miss[rows.misses] = True
    weeks = {int(week): known.weeks == week for week in np.unique(known.weeks)}

    def interval(resampled: Floats) -> Estimate:
        return percentile_estimate(resampled, settings.level) if enough else WITHHELD

    def rate(event: Bools, among: Bools) -> Estimate:
        return _rate(event, among, rows, counts, settings.level) if enough else WITHHELD

    resampled: dict[str, dict[str, Floats]] = {}
    scores: dict[str, Scores] = {}
    misses_flagged: dict[str, Scores] = {}
    flags_wrong: dict[str, Scores] = {}
    for name in known.names:
        lasting = lasting_flags(known, flags[name], known.chance(name) < EVEN)
        days = _lead_days(known, lasting)[known.rep_periods]
        # False alarms count every flag, also one that would not have lasted: the manager had the
        # talk all the same.
        early_flags = flags[name] & rows.early
        # Every cutoff lies before the period's end, so a flag that lasts has days ahead.
        flagged = days > 0
        resampled[name] = _resampled(rows, days, early_flags, is_miss, counts)
        scores[name] = {
            "lead_days": interval(resampled[name]["lead_days"]),
            "flagged": rate(flagged, is_miss),
            "false_alarms": rate(~rows.missed, early_flags),
        }
        missed = rows.missed & rows.watched
        misses_flagged[name] = {str(w): rate(lasting, missed & at) for w, at in weeks.items()}
        flags_wrong[name] = {
            str(w): rate(~rows.missed, flags[name] & at) for w, at in weeks.items()
        }
    differences = model_minus_baselines(resampled)
    return EarlyWarning(
        rule=rule,
        n_missed=len(rows.misses),
        n_made_quota=rows.n_made_quota,
        scores=scores,
        differences={n: {m: interval(d) for m, d in row.items()} for n, row in differences.items()},
        withheld=None if enough else _too_few(len(rows.misses), settings.min_rep_periods),
        weeks=tuple(weeks),
        misses_flagged=misses_flagged,
        flags_wrong=flags_wrong,
    )


def _resampled(
    rows: _Rows, days: Floats, early_flags: Bools, is_miss: Bools, counts: Counts
) -> dict[str, Floats]:
    clusters = rows.known.clusters
    flagged, made_quota = (days > 0).astype(np.float64), (~rows.missed).astype(np.float64)
    return {
        "lead_days": median(days[rows.misses], clusters[rows.misses], counts),
        "flagged": mean(flagged, clusters, counts, is_miss.astype(np.float64)),
        "false_alarms": mean(made_quota, clusters, counts, early_flags.astype(np.float64)),
    }


def _rate(event: Bools, among: Bools, rows: _Rows, counts: Counts, level: float) -> Estimate:
    """Return the share of some rows in which an event happened, withheld where there are none."""
    # Where all or none are, every resample says so, and a bootstrap would claim certainty.
    at = np.flatnonzero(among)
    if not len(at):
        return WITHHELD
    clusters = rows.known.clusters[at]
    events = Forecasts(event[at].astype(np.float64), {}, clusters, np.zeros_like(clusters))
    return cluster_rate(events, counts, level)


def _too_few(missed: int, needed: int) -> str:
    return (
        f"not measurable: {missed} misses were watched from the first to the last fifth of their "
        f"period, {needed} are needed"
    )


def lasting_flags(known: QuotaPredictions, raised: Bools, held: Bools) -> Bools:
    """Return where a flag lasts: raised then or before, and held from there to the end.

    A flag is raised by a rule and held by a chance below one half, which are two things: a rep with
    a low chance may drop out of the lowest three of ten while others fall lower. One rep-period,
    cutoff by cutoff::

        cutoff             1   2   3   4   5
        raised             -   x   -   -   x
        held               x   x   -   x   x
        held to the end    -   -   -   x   x
        lasts              -   -   -   -   x

    The flag of cutoff 2 does not last, because the chance was above one half at cutoff 3. At
    cutoff 4 the chance is low for good, but no flag has been raised since.

    Args:
        known: forecasts of reps at cutoffs.
        raised: rows in which the rule raises a flag.
        held: rows in which the chance is below one half.
    """
    frame = pd.DataFrame({"rep_period": known.rep_periods, "raised": raised, "held": held})
    frame["cutoff"] = known.frame["cutoff"].to_numpy()
    frame = frame.sort_values(["rep_period", "cutoff"], kind="stable")
    # Backwards from the end: before a cutoff at which it was not held, no flag lasts.
    kept = frame["held"][::-1].groupby(frame["rep_period"][::-1]).cummin()[::-1]
    # Forwards: a flag that is raised and kept stays up.
    lasts = (frame["raised"] & kept).groupby(frame["rep_period"]).cummax()
    return lasts.sort_index().to_numpy(dtype=bool)


def _lead_days(known: QuotaPredictions, lasting: Bools) -> Floats:
    """Return each rep-period's days from its first lasting flag to its end, 0 without one."""
    ahead = (known.frame["period_end"] - known.frame["cutoff"]).dt.total_seconds() / 86_400
    days = np.zeros(int(known.rep_periods.max(initial=-1)) + 1)
    # The first lasting flag is the one with the most days ahead.
    flagged_ahead = np.where(lasting, ahead.to_numpy(np.float64), 0.0)
    np.maximum.at(days, known.rep_periods, flagged_ahead)
    return days


def _watched(known: QuotaPredictions) -> Bools:
    """Return the rows of rep-periods that were forecast in their first and in their last fifth.

    Without a forecast early in the period no flag could have been early, and without one late in
    it nobody knows whether a flag lasted.
    """
    gone = pd.Series(known.share_gone).groupby(known.rep_periods)
    is_watched = (gone.transform("min") <= WATCHED_FROM) & (gone.transform("max") >= WATCHED_TO)
    return is_watched.to_numpy(dtype=bool)
