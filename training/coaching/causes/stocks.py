"""What each rep had when the period before began, and what came since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Bools, Floats, Ints
from features.feature import DAY_US
from training.coaching.causes.funnel_rates import AGE_DAYS, BANDS, Rates, age_class, band_of
from training.coaching.causes.rows import Observed
from training.coaching.causes.stays import Stays


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
class Stocks:
    """What each rep had at the beginning of the window, and what came.

    Attributes:
        leads: by rep, stage, source, age and band.
        deals: by rep, stage and band.
        arrivals: new leads a day, by rep, period, source and band.
        taken_leads: leads taken over a day, by rep, period, stage, source, age and band.
        taken_deals: deals taken over a day, by rep, period, stage and band.
    """

    leads: Floats
    deals: Floats
    arrivals: Floats
    taken_leads: Floats
    taken_deals: Floats


def window_of(observed: Observed, rush_days: float) -> Window:
    """Lay out the days of the last period and the one before."""
    periods = observed.periods
    first = max(len(periods) - 2, 0)
    start, now, end = (int(periods.borders[k]) for k in (first, len(periods) - 1, len(periods)))
    count = max(round((end - start) / DAY_US), 1)
    at = start + np.arange(count) * DAY_US
    until = np.where(at < now, now, end)
    is_rush = (until - at) / DAY_US <= rush_days
    return Window(count, at >= now, is_rush, at < observed.company.as_of, first, start)


def stocks_of(observed: Observed, rates: Rates, window: Window) -> Stocks:
    """Count what each rep had at the window's start, and what came a day.

    A lead or deal that changes hands within the window counts for its first owner there by the
    share of its days, and for those who take it over from then on.
    """
    company, reps = observed.company, observed.shape[0]
    past = [max(int((window.is_past & (window.is_now == now)).sum()), 1) for now in (False, True)]
    per_day = 1 / np.array(past, dtype=np.float64)
    stays = _in_window(observed.leads, window)
    first, share, taken = _owners(stays)
    band = band_of(company.leads.value, rates.edges)
    shape = (len(company.lead_stages) + 1, len(company.sources), len(AGE_DAYS) + 1, BANDS)
    source = company.leads.source
    here = np.array([stays.stage + 1, source[stays.place], age_class(stays), band[stays.place]])
    is_old = company.leads.created[stays.place] < window.start
    leads = _counted((reps, *shape), [stays.rep, *here], first & is_old, share)
    which = _which(observed, stays)
    new = first & ~is_old
    arrivals = _counted(
        (reps, 2, shape[1], BANDS), [stays.rep, which, here[1], here[3]], new, share
    )
    moved = _counted((reps, 2, *shape), [stays.rep, which, *here], taken, np.ones(len(share)))
    stays = _in_window(observed.deals, window)
    first, share, taken = _owners(stays)
    size = band_of(company.deals.value, rates.edges)[stays.place]
    cell = [stays.stage + 1, size]
    deal_shape = (len(company.deal_stages) + 1, BANDS)
    is_old = company.deals.created[stays.place] < window.start
    deals = _counted((reps, *deal_shape), [stays.rep, *cell], first & is_old, share)
    which = _which(observed, stays)
    ones = np.ones(len(share))
    over = _counted((reps, 2, *deal_shape), [stays.rep, which, *cell], taken, ones)
    return Stocks(
        leads,
        deals,
        arrivals * per_day[:, None, None],
        moved * per_day[:, None, None, None, None],
        over * per_day[:, None, None],
    )


def _in_window(stays: Stays, window: Window) -> Stays:
    return stays.take((stays.period >= window.first) & (stays.rep >= 0))


def _which(observed: Observed, stays: Stays) -> Ints:
    """Return 0 for stays in the period before, 1 for those in the period asked about."""
    return (stays.period == len(observed.periods) - 1).astype(np.int64)


def _owners(stays: Stays) -> tuple[Bools, Floats, Bools]:
    """Tell which stays are the first of their lead or deal, and which the first of a later owner.

    The share is that of the first owner in all its days.
    """
    is_first = np.append(True, stays.place[1:] != stays.place[:-1])[: len(stays.place)]
    changed = np.append(False, stays.rep[1:] != stays.rep[:-1])[: len(stays.place)]
    taken = ~is_first & changed
    owners = np.cumsum(is_first | taken)
    ordinal = owners - np.maximum.accumulate(np.where(is_first, owners, 0))
    size = int(stays.place.max(initial=-1)) + 1
    total = np.bincount(stays.place, stays.days, size)
    own = np.bincount(stays.place, stays.days * (ordinal == 0), size)
    return is_first, (own / np.maximum(total, 1e-9))[stays.place], taken


def _counted(shape: tuple[int, ...], cell: Sequence[Ints], which: Bools, weights: Floats) -> Floats:
    counts = np.zeros(shape)
    np.add.at(counts, tuple(part[which] for part in cell), weights[which])
    return counts
