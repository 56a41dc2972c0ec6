"""How early a true miss is known: the week from which a flag stands, and the false alarms.

A rep is flagged *for good* from the first cutoff after which the chance to attain stays below one
half to the last. Whether a flag will stay is only known afterwards, so this judges past periods.
There are two ways to raise it: as soon as the chance is below one half, or when the rep is among
the lowest chances that a manager has time for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.evaluation.bootstrap import WITHHELD, Counts, Estimate, estimate
from training.evaluation.group import Scores, beside_baselines, gaps, plain
from training.evaluation.lead_group import cluster_rate
from training.evaluation.quota_forecasts import QuotaPredictions
from training.evaluation.quota_group import QuotaSettings
from training.evaluation.quota_metrics import TOLERANCE, mean, median
from training.evaluation.resampled import Forecasts

EVEN = 0.5
SEEN_FROM, SEEN_TO = 0.2, 0.8
"""A rep-period tells a lead time only if it was watched from its first to its last fifth."""

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Warnings:
    """How early misses were flagged, in one of the two ways.

    Attributes:
        raised: the way, in words.
        n_missed: rep-periods that missed, watched from early on.
        n_made: rep-periods that made quota, watched as long.
        scores: forecast -> `lead_days` (median over all misses; never flagged counts as 0),
            `flagged` (share of misses flagged for good at all), `false_alarms` (share of the
            flags in the early weeks whose rep made quota).
        differences: baseline -> the same, model minus baseline.
        withheld: why nothing is said, or None.
        weeks: the weeks of the period there are.
        found: forecast -> week by week, the share of misses flagged for good by then.
        wrong: forecast -> week by week, the share of the flags of that week whose rep made quota.
    """

    raised: str
    n_missed: int
    n_made: int
    scores: Mapping[str, Scores]
    differences: Mapping[str, Scores]
    withheld: str | None
    weeks: tuple[int, ...]
    found: Mapping[str, Scores]
    wrong: Mapping[str, Scores]

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return {
            "raised": self.raised,
            "withheld": self.withheld,
            "n_missed": self.n_missed,
            "n_made": self.n_made,
            **beside_baselines(self.scores),
            "difference": {n: plain(s) for n, s in self.differences.items()},
            "misses_flagged_by_week": {n: plain(s) for n, s in self.found.items()},
            "flags_wrong_by_week": {n: plain(s) for n, s in self.wrong.items()},
        }


def lowest(known: QuotaPredictions, name: str, capacity: float) -> Flags:
    """Flag the reps of each list that a manager has time for, lowest chance first.

    So many of each list as fit wholly into the capacity, and at least one. Of equal chances the
    lower median goes first, because there more is missing; then the id decides.
    """
    order = np.lexsort((known.spells, known.range(name)[:, 1], known.chance(name), known.lists))
    lists = known.lists[order]
    starts = np.flatnonzero(np.diff(lists, prepend=-1))
    sizes = np.diff(np.append(starts, len(lists)))
    place = np.arange(len(lists)) - np.repeat(starts, sizes)
    most = np.maximum(np.floor(capacity * sizes + TOLERANCE), 1)
    flags = np.zeros(len(lists), dtype=bool)
    flags[order] = place < np.repeat(most, sizes)
    return flags


def grade_warnings(
    known: QuotaPredictions, counts: Counts, settings: QuotaSettings
) -> tuple[Warnings, Warnings]:
    """Judge how early misses were flagged, by chance alone and at capacity."""
    below = {name: known.chance(name) < EVEN for name in known.names}
    few = {name: lowest(known, name, settings.capacity) for name in known.names}
    share = f"{10 * settings.capacity:g} of 10"
    return (
        _judge(known, counts, settings, below, "chance below one half"),
        _judge(known, counts, settings, few, f"among the {share} with the lowest chance"),
    )


def _judge(
    known: QuotaPredictions,
    counts: Counts,
    settings: QuotaSettings,
    flags: Mapping[str, Flags],
    words: str,
) -> Warnings:
    missed = known.attainment < known.target - TOLERANCE
    watched = _watched(known)
    first, last = settings.early
    early = (known.weeks >= first) & (known.weeks <= last)
    _, at = np.unique(known.spells, return_index=True)
    counted = at[missed[at] & watched[at]]
    weeks = [int(w) for w in np.unique(known.weeks)]
    enough = len(counted) >= settings.min_spells

    def written(drawn: Floats) -> Estimate:
        return estimate(drawn, settings.level) if enough else WITHHELD

    def rate(event: Flags, among: Flags) -> Estimate:
        # Where all or none are, every resample says so, and a bootstrap would claim certainty.
        at = np.flatnonzero(among)
        if not enough or not len(at):
            return WITHHELD
        own = known.clusters[at]
        rows = Forecasts(event[at].astype(np.float64), {}, own, np.zeros_like(own))
        return cluster_rate(rows, counts, settings.level)

    ends = np.zeros(len(missed), dtype=bool)
    ends[counted] = True
    drawn: dict[str, dict[str, Floats]] = {}
    scores: dict[str, Scores] = {}
    found: dict[str, Scores] = {}
    wrong: dict[str, Scores] = {}
    for name in known.names:
        stands = standing(known, flags[name], known.chance(name) < EVEN)
        days = _lead_days(known, stands)[known.spells]
        sides = (~missed).astype(np.float64), (flags[name] & early).astype(np.float64)
        drawn[name] = {
            "lead_days": median(days[counted], known.clusters[counted], counts),
            "flagged": mean((days > 0).astype(np.float64), known.clusters, counts, 1.0 * ends),
            "false_alarms": mean(sides[0], known.clusters, counts, sides[1]),
        }
        scores[name] = {
            "lead_days": written(drawn[name]["lead_days"]),
            "flagged": rate(days > 0, ends),
            "false_alarms": rate(~missed, flags[name] & early),
        }
        weekly = {w: known.weeks == w for w in weeks}
        found[name] = {str(w): rate(stands, missed & watched & a) for w, a in weekly.items()}
        wrong[name] = {str(w): rate(~missed, flags[name] & a) for w, a in weekly.items()}
    return Warnings(
        raised=words,
        n_missed=len(counted),
        n_made=int((~missed[at] & watched[at]).sum()),
        scores=scores,
        differences={n: {m: written(d) for m, d in row.items()} for n, row in gaps(drawn).items()},
        withheld=None if enough else _too_few(len(counted), settings.min_spells),
        weeks=tuple(weeks),
        found=found,
        wrong=wrong,
    )


def _too_few(missed: int, needed: int) -> str:
    return (
        f"not measurable: {missed} misses were watched from the first to the last fifth of their "
        f"period, {needed} are needed"
    )


def standing(known: QuotaPredictions, raised: Flags, held: Flags) -> Flags:
    """Tell where a flag stands for good: raised now or before, and held from then to the end."""
    frame = pd.DataFrame({"spell": known.spells, "raised": raised, "held": held})
    frame["cutoff"] = known.frame["cutoff"].to_numpy()
    frame = frame.sort_values(["spell", "cutoff"], kind="stable")
    # From the end backwards: once it was not held, nothing before stands.
    kept = frame["held"][::-1].groupby(frame["spell"][::-1]).cummin()[::-1]
    up = (frame["raised"] & kept).groupby(frame["spell"]).cummax()
    return up.sort_index().to_numpy(dtype=bool)


def _lead_days(known: QuotaPredictions, stands: Flags) -> Floats:
    """Give each rep-period's days from the first standing flag to its end, 0 without one."""
    days = (known.frame["period_end"] - known.frame["cutoff"]).dt.total_seconds() / 86_400
    found = np.zeros(int(known.spells.max(initial=-1)) + 1)
    np.maximum.at(found, known.spells, np.where(stands, days.to_numpy(np.float64), 0.0))
    return found


def _watched(known: QuotaPredictions) -> Flags:
    gone = pd.Series(known.share_gone).groupby(known.spells)
    seen = (gone.transform("min") <= SEEN_FROM) & (gone.transform("max") >= SEEN_TO)
    return seen.to_numpy(dtype=bool)
