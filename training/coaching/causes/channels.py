"""What each cause would show in: one channel per cause, observed beside what is usual.

In every channel a log factor below 0 is bad: fewer conversions, fewer deals that go on, less work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import expit

from features.arrays import Bools, Floats, Ints
from features.feature import DAY_US
from training.coaching.causes.company import Company, days
from training.coaching.causes.rates import Ramp, expected_events, log_odds
from training.coaching.causes.spells import THETA, normal, poisson
from training.coaching.causes.stays import AGES, LOST, MOVES, STAYS, WON, Periods, Stays
from training.coaching_params import CauseParams


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


@dataclass(frozen=True)
class Rows:
    """Rows behind a channel, before reps are compared.

    Attributes:
        rep: whose row it is.
        period: the number of its period.
        tenure: of the rep, in days; empty (NaN) if unknown.
        seen: events.
        usual: what is usual for the like; of choices, the log-odds.
        days: at risk.
    """

    rep: Ints
    period: Ints
    tenure: Floats
    seen: Floats
    usual: Floats
    days: Floats


@dataclass(frozen=True)
class Observed:
    """A company with its stays: what channels are made of.

    Attributes:
        company: its tables.
        periods: its quota periods.
        leads: stays of leads.
        deals: stays of deals.
        waiting: numbers of the deal stages in which a sold deal waits on others.
    """

    company: Company
    periods: Periods
    leads: Stays
    deals: Stays
    waiting: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Reps and periods."""
        return len(self.company.reps), len(self.periods)

    def tenure(self, rep: Ints, at: Ints | Floats) -> Floats:
        """Return days since each rep was hired."""
        return np.asarray((at - self.company.hired[rep]) / DAY_US)

    def table(self, rep: Ints, period: Ints, values: Floats) -> Floats:
        """Add values up by rep and period."""
        reps, periods = self.shape
        inside = (rep >= 0) & (period >= 0) & (period < periods)
        place = rep[inside] * periods + period[inside]
        return np.bincount(place, values[inside], reps * periods).reshape(reps, periods)


def _stay_rows(observed: Observed, stays: Stays, events: Bools, factors: list[Ints]) -> Rows:
    seen = events.astype(np.float64)
    usual = expected_events(stays.days, seen, factors, doubt=4.0)
    tenure = observed.tenure(stays.rep, stays.start + stays.days * (DAY_US / 2))
    return Rows(stays.rep, stays.period, tenure, seen, usual, stays.days)


def qualifying_rows(observed: Observed, *, by_territory: bool = True) -> Rows:
    """Conversions per day, for leads of the same stage, source and age, and reps alike loaded."""
    stays = observed.leads.take(observed.leads.rep >= 0)
    source = observed.company.leads.source[stays.place]
    stage = stays.stage + 1
    cell = (stage * (source.max(initial=0) + 1) + source) * (len(AGES) + 1) + stays.age
    factors = [cell, stays.period, load_class(observed, stays)]
    if by_territory:
        factors.append(observed.company.territory[stays.rep])
    return _stay_rows(observed, stays, stays.end == WON, factors)


def load_class(observed: Observed, stays: Stays) -> Ints:
    """Class each stay by how many leads its rep had to work on then."""
    cuts = np.append(observed.periods.cuts, observed.periods.borders[-1])
    stretch = np.searchsorted(observed.periods.cuts, stays.start, side="right") - 1
    size = len(observed.periods.cuts)
    total = np.bincount(stays.rep * size + stretch, stays.days, observed.shape[0] * size)
    load = total.reshape(-1, size) / np.maximum(np.diff(cuts) / DAY_US, 1e-9)
    own = load[stays.rep, stretch]
    if not len(own):
        return stretch
    return np.searchsorted(np.quantile(own, LOADS), own).astype(np.int64)


LOADS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
"""Quantiles that separate classes of load."""


def first_touch_rows(observed: Observed) -> Rows:
    """First moves per day of leads in the stage that they are created in."""
    every = observed.leads
    first = first_stage(observed)
    stays = every.take((every.rep >= 0) & (every.stage == first) & (first >= 0))
    source = observed.company.leads.source[stays.place]
    cell = source * (len(AGES) + 1) + stays.age
    moved = (stays.end == MOVES) | (stays.end == WON)
    rows = _stay_rows(observed, stays, moved, [cell, stays.period, stays.is_rush.astype(np.int64)])
    return rows


def first_stage(observed: Observed) -> int:
    """Return the stage that most leads are in when they are created, -1 without any."""
    leads, rows = observed.company.leads, observed.company.leads.stage
    if not len(rows):
        return -1
    first = rows.drop_duplicates("place", keep="first")
    at_creation = first["at"].to_numpy() <= leads.created[first["place"].to_numpy()] + DAY_US // 24
    counts = first["stage"][at_creation].value_counts()
    return int(counts.index[0]) if len(counts) else -1


def waiting_rows(observed: Observed) -> Rows:
    """Deals that leave, per day, the stages in which a sold deal waits on others."""
    every = observed.deals
    stays = every.take((every.rep >= 0) & np.isin(every.stage, observed.waiting))
    cell = stays.stage * 2 + stays.is_rush
    left = (stays.end == WON) | (stays.end == MOVES)
    return _stay_rows(observed, stays, left, [cell, stays.period])


def closing_rows(observed: Observed) -> Rows:
    """Of deals that leave a stage before those, the ones that go on, not lost."""
    every = observed.deals
    stays = every.take(
        (every.rep >= 0) & ~np.isin(every.stage, observed.waiting) & (every.end != STAYS)
    )
    won = (stays.end != LOST).astype(np.float64)
    amount = observed.company.deals.value[stays.place]
    known = np.isfinite(amount) & (amount > 0)
    size = np.where(known, np.log(np.where(known, amount, 1.0)), 0.0)
    size = np.where(known, size - (size[known].mean() if known.any() else 0.0), 0.0)
    rush = stays.is_rush.astype(np.float64)
    age = np.log1p(days(stays.start - observed.company.deals.created[stays.place]))
    columns = [np.ones(len(won)), size, size * rush, ~known, age - age.mean() if len(age) else age]
    classes = (stays.stage + 1) * 2 + stays.is_rush
    columns += [classes == k for k in np.unique(classes)]
    columns += [stays.period == k for k in np.unique(stays.period)]
    features = np.stack(columns, axis=1).astype(np.float64)
    usual = log_odds(won, features) if len(won) else won
    tenure = observed.tenure(stays.rep, stays.start)
    return Rows(stays.rep, stays.period, tenure, won, usual, stays.days)


def fitted_ramp(
    observed: Observed, counts: dict[str, Rows], choices: dict[str, Rows], params: CauseParams
) -> Ramp:
    """Learn how long new reps take to get going, and what they lack on the first day.

    For every length, what the first day lacks is fitted to each channel by maximum likelihood on
    the grid of log factors; the length that explains all channels best is kept.
    """
    lacks = np.round(np.arange(0, -2.01, -0.05), 10)
    work = touch_rows(observed)
    every = {**{name: _about_own(rows) for name, rows in counts.items()}, **choices, "volume": work}
    best = Ramp(0.0, {})
    best_score = params.ramp_doubt
    for length in np.arange(60.0, params.ramp_longest_days + 1, 30.0):
        score, found = 0.0, {}
        for name, rows in every.items():
            share = np.nan_to_num(np.clip(1 - rows.tenure / length, 0, 1))
            new = share > 0
            if rows.seen[new].sum() < 1:
                continue
            score_at = _ramp_scores(rows, share, new, lacks, is_choice=name in choices)
            place = int(np.argmax(score_at))
            score, found[name] = score + float(score_at[place]), float(lacks[place])
        if score > best_score:
            best, best_score = Ramp(float(length), found), score
    return best


def _about_own(rows: Rows) -> Rows:
    """Hold each rep against the own level, so far as the rep's own rows tell it."""
    usual = expected_events(rows.usual, rows.seen, [rows.rep], doubt=10.0)
    return replace(rows, usual=usual)


def touch_rows(observed: Observed) -> Rows:
    """Count what each rep did in each week beside the own usual week."""
    company = observed.company
    touches = company.touches
    rep = touches["rep"].to_numpy()
    week = touches["day"].to_numpy() // WEEK
    frame = pd.DataFrame({"rep": rep, "week": week, "count": touches["count"].to_numpy()})
    frame = frame.groupby(["rep", "week"], as_index=False)["count"].sum()
    at = (frame["week"].to_numpy() * WEEK + WEEK / 2) * DAY_US
    # Touches of one week come together: a tenth of them count as evidence.
    seen = frame["count"].to_numpy(dtype=np.float64) / 10
    rep = frame["rep"].to_numpy()
    tenure = observed.tenure(rep, at)
    old = ~(tenure < RAMPED)
    own = expected_events(np.ones(int(old.sum())), seen[old], [rep[old]], doubt=0.5)
    usual = np.zeros(observed.shape[0])
    usual[rep[old]] = own
    known = usual[rep] > 0
    return Rows(
        rep[known],
        observed.periods.of(at)[known],
        tenure[known],
        seen[known],
        usual[rep][known],
        np.full(int(known.sum()), float(WEEK)),
    )


WEEK = 7
"""Days."""
RAMPED = 240.0
"""Days after which a rep's touches count as the own usual ones."""


def _ramp_scores(
    rows: Rows, share: Floats, new: Bools, lacks: Floats, *, is_choice: bool
) -> Floats:
    """Return the gain in log-likelihood by what the first day lacks."""
    seen, usual, part = rows.seen[new], rows.usual[new], share[new]
    shift = part[:, None] * lacks
    if is_choice:
        gain = seen[:, None] * shift - np.logaddexp(0, usual[:, None] + shift)
        return np.asarray((gain + np.logaddexp(0, usual)[:, None]).sum(axis=0))
    band = (part * 20).astype(np.int64)
    grid = (np.arange(21) + 0.5) / 20
    s, u = np.bincount(band, seen, 21), np.bincount(band, usual, 21)
    shift = grid[:, None] * lacks
    return np.asarray((s[:, None] * shift - u[:, None] * np.expm1(shift)).sum(axis=0))


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


def chosen(observed: Observed, name: str, rows: Rows, ramp: Ramp) -> Channel:
    """Make a channel of choices between two ends; its log factor is one of the odds."""
    usual = rows.usual + ramp.log_factor(name, rows.tenure)
    log_chance = rows.seen[:, None] * THETA - np.logaddexp(0, usual[:, None] + THETA)
    reps, periods = observed.shape
    inside = (rows.rep >= 0) & (rows.period >= 0)
    table = np.zeros((reps * periods, len(THETA)))
    np.add.at(table, rows.rep[inside] * periods + rows.period[inside], log_chance[inside])
    seen = observed.table(rows.rep, rows.period, rows.seen)
    expected = observed.table(rows.rep, rows.period, expit(usual))
    count = observed.table(rows.rep, rows.period, np.ones(len(usual)))
    return Channel(name, table.reshape(reps, periods, len(THETA)), seen, expected, count)


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
    present = _present_days(observed)
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = np.log((seen + 0.5) / present)
    known = (present >= params.least_days) & (seen.sum(axis=1, keepdims=True) > 0)
    pace = np.where(known, pace, np.nan)
    middle = periods.borders[:-1] + np.diff(periods.borders) / 2
    tenure = (middle[None, :] - company.hired[:, None]) / DAY_US
    pace = pace - ramp.log_factor("volume", tenure)
    # The company's course: reps and periods by medians, in turn.
    own = np.nanmedian(np.where(known.any(axis=1, keepdims=True), pace, 0.0), axis=1)
    course = np.zeros(pace.shape[1])
    for _ in range(ROUNDS):
        course = _median(pace - own[:, None], axis=0)
        own = _median(pace - course[None, :], axis=1)
    rest = pace - own[:, None] - course[None, :]
    usual = np.exp(own[:, None] + course[None, :]) * present
    variance = np.where(known, 0.5 / np.maximum(seen, 1.0), 1e9)
    gap = np.where(known, rest, 0.0)
    return Channel("volume", normal(gap, variance + 0.02), seen, np.nan_to_num(usual), present)


ROUNDS = 4
"""Rounds of medians."""


def _median(values: Floats, axis: int) -> Floats:
    empty = np.isnan(values).all(axis=axis)
    filled = np.where(np.expand_dims(empty, axis), 0.0, values)
    return np.asarray(np.nanmedian(filled, axis=axis))


def _present_days(observed: Observed) -> Floats:
    """Return the days of each period in which a rep was there, from the first touch to the last."""
    company, periods = observed.company, observed.periods
    first = company.touches.groupby("rep")["day"].agg(["min", "max"])
    begin = np.full(len(company.reps), np.inf)
    end = np.full(len(company.reps), -np.inf)
    begin[first.index] = first["min"].to_numpy() * DAY_US
    end[first.index] = (first["max"].to_numpy() + 1) * DAY_US
    # A rep who still has a quota is there up to the moment asked about, silent or not.
    now = company.quotas["end"].to_numpy() >= company.as_of
    end[company.quotas["rep"].to_numpy()[now]] = company.as_of
    low = np.maximum(periods.borders[None, :-1], begin[:, None])
    high = np.minimum(np.minimum(periods.borders[None, 1:], company.as_of), end[:, None])
    return np.maximum((high - low) / DAY_US, 0.0)


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


def first_owner(stays: Stays, count: int) -> Ints:
    """Return who owned each lead or deal first, -1 where nobody is known."""
    owner = np.full(count, -1)
    owner[stays.place[::-1]] = stays.rep[::-1]
    return owner


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
    gap = np.log(mean / np.maximum(usual, 1e-9))
    relative = float(promise.std() / promise.mean()) if len(promise) else 1.0
    variance = np.where(count > 0, relative**2 / np.maximum(count, 1), 1e9)
    return Channel("lead_mix", normal(gap, variance), np.exp(gap), count * 0 + 1, count)


def waiting_stages(company: Company, deals: Stays, params: CauseParams) -> tuple[int, ...]:
    """Return the deal stages in which a sold deal waits on others.

    They are those whose names say so, and the ones that behave so: nearly all deals that leave
    them are won, and hardly any is lost.
    """
    stages = []
    for number, name in enumerate(company.deal_stages):
        ends = deals.end[deals.stage == number]
        over = int((ends != STAYS).sum())
        if over < params.least_deals:
            continue
        lost, won = (ends == LOST).sum() / over, (ends == WON).sum() / over
        if any(word in name.lower() for word in params.waiting_words) or (
            lost <= params.waiting_loss and won >= 1 - 2 * params.waiting_loss
        ):
            stages.append(number)
    return tuple(stages)


def with_excess(channel: Channel, excess: float) -> Channel:
    """Return a channel whose evidence counts for less, where counts vary more than by chance."""
    return replace(channel, log_likelihood=channel.log_likelihood / max(excess, 1.0))
