"""How leads become revenue, day by day, with effects switched on and off.

A deterministic flow (a compartment model) with the company's own rates: leads by stage, source,
age and value, deals by stage and size. It is run for each rep from the beginning of the period
before the one asked about, since deals take a while: a cause at work last period still costs now.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from features.arrays import Bools, Floats, Ints
from features.feature import DAY_US
from training.coaching.causes.channels import Observed, first_owner, first_stage
from training.coaching.causes.company import Entities
from training.coaching.causes.stays import AGES, LOST, MOVES, STAYS, WON, Stays

AGE_DAYS = (30.0, 90.0)
"""Days since creation that separate fresh, warm and old leads."""
BANDS = 4
"""Bands of value."""


@dataclass(frozen=True)
class Rates:
    """Daily rates of the company.

    Attributes:
        convert: of leads, by stage, source and age.
        lose: the same.
        move: by stage, next stage, source and age.
        leave: of deals, by stage, band and whether it is the period's last days: to leave.
        keep: the share that goes on of those that leave.
        next: by stage, the share of those that go on by their next stage; the last is "won".
        amount: mean amount won, by band.
        first: the stage that leads are created in.
        deal_first: the share of new deals by stage.
        edges: values that separate bands.
        waiting: whether a deal stage is one in which a sold deal waits.
    """

    convert: Floats
    lose: Floats
    move: Floats
    leave: Floats
    keep: Floats
    next: Floats
    amount: Floats
    first: int
    deal_first: Floats
    edges: Floats
    waiting: Bools


@dataclass(frozen=True)
class Window:
    """The period asked about and the one before it.

    Attributes:
        days: of the two together.
        is_now: of each day, whether it lies in the period asked about.
        is_rush: of each day, whether it is one of the last of its period.
        is_past: of each day, whether it lies before the moment asked about.
        first: number of the earlier period.
        start: in microseconds.
    """

    days: int
    is_now: Bools
    is_rush: Bools
    is_past: Bools
    first: int
    start: int


@dataclass(frozen=True)
class Effects:
    """What is at work in scenarios: by scenario and period (the one before, the one asked about).

    Attributes:
        rep: of each scenario.
        qualifying: log factor of conversions.
        work: log factor of every move of leads between stages.
        follow_up: log factor of the first move.
        closing: log factor of the odds that a deal goes on.
        waiting: log factor of leaving the stages in which sold deals wait.
        amount: log factor of the amounts of deals opened then.
        arrivals: factor of new leads, by scenario, period and source.
    """

    rep: Ints
    qualifying: Floats
    work: Floats
    follow_up: Floats
    closing: Floats
    waiting: Floats
    amount: Floats
    arrivals: Floats


@dataclass(frozen=True)
class Stocks:
    """What each rep had at the beginning of the window, and what came.

    Attributes:
        leads: by rep, stage, source, age and band.
        deals: by rep, stage and band.
        arrivals: new leads a day, by rep, period, source and band.
    """

    leads: Floats
    deals: Floats
    arrivals: Floats


def window_of(observed: Observed, rush_days: float) -> Window:
    """Lay out the days of the last period and the one before."""
    periods = observed.periods
    first = max(len(periods) - 2, 0)
    start, now, end = (int(periods.borders[k]) for k in (first, len(periods) - 1, len(periods)))
    count = max(int(round((end - start) / DAY_US)), 1)
    at = start + np.arange(count) * DAY_US
    until = np.where(at < now, now, end)
    is_rush = (until - at) / DAY_US <= rush_days
    return Window(count, at >= now, is_rush, at < observed.company.as_of, first, start)


def rates_of(observed: Observed) -> Rates:
    """Learn the company's daily rates from all stays."""
    company, leads, deals = observed.company, observed.leads, observed.deals
    stages, sources = len(company.lead_stages) + 1, len(company.sources)
    value = company.leads.value[np.isfinite(company.leads.value)]
    amounts = company.deals.value[np.isfinite(company.deals.value)]
    pool = value if len(value) >= BANDS else amounts
    edges = np.quantile(pool, np.arange(1, BANDS) / BANDS) if len(pool) else np.zeros(BANDS - 1)
    age = _age(leads)
    shape = (stages, sources, len(AGE_DAYS) + 1)
    cell = np.ravel_multi_index((leads.stage + 1, company.leads.source[leads.place], age), shape)
    at_risk = np.bincount(cell, leads.days, np.prod(shape)).reshape(shape)

    def per_day(events: Bools) -> Floats:
        counts = np.bincount(cell, events, np.prod(shape)).reshape(shape)
        # Cells that are hardly met borrow the rate of their stage.
        stage = counts.sum(axis=(1, 2), keepdims=True) / np.maximum(
            at_risk.sum(axis=(1, 2), keepdims=True), 1.0
        )
        return np.asarray((counts + 50 * stage) / (at_risk + 50))

    move = np.zeros((stages, stages, *shape[1:]))
    for after in range(stages):
        move[:, after] = per_day((leads.end == MOVES) & (leads.after + 1 == after))
    first = first_stage(observed) + 1
    return Rates(
        per_day(leads.end == WON),
        per_day(leads.end == LOST),
        move,
        *_deal_rates(observed, edges),
        first=first,
        deal_first=_first_deal_stage(company.deals, len(company.deal_stages) + 1),
        edges=edges,
        waiting=np.isin(np.arange(len(company.deal_stages) + 1) - 1, observed.waiting),
    )


def _deal_rates(observed: Observed, edges: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    company, deals = observed.company, observed.deals
    stages = len(company.deal_stages) + 1
    band = band_of(company.deals.value, edges)[deals.place]
    shape = (stages, BANDS, 2)
    cell = np.ravel_multi_index((deals.stage + 1, band, deals.is_rush.astype(np.int64)), shape)
    size = int(np.prod(shape))
    at_risk = np.bincount(cell, deals.days, size).reshape(shape)
    left = np.bincount(cell, deals.end != STAYS, size).reshape(shape)
    lost = np.bincount(cell, deals.end == LOST, size).reshape(shape)
    usual = left.sum(axis=1, keepdims=True) / np.maximum(at_risk.sum(axis=1, keepdims=True), 1.0)
    leave = (left + 30 * usual) / (at_risk + 30)
    gone = lost.sum(axis=1, keepdims=True) / np.maximum(left.sum(axis=1, keepdims=True), 1.0)
    keep = 1 - (lost + 5 * gone) / (left + 5)
    onward = np.zeros((stages, stages + 1))
    moved = deals.end == MOVES
    np.add.at(onward, (deals.stage[moved] + 1, deals.after[moved] + 1), 1.0)
    won = deals.end == WON
    np.add.at(onward, (deals.stage[won] + 1, np.full(int(won.sum()), stages)), 1.0)
    total = onward.sum(axis=1, keepdims=True)
    onward = np.where(total > 0, onward / np.maximum(total, 1), 0.0)
    is_won = company.deals.is_won & (company.deals.ended < company.as_of)
    money = np.nan_to_num(company.deals.value)
    every = band_of(company.deals.value, edges)
    amount = np.bincount(every[is_won], money[is_won], BANDS) / np.maximum(
        np.bincount(every[is_won], minlength=BANDS), 1
    )
    return leave, np.clip(keep, 0.01, 0.99), onward, amount


def _first_deal_stage(deals: Entities, stages: int) -> Floats:
    first = deals.stage.drop_duplicates("place", keep="first")
    counts = np.bincount(first["stage"] + 1, minlength=stages).astype(np.float64)
    if counts.sum() == 0:
        counts[0] = 1.0
    counts[counts < 0.05 * counts.sum()] = 0.0  # noqa: PLR2004 - deals that were there before the log
    return np.asarray(counts / counts.sum())


def band_of(value: Floats, edges: Floats) -> Ints:
    """Return the band of each value; unknown ones are in the second."""
    return np.where(np.isfinite(value), np.searchsorted(edges, value, side="right"), 1)


def _age(stays: Stays) -> Ints:
    """Turn the fine classes of age into fresh, warm and old."""
    fine = np.searchsorted(AGE_DAYS, (0.0, *AGES), side="right")
    return np.asarray(fine[stays.age])


def stocks_of(observed: Observed, rates: Rates, window: Window) -> Stocks:
    """Count what each rep had at the window's start, and what came a day."""
    company = observed.company
    reps, count = observed.shape[0], len(company.lead_stages) + 1
    shape = (reps, count, len(company.sources), len(AGE_DAYS) + 1, BANDS)
    band = band_of(company.leads.value, rates.edges)
    stays = observed.leads
    at_start = (stays.start <= window.start) & (stays.start + stays.days * DAY_US > window.start)
    at_start &= stays.rep >= 0
    s = stays.take(at_start)
    leads = np.zeros(shape)
    place = (s.rep, s.stage + 1, company.leads.source[s.place], _age(s), band[s.place])
    np.add.at(leads, place, 1.0)
    stays = observed.deals
    at_start = (stays.start <= window.start) & (stays.start + stays.days * DAY_US > window.start)
    s = stays.take(at_start & (stays.rep >= 0))
    deals = np.zeros((reps, len(company.deal_stages) + 1, BANDS))
    np.add.at(deals, (s.rep, s.stage + 1, band_of(company.deals.value, rates.edges)[s.place]), 1.0)
    return Stocks(leads, deals, _arrivals(observed, window, band))


def _arrivals(observed: Observed, window: Window, band: Ints) -> Floats:
    """Count new leads, and leads handed over, a day and period of the window."""
    company, stays = observed.company, observed.leads
    rep = first_owner(stays, len(band))
    period = observed.periods.of(company.leads.created) - window.first
    keep = (rep >= 0) & (period >= 0) & (period <= 1)
    arrivals = np.zeros((observed.shape[0], 2, len(company.sources), BANDS))
    place = (rep[keep], period[keep], company.leads.source[keep], band[keep])
    np.add.at(arrivals, place, 1.0)
    offset = 1 if window.is_now.all() else 0
    if offset:
        arrivals = arrivals[:, ::-1]
    past = [max(int((window.is_past & (window.is_now == now)).sum()), 1) for now in (False, True)]
    return arrivals / np.array(past, dtype=np.float64)[None, :, None, None]


def revenue(
    rates: Rates, window: Window, stocks: Stocks, effects: Effects
) -> tuple[Floats, Floats]:
    """Run the flow.

    Returns:
        Of each scenario, the revenue of the period asked about, and of all days of the window
        that lie before the moment asked about.
    """
    rep = effects.rep
    leads, old = stocks.leads[rep], stocks.deals[rep]
    new = np.zeros_like(old)
    log_amount = np.log(np.maximum(rates.amount, 1.0))
    total, so_far = np.zeros(len(rep)), np.zeros(len(rep))
    aging = np.array([1 / AGE_DAYS[0], 1 / (AGE_DAYS[1] - AGE_DAYS[0]), 0.0])
    made = [_daily(rates, effects, now, log_amount) for now in (0, 1)]
    for day in range(window.days):
        now, rush = int(window.is_now[day]), int(window.is_rush[day])
        flow = made[now]
        out = leads * flow.out
        converted = leads * flow.convert
        moved = np.einsum("bskav,bstka->btkav", leads, flow.move)
        leads = leads - out + moved
        older = leads * aging[None, None, None, :, None]
        leads = leads - older
        leads[:, :, :, 1:] += older[:, :, :, :-1]
        leads[:, rates.first, :, 0] += flow.arrivals(stocks, rep, now)
        opened = converted.sum(axis=(1, 2, 3))
        money = np.zeros(len(rep))
        for which, deals in (("old", old), ("new", new)):
            leave, keep = flow.deals[which][rush]
            gone = deals * leave
            on = gone * keep
            won = np.einsum("bsv,s->bv", on, rates.next[:, -1])
            factor = flow.amount if which == "new" else np.ones(len(rep))
            money += (won @ rates.amount) * factor
            deals -= gone
            deals += np.einsum("bsv,st->btv", on, rates.next[:, :-1])
        if flow.is_marked.any():
            new += (opened * flow.is_marked[:, None])[:, None, :] * rates.deal_first[None, :, None]
        old += (opened * ~flow.is_marked[:, None])[:, None, :] * rates.deal_first[None, :, None]
        total += money * now
        so_far += money * window.is_past[day]
    return total, so_far


@dataclass(frozen=True)
class _Flow:
    convert: Floats
    out: Floats
    move: Floats
    deals: dict[str, list[tuple[Floats, Floats]]]
    amount: Floats
    is_marked: Bools
    factor: Floats

    def arrivals(self, stocks: Stocks, rep: Ints, now: int) -> Floats:
        return np.asarray(stocks.arrivals[rep, now] * self.factor[:, :, None])


def _daily(rates: Rates, effects: Effects, now: int, log_amount: Floats) -> _Flow:
    """Return the chances of a day in one of the two periods, by scenario."""
    count = len(effects.rep)
    wide = (slice(None), None, None, None)
    convert = rates.convert[None] * np.exp(effects.qualifying[:, now])[wide]
    work = np.broadcast_to(effects.work[:, now, None], (count, len(rates.convert))).copy()
    work[:, rates.first] += effects.follow_up[:, now]
    move = rates.move[None] * np.exp(work)[:, :, None, None, None]
    out = convert + rates.lose[None] + move.sum(axis=2)
    # Rates become chances of a day: all ways out share what leaves.
    share = -np.expm1(-out) / np.maximum(out, 1e-12)
    convert, move = convert * share, move * share[:, :, None]
    out = out * share
    deals = {}
    shift = effects.amount[:, now]
    for which in ("old", "new"):
        moved = shift if which == "new" else np.zeros(count)
        deals[which] = [
            _deal_chances(rates, effects, now, rush, moved, log_amount) for rush in (0, 1)
        ]
    return _Flow(
        convert[..., None],
        out[..., None],
        move,
        deals,
        np.exp(shift),
        shift != 0,
        effects.arrivals[:, now],
    )


def _deal_chances(
    rates: Rates, effects: Effects, now: int, rush: int, shift: Floats, log_amount: Floats
) -> tuple[Floats, Floats]:
    """Return the chance to leave and the share that goes on, by scenario, stage and band."""
    leave = rates.leave[None, :, :, rush]
    odds = logit(rates.keep[None, :, :, rush])
    if shift.any():
        # Smaller deals leave and pass stages as smaller deals do.
        at = log_amount[None, :] + shift[:, None]
        slopes = [
            ((x - x.mean(axis=-1, keepdims=True)) * (log_amount - log_amount.mean())).sum(axis=-1)
            / max(float(((log_amount - log_amount.mean()) ** 2).sum()), 1e-9)
            for x in (np.log(np.maximum(leave, 1e-9)), odds)
        ]
        gap = (at - log_amount[None, :])[:, None, :]
        leave = leave * np.exp(slopes[0][:, :, None] * gap)
        odds = odds + slopes[1][:, :, None] * gap
    waits = rates.waiting[None, :, None]
    rate = leave * np.exp(np.where(waits, effects.waiting[:, now, None, None], 0.0))
    odds = odds + np.where(waits, 0.0, effects.closing[:, now, None, None])
    return -np.expm1(-rate), expit(odds)
