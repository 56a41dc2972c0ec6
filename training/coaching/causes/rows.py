"""What happened, row by row, beside what is usual for the like."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.arrays import Bools, Floats, Ints
from features.feature import DAY_US
from training.coaching.causes.company import Company, days
from training.coaching.causes.rates import expected_events, factor_within, log_odds
from training.coaching.causes.stays import AGES, LOST, MOVES, STAYS, WON, Periods, Stays
from training.coaching_params import CauseParams

LOADS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
"""Quantiles that separate classes of load."""
WEEK = 7
"""Days."""
SETTLED = 240.0
"""Days after which what a rep does counts as the own usual."""
SECOND_US = 1_000_000
DOUBT = 4.0
"""Imagined events behind each factor of a rate."""
OWN_DOUBT = 10.0
"""Imagined events behind a rep's own level."""


@dataclass(frozen=True)
class Rows:
    """Rows behind a channel.

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

    def about_own(self) -> Rows:
        """Hold each rep against the own level, so far as rows from after the ramp tell it."""
        size = int(self.rep.max(initial=-1)) + 1
        settled = ~(self.tenure < SETTLED)
        seen = np.bincount(self.rep[settled], self.seen[settled], size) + OWN_DOUBT
        usual = np.bincount(self.rep[settled], self.usual[settled], size) + OWN_DOUBT
        return replace(self, usual=self.usual * (seen / usual)[self.rep])


@dataclass(frozen=True)
class Observed:
    """A company with its stays: what channels are made of.

    Attributes:
        company: its tables.
        periods: its quota periods.
        leads: stays of leads.
        deals: stays of deals.
        waiting: numbers of the deal stages in which a sold deal waits on others.
        first: number of the stage that most leads are created in, -1 without stages.
        ripe: number of the stage from which leads convert fastest, -1 without stages.
    """

    company: Company
    periods: Periods
    leads: Stays
    deals: Stays
    waiting: tuple[int, ...]
    first: int
    ripe: int

    @classmethod
    def of(
        cls, company: Company, periods: Periods, stays: tuple[Stays, Stays], params: CauseParams
    ) -> Observed:
        """Find the stages that matter."""
        leads, deals = stays
        waiting = waiting_stages(company, deals, params)
        return cls(
            company, periods, leads, deals, waiting, _first_stage(company), _ripe_stage(leads)
        )

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
        sums = np.bincount(place, values[inside], reps * periods).reshape(reps, periods)
        return np.asarray(sums, dtype=np.float64)


def _first_stage(company: Company) -> int:
    leads, rows = company.leads, company.leads.stage
    if not len(rows):
        return -1
    first = rows.drop_duplicates("place", keep="first")
    at_creation = first["at"].to_numpy() <= leads.created[first["place"].to_numpy()] + DAY_US // 24
    counts = first["stage"][at_creation].value_counts()
    return int(counts.index[0]) if len(counts) else -1


def _ripe_stage(leads: Stays) -> int:
    count = int(leads.stage.max(initial=-1)) + 1
    known = leads.stage >= 0
    at_risk = np.bincount(leads.stage[known], leads.days[known], count)
    won = np.bincount(leads.stage[known & (leads.end == WON)], minlength=count)
    rate = np.where(won >= 10, won / np.maximum(at_risk, 1.0), 0.0)  # noqa: PLR2004 - too few to say
    return int(np.argmax(rate)) if len(rate) and rate.max() > 0 else -1


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


def of_stays(
    observed: Observed,
    stays: Stays,
    events: Bools,
    factors: list[Ints],
    offset: Floats | float = 1.0,
) -> Rows:
    """Make rows of stays; the offset is a factor of the rate that is known already."""
    seen = events.astype(np.float64)
    usual = expected_events(stays.days * offset, seen, factors, doubt=DOUBT)
    tenure = observed.tenure(stays.rep, stays.start + stays.days * (DAY_US / 2))
    return Rows(stays.rep, stays.period, tenure, seen, usual, stays.days)


def _lead_cell(observed: Observed, stays: Stays) -> Ints:
    """Class stays of leads by stage, source and age."""
    source = observed.company.leads.source
    sources = int(source.max(initial=0)) + 1
    cell = (stays.stage + 1) * sources + source[stays.place]
    return np.asarray(cell * (len(AGES) + 1) + stays.age)


def qualifying_rows(observed: Observed, *, by_territory: bool = True, by_load: bool = True) -> Rows:
    """Conversions per day, for leads of the same stage, source and age, and reps alike loaded.

    Args:
        observed: the company.
        by_territory: compare within territories; else between them.
        by_load: compare at the same load; else what load does is part of what is seen.
    """
    stays = observed.leads.take(observed.leads.rep >= 0)
    events = stays.end == WON
    alike, load = [_lead_cell(observed, stays), stays.period], np.ones(len(stays.days))
    if by_load and by_territory:
        load = _load_factor(observed, stays, events, alike)
    elif by_load:
        # A territory is of several people: whose leads pile up hardly changes what it converts.
        alike.append(load_class(observed, stays))
    if by_territory:
        alike.append(observed.company.territory[stays.rep])
    return of_stays(observed, stays, events, alike, load)


def _load_factor(observed: Observed, stays: Stays, events: Bools, alike: list[Ints]) -> Floats:
    """Return what the load of its rep does to each stay, learned within each rep.

    The leads of who converts few pile up, so that many leads beside few conversions may be the
    rep's doing. Who is getting going has few leads and converts few: the ramp, not the load.
    """
    load = load_class(observed, stays)
    settled = ~(observed.tenure(stays.rep, stays.start) < SETTLED)
    factors = [classes[settled] for classes in (load, *alike, stays.rep)]
    seen = events[settled].astype(np.float64)
    factor = factor_within(stays.days[settled], seen, factors, doubt=DOUBT)
    return np.append(factor, np.ones(len(LOADS) + 1 - len(factor)))[load]


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


def first_touch_rows(observed: Observed) -> Rows:
    """First moves per day of leads in the stage that they are created in."""
    every = observed.leads
    stays = every.take((every.rep >= 0) & (every.stage == observed.first) & (observed.first >= 0))
    moved = (stays.end == MOVES) | (stays.end == WON)
    factors = [_lead_cell(observed, stays), stays.period, stays.is_rush.astype(np.int64)]
    return of_stays(observed, stays, moved, factors)


def later_move_rows(observed: Observed, *, by_load: bool = True) -> Rows:
    """Moves per day of leads between the stages after the first."""
    every = observed.leads
    stays = every.take((every.rep >= 0) & (every.stage != observed.first) & (every.stage >= 0))
    factors = [_lead_cell(observed, stays), stays.period]
    if by_load:
        factors.append(load_class(observed, stays))
    return of_stays(observed, stays, stays.end == MOVES, factors)


def ripening_rows(observed: Observed) -> Rows:
    """Of leads that move on after the first touch, those that come to the ripest stage."""
    every = observed.leads
    moves = (every.rep >= 0) & (every.end == MOVES) & (every.stage >= 0)
    # A move from the first stage to the second says that somebody tried, and no more.
    second = _usual_next(observed)
    stays = every.take(moves & (every.after != second) & (every.stage != observed.ripe))
    ripe = (stays.after == observed.ripe).astype(np.float64)
    if not len(ripe) or observed.ripe < 0:
        nothing = np.zeros(0)
        none = np.zeros(0, dtype=np.int64)
        return Rows(none, none, nothing, nothing, nothing, nothing)
    source = observed.company.leads.source[stays.place]
    columns = [np.ones(len(ripe))]
    for classes in (stays.stage, source, stays.age, stays.period):
        columns += [classes == k for k in np.unique(classes)]
    usual = log_odds(ripe, np.stack(columns, axis=1).astype(np.float64))
    tenure = observed.tenure(stays.rep, stays.start)
    return Rows(stays.rep, stays.period, tenure, ripe, usual, stays.days)


def _usual_next(observed: Observed) -> int:
    every = observed.leads
    after = every.after[(every.stage == observed.first) & (every.after >= 0)]
    return int(np.bincount(after).argmax()) if len(after) else -1


def advance_rows(observed: Observed) -> Rows:
    """Deals that go on, per day, from the stages before those."""
    every = observed.deals
    stays = every.take((every.rep >= 0) & ~np.isin(every.stage, observed.waiting))
    on = (stays.end == WON) | (stays.end == MOVES)
    cell = (stays.stage + 1) * 2 + stays.is_rush
    return of_stays(observed, stays, on, [cell, stays.period, stays.age])


def closing_rows(observed: Observed) -> Rows:
    """Of deals that leave a stage before those, the ones that go on, not lost.

    Alike are deals of the same stage, amount and age, whose expected end was moved as often and is
    as near, at the same time of the period.
    """
    every = observed.deals
    stays = every.take(
        (every.rep >= 0) & ~np.isin(every.stage, observed.waiting) & (every.end != STAYS)
    )
    won = (stays.end != LOST).astype(np.float64)
    if not len(won):
        return Rows(stays.rep, stays.period, won, won, won, won)
    amount = observed.company.deals.value[stays.place]
    known = np.isfinite(amount) & (amount > 0)
    size = np.where(known, np.log(np.where(known, amount, 1.0)), 0.0)
    size = np.where(known, size - (size[known].mean() if known.any() else 0.0), 0.0)
    rush = stays.is_rush.astype(np.float64)
    age = np.log1p(days(stays.start - observed.company.deals.created[stays.place]))
    pushes, near = _dates(observed, stays)
    columns = [np.ones(len(won)), size, size * rush, ~known, age - age.mean()]
    columns += [pushes, near, near * rush, pushes * rush, (near > 0) & (pushes > 0)]
    for classes in ((stays.stage + 1) * 2 + stays.is_rush, stays.period):
        columns += [classes == k for k in np.unique(classes)]
    usual = log_odds(won, np.stack(columns, axis=1).astype(np.float64))
    tenure = observed.tenure(stays.rep, stays.start)
    return Rows(stays.rep, stays.period, tenure, won, usual, stays.days)


def _dates(observed: Observed, stays: Stays) -> tuple[Floats, Floats]:
    """Return how often each deal's expected end was moved so far, up to 3, and whether it is near.

    Near is within half a period of the end of the stay.
    """
    due = observed.company.deals.due
    if not len(due):
        return np.zeros(len(stays.days)), np.zeros(len(stays.days))
    span = 2**33
    key = due["place"].to_numpy() * span + due["at"].to_numpy() // SECOND_US
    end = stays.start + (stays.days * DAY_US).astype(np.int64)
    asked = stays.place * span + end // SECOND_US
    last = np.searchsorted(key, asked, side="left") - 1
    first = np.searchsorted(key, stays.place * span, side="left")
    has = last >= first
    pushes = np.where(has, np.minimum(last - first, 3), 0).astype(np.float64)
    half = np.diff(observed.periods.borders).mean() / 2
    near = has & (due["due"].to_numpy()[np.maximum(last, 0)] - end <= half)
    return pushes, near.astype(np.float64)


def touch_rows(observed: Observed) -> Rows:
    """Count what each rep did in each week beside the own usual week."""
    touches = observed.company.touches
    frame = touches.assign(week=touches["day"] // WEEK)
    frame = frame.groupby(["rep", "week"])[["count"]].sum().reset_index()
    at = (frame["week"].to_numpy() * WEEK + WEEK / 2) * DAY_US
    # Touches of one week come together: a tenth of them count as evidence.
    seen = frame["count"].to_numpy(dtype=np.float64) / 10
    rep = frame["rep"].to_numpy()
    tenure = observed.tenure(rep, at)
    old = ~(tenure < SETTLED)
    own = expected_events(np.ones(int(old.sum())), seen[old], [rep[old]], doubt=0.5)
    usual = np.zeros(observed.shape[0])
    usual[rep[old]] = own
    known = usual[rep] > 0
    week = np.full(int(known.sum()), float(WEEK))
    period = observed.periods.of(at)[known]
    return Rows(rep[known], period, tenure[known], seen[known], usual[rep][known], week)
