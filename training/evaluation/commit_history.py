"""What reps committed to, beside what came of it: bias told apart from luck.

A rep who has been too high three times running may have been unlucky, or may always be too high.
Both look the same in a table of hits and misses. Here the error of a period is

    error = (committed - attained) / quota        above 0: too high

and a rep's bias is the mean error that would show over very many periods. It is estimated by
shrinking the rep's own mean towards that of all reps, by as much as luck could have moved it
(empirical Bayes; Morris 1983, "Parametric empirical Bayes inference"). With s2 the variance of
errors within reps, n the rep's periods, and t2 the variance between reps:

    bias = m + k (own mean - m),   k = t2 / (t2 + s2 / n),   variance of it = k s2 / n

Three reps, s = 0.2, t = 0.1, m = 0.05:

    rep   periods   own mean   k      bias   90 % interval       verdict
    A     8         +0.20      0.67   0.15   +0.06 to +0.24      too high
    B     1         +0.20      0.20   0.08   -0.07 to +0.23      luck may explain it
    C     8         -0.15      0.67   -0.08  -0.18 to +0.01      luck may explain it

So one bad quarter says little about anybody, and eight alike do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import norm

LEAST_PERIODS = 2
"""Ended periods of one rep without which nothing is said of them."""
LEAST_SPREAD = 0.02
"""Standard deviation of luck that is assumed at least, as a share of the quota."""


class Verdict(StrEnum):
    """What a rep's numbers have shown so far."""

    HIGH = "too high"
    LOW = "too low"
    LUCK = "luck may explain it"
    FEW = "too few periods"


@dataclass(frozen=True)
class RepBias:
    """How far a rep's numbers are off as a rule, told apart from luck.

    Attributes:
        rep_id: whose numbers.
        periods: ended periods with a number.
        mean_error: the plain mean of (committed - attained) / quota.
        bias: the same shrunk towards all reps', by as much as luck could have moved it.
        low: the lower end of the interval about it.
        high: the upper end.
        luck: standard deviation of one period's error about the rep's own mean.
        verdict: what the interval says.
    """

    rep_id: str
    periods: int
    mean_error: float
    bias: float
    low: float
    high: float
    luck: float
    verdict: Verdict


def commit_bias(errors: Mapping[str, Sequence[float]], level: float = 0.9) -> tuple[RepBias, ...]:
    """Tell bias apart from luck in what reps committed to.

    Args:
        errors: of each rep, (committed - attained) / quota in every ended period.
        level: coverage of the intervals.

    Returns:
        One row for each rep with a period, in the order given.
    """
    own = {rep: np.asarray(values, np.float64) for rep, values in errors.items() if len(values)}
    if not own:
        return ()
    within = _variance_within(list(own.values()))
    mean, between = _between(list(own.values()), within)
    width = float(norm.ppf((1 + level) / 2))
    # How far the variance between reps, itself estimated, may mislead (Morris 1983, (5.2)).
    unsure = 2 / max(len(own) - 3, 1)
    rows = []
    for rep, values in own.items():
        noise = within / len(values)
        share = between / (between + noise) if between > 0 else 0.0
        bias = mean + share * (float(values.mean()) - mean)
        # With no variance between reps, all share the mean, which is itself known only so well.
        doubt = np.sqrt(
            share * noise
            + (1 - share) ** 2 * _doubt_of_mean(own, within, between)
            + unsure * ((1 - share) * (float(values.mean()) - mean)) ** 2
        )
        low, high = bias - width * doubt, bias + width * doubt
        rows.append(
            RepBias(
                rep_id=rep,
                periods=len(values),
                mean_error=float(values.mean()),
                bias=float(bias),
                low=float(low),
                high=float(high),
                luck=float(np.sqrt(within)),
                verdict=_verdict(len(values), float(low), float(high)),
            )
        )
    return tuple(rows)


def _verdict(periods: int, low: float, high: float) -> Verdict:
    if periods < LEAST_PERIODS:
        return Verdict.FEW
    if low > 0:
        return Verdict.HIGH
    return Verdict.LOW if high < 0 else Verdict.LUCK


def _variance_within(groups: Sequence[np.ndarray]) -> float:
    """Return the variance of errors about each rep's own mean, pooled over all reps."""
    freedom = sum(len(values) - 1 for values in groups)
    least = LEAST_SPREAD**2
    if freedom == 0:
        # Nobody has two periods: all spread may be luck.
        every = np.concatenate(list(groups))
        return max(float(every.var(ddof=1)) if len(every) > 1 else least, least)
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in groups)
    return max(squares / freedom, least)


def _between(groups: Sequence[np.ndarray], within: float) -> tuple[float, float]:
    """Return the mean over reps and the variance between them (DerSimonian and Laird 1986)."""
    weights = np.array([len(values) / within for values in groups])
    means = np.array([float(values.mean()) for values in groups])
    mean = float(np.average(means, weights=weights))
    excess = float((weights * (means - mean) ** 2).sum()) - (len(groups) - 1)
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    between = max(excess / scale, 0.0) if scale > 0 else 0.0
    weights = 1 / (between + within / np.array([len(values) for values in groups]))
    return float(np.average(means, weights=weights)), between


def _doubt_of_mean(own: Mapping[str, np.ndarray], within: float, between: float) -> float:
    """Return the variance of the mean over reps."""
    return float(1 / sum(1 / (between + within / len(values)) for values in own.values()))
