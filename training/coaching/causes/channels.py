"""What each cause would show in: one channel per cause, observed beside what is usual.

In every channel a log factor below 0 is bad: fewer conversions, fewer deals that go on, less work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from features.arrays import Bools, Floats, Ints
from features.feature import DAY_US
from training.coaching.causes.ramp import RAMP_DOUBT, Ramp
from training.coaching.causes.rows import Observed, Rows
from training.coaching.causes.spells import THETA, normal, poisson
from training.coaching.causes.stays import first_owner
from training.coaching_params import CauseParams

ROUNDS = 4
"""Rounds of medians."""


@dataclass(frozen=True)
class Channel:
    """One channel of all reps and periods.

    Attributes:
        name: the cause that it shows.
        log_likelihood: by rep, period and `spells.THETA`.
        seen: what was counted, by rep and period.
        usual: what is usual for the like.
        days: days at risk behind it, where there are any.
    """

    name: str
    log_likelihood: Floats
    seen: Floats
    usual: Floats
    days: Floats


def counted(observed: Observed, name: str, rows: Rows, ramp: Ramp, shift: Floats | None) -> Channel:
    """Make a channel of rates.

    Args:
        observed: the company.
        name: the cause.
        rows: what was seen and is usual.
        ramp: how new reps get going; their share of the usual is what they are held against.
        shift: by rep and period, the log factor that other causes explain already.
    """
    usual = rows.usual * np.exp(ramp.log_factor(name, rows.tenure))
    seen = observed.table(rows.rep, rows.period, rows.seen)
    expected = observed.table(rows.rep, rows.period, usual)
    at_risk = observed.table(rows.rep, rows.period, rows.days)
    if shift is not None:
        expected = expected * np.exp(shift)
    return Channel(name, poisson(seen, expected), seen, expected, at_risk)


def chosen(
    observed: Observed, name: str, rows: Rows, ramp: Ramp, shift: Floats | None = None
) -> Channel:
    """Make a channel of choices between two ends; its log factor is one of the odds.

    Args:
        observed: the company.
        name: the cause.
        rows: what was seen, and the log-odds that are usual.
        ramp: how new reps get going.
        shift: by rep and period, the log factor that other causes explain already.
    """
    reps, periods = observed.shape
    inside = (rows.rep >= 0) & (rows.period >= 0)
    usual = rows.usual + ramp.log_factor(name, rows.tenure)
    if shift is not None:
        usual = usual + np.where(inside, shift[rows.rep, rows.period], 0.0)
    log_chance = rows.seen[:, None] * THETA - np.logaddexp(0, usual[:, None] + THETA)
    table = np.zeros((reps * periods, len(THETA)))
    np.add.at(table, rows.rep[inside] * periods + rows.period[inside], log_chance[inside])
    seen = observed.table(rows.rep, rows.period, rows.seen)
    expected = observed.table(rows.rep, rows.period, expit(usual))
    count = observed.table(rows.rep, rows.period, np.ones(len(usual)))
    return Channel(name, table.reshape(reps, periods, len(THETA)), seen, expected, count)


def stretched(log_likelihood: Floats, slope: float) -> Floats:
    """Return what a log-likelihood says of a cause that moves its own log factor by `slope` only.

    It is read at `slope * THETA`, between the points of the grid in straight lines.
    """
    place = np.interp(slope * THETA, THETA, np.arange(len(THETA)))
    low = np.minimum(place.astype(np.int64), len(THETA) - 2)
    part = place - low
    return np.asarray(log_likelihood[..., low] * (1 - part) + log_likelihood[..., low + 1] * part)


def volume(observed: Observed, ramp: Ramp, params: CauseParams) -> Channel:
    """Touches per week beside the rep's own other periods and the company's course.

    Reps log unlike shares of what they do, so that a rep is held against the own past alone. The
    level is taken out here: it is the mean of the other periods, and its doubt is in the variance.
    """
    company, periods = observed.company, observed.periods
    touches = company.touches
    at = touches["day"].to_numpy() * DAY_US
    rep, period = touches["rep"].to_numpy(), periods.of(at)
    count = touches["count"].to_numpy(dtype=np.float64)
    seen = observed.table(rep, period, count)
    begin, end = _presence(observed)
    present = np.maximum(end - begin, 0.0) / DAY_US
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = np.log((seen + 0.5) / present)
    known = (present >= params.least_days) & (seen.sum(axis=1, keepdims=True) > 0)
    # Who is getting going is held to the own pace on the way: the ramp is taken out.
    middle = np.where(known, begin + np.where(known, present, 0.0) * (DAY_US / 2), np.nan)
    tenure = (middle - company.hired[:, None]) / DAY_US
    going = ramp.log_factor("volume", np.maximum(tenure, 0.0))
    pace = np.where(known, pace - going, np.nan)
    # The company's course: reps and periods by medians, in turn.
    own = np.nanmedian(np.where(known.any(axis=1, keepdims=True), pace, 0.0), axis=1)
    course = np.zeros(pace.shape[1])
    for _ in range(ROUNDS):
        course = _median(pace - own[:, None], axis=0)
        own = _median(pace - course[None, :], axis=1)
    rest = pace - own[:, None] - course[None, :]
    usual = np.exp(own[:, None] + course[None, :] + going) * present
    variance = np.where(known, 0.5 / np.maximum(seen, 1.0) + (RAMP_DOUBT * going) ** 2, 1e9)
    gap = np.where(known, rest, 0.0)
    return Channel("volume", normal(gap, variance + 0.02), seen, np.nan_to_num(usual), present)


def _median(values: Floats, axis: int) -> Floats:
    empty = np.isnan(values).all(axis=axis)
    filled = np.where(np.expand_dims(empty, axis), 0.0, values)
    return np.asarray(np.nanmedian(filled, axis=axis))


def _presence(observed: Observed) -> tuple[Floats, Floats]:
    """Return from when to when a rep was there in each period, from the first touch to the last.

    Where a rep was not there, the end does not lie after the beginning.
    """
    company, periods = observed.company, observed.periods
    first = company.touches.groupby("rep")["day"].agg(["min", "max"])
    begin = np.full(len(company.reps), np.inf)
    end = np.full(len(company.reps), -np.inf)
    begin[first.index] = first["min"].to_numpy() * DAY_US
    end[first.index] = (first["max"].to_numpy() + 1) * DAY_US
    # A rep who still has a quota is there up to the moment asked about, silent or not.
    now = company.quotas["end"].to_numpy() >= company.as_of
    end[company.quotas["rep"].to_numpy()[now]] = company.as_of
    end = np.fmin(end, company.left)
    low = np.maximum(periods.borders[None, :-1], begin[:, None])
    high = np.minimum(np.minimum(periods.borders[None, 1:], company.as_of), end[:, None])
    return low, np.asarray(high, dtype=np.float64)


def deal_size(observed: Observed, params: CauseParams) -> Channel:
    """Amounts when deals are created, beside the value of their leads or, without, the usual."""
    deals, leads = observed.company.deals, observed.company.leads
    amount = deals.value
    value = np.where(deals.lead >= 0, np.append(leads.value, np.nan)[deals.lead], np.nan)
    known = (amount > 0) & (value > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(np.where(known, amount / value, np.nan))
    if known.sum() < params.least_deals:
        known = amount > 0
        ratio = np.log(np.where(known, amount, np.nan))
    return _means(
        observed, "deal_size", ratio, known, deals.created, first_owner(observed.deals, len(amount))
    )


def _means(
    observed: Observed, name: str, values: Floats, known: Bools, at: Ints, rep: Ints
) -> Channel:
    """Make a channel of the means of each rep's values in a period, less the company's median."""
    period = observed.periods.of(at)
    keep = known & (rep >= 0) & (period >= 0) & (period < len(observed.periods))
    values, rep, period = values[keep], rep[keep], period[keep]
    frame = pd.DataFrame({"rep": rep, "period": period, "value": values})
    rest = frame["value"] - frame.groupby("period")["value"].transform("median")
    spread = float(1.4826 * np.median(np.abs(rest - rest.median()))) if len(rest) else 1.0
    clipped = np.clip(rest.to_numpy(), -4 * spread - 1, 4 * spread)
    count = observed.table(rep, period, np.ones(len(rest)))
    total = observed.table(rep, period, clipped)
    mean = total / np.maximum(count, 1)
    variance = np.where(count > 0, max(spread, 0.02) ** 2 / np.maximum(count, 1), 1e9)
    return Channel(name, normal(mean, variance), mean, np.zeros_like(mean), count)


def lead_mix(observed: Observed) -> Channel:
    """What the sources of a rep's new leads promise, beside those of the like."""
    company = observed.company
    leads = company.leads
    rep = first_owner(observed.leads, len(leads.created))
    period = observed.periods.of(leads.created)
    ended = leads.ended < company.as_of
    size = int(leads.source.max(initial=0)) + 1
    won = np.bincount(leads.source[ended], leads.is_won[ended], size) + 0.5
    worth = won / (np.bincount(leads.source[ended], minlength=size) + 5)
    promise = worth[leads.source]
    keep = (rep >= 0) & (period >= 0) & (period < len(observed.periods))
    ones = np.ones(int(keep.sum()))
    count = observed.table(rep[keep], period[keep], ones)
    total = observed.table(rep[keep], period[keep], promise[keep])
    by_period = total.sum(axis=0) / np.maximum(count.sum(axis=0), 1)
    usual = np.broadcast_to(by_period[None, :], total.shape)
    mean = (total + usual) / (count + 1)
    gap = np.log(np.maximum(mean, 1e-9) / np.maximum(usual, 1e-9))
    relative = float(promise.std() / promise.mean()) if len(promise) else 1.0
    # A single source tells nothing apart; the doubt of a mean is never nothing.
    relative = max(relative, 0.05)
    variance = np.where(count > 0, relative**2 / np.maximum(count, 1), 1e9)
    return Channel("lead_mix", normal(gap, variance), np.exp(gap), count * 0 + 1, count)
