"""What comes to a company from outside: the market, people who leave and join, and new leads."""

from __future__ import annotations

import numpy as np

from features.simulation.day import Exogenous, Rules, Streams
from features.simulation.rows import Array, Rows
from features.simulation.state import CAUSES, State, potentials, skills

OUTBOUND = 0
SEASON = (0.97, 1.0, 1.05, 1.02, 1.03, 1.02, 0.92, 0.85, 1.06, 1.08, 1.05, 0.95)
"""Factor of new leads by calendar month."""
WORKDAYS, WEEKENDS = 1.25, 0.375
"""Factor of new leads by kind of day."""
MARKET_PERSISTENCE = 0.85
"""Share of a market's state that is left after a quarter."""
ARRIVALS_BY_POTENTIAL, VALUE_BY_POTENTIAL = 0.4, 0.35
"""How fast a territory's new leads, and their values, grow with its potential: the exponents."""
COPY = 2**32
"""Added to a lead's number for a further coming of it; above every number of a history."""
DIVERTED = 0.65
"""Share of a rep's leads that turn outbound where `lead_mix` is the planted cause."""


def open_quarter(rules: Rules, state: State, streams: Streams, exogenous: Exogenous | None) -> None:
    """Let the market move, and planted causes begin and end.

    The market's log factor is an autoregressive process of order 1. A cause begins with the chance
    `planted` at a seat that has none, and lasts one to three quarters.
    """
    if exogenous is not None:
        state.market = np.full(state.worlds, exogenous.market[state.day])
        return
    step = streams.market.normal(0, rules.settings.drift, state.worlds)
    state.market = MARKET_PERSISTENCE * state.market + step
    seats, quarter = state.seats, int(rules.calendar.quarter[state.day])
    count = len(seats)
    seats["cause"] = np.where(seats["cause_end"] <= quarter, 0, seats["cause"]).astype(np.int8)
    begins = streams.staff.random(count) < rules.settings.planted
    which = streams.staff.integers(1, len(CAUSES), count)
    long = streams.staff.integers(1, 4, count)
    begins &= (seats["cause"] == 0) & (seats["vacant"] < 0)
    seats["cause"] = np.where(begins, which, seats["cause"]).astype(np.int8)
    seats["cause_end"] = np.where(begins, quarter + long, seats["cause_end"])


def staff(
    rules: Rules, state: State, streams: Streams, exogenous: Exogenous | None
) -> list[tuple[int, int]]:
    """Let people leave and join; their leads and deals change hands, and a few others do.

    Returns:
        Seat and person of those who left.
    """
    seats, settings = state.seats, rules.settings
    before = seats["person"].copy(), seats["vacant"].copy()
    if exogenous is not None:
        state.seats = seats = exogenous.seats[state.day].tiled(state.worlds)
        gone = (seats["vacant"] >= 0) & (before[1] < 0)
    else:
        daily = 1 - (1 - settings.leave_yearly) ** (1 / 365)
        gone = (streams.staff.random(len(seats)) < daily) & (seats["vacant"] < 0)
        fill = (seats["vacant"] >= 0) & (seats["vacant"] <= state.day)
        if gone.any():
            seats["vacant"] = np.where(gone, state.day + settings.vacancy_days, seats["vacant"])
            seats["cause"] = np.where(gone, 0, seats["cause"]).astype(np.int8)
        if fill.any():
            _join(rules, state, np.flatnonzero(fill), streams.staff)
    left = [(int(seat), int(before[0][seat])) for seat in np.flatnonzero(gone)]
    _change_hands(rules, state, streams, gone)
    return left


def _join(rules: Rules, state: State, places: Array, draws: np.random.Generator) -> None:
    seats, count = state.seats, len(places)
    for name, values in skills(rules.settings, draws, count).items():
        seats[name] = seats[name].copy()
        seats[name][places] = values
    for name in ("person", "hired", "vacant"):
        seats[name] = seats[name].copy()
    seats["person"][places] = state.next_id["person"] + np.arange(count)
    state.next_id["person"] += count
    seats["hired"][places] = state.day
    seats["vacant"][places] = -1


def _change_hands(rules: Rules, state: State, streams: Streams, gone: Array) -> None:
    for rows, uniforms, daily in (
        (state.leads, streams.leads, rules.settings.moves),
        (state.deals, streams.deals, rules.settings.moves / 3),
    ):
        moves = uniforms.all(rows) < daily
        if gone.any():
            moves |= gone[rows["seat"]]
        places = np.flatnonzero(moves & rows["open"])
        picks = uniforms.some(rows.take(places))
        if len(places):
            seat = rows["seat"]
            territory = _territory_ids(rules, state, seat[places])
            seat[places] = _pick_seats(rules, state, territory, picks)


def _territory_ids(rules: Rules, state: State, seat: Array) -> Array:
    """Return numbers of seats' territories that differ between worlds."""
    world = seat // state.seats_each
    return np.asarray(world * rules.settings.territories + state.seats["territory"][seat])


def _pick_seats(rules: Rules, state: State, territory: Array, picks: Array) -> Array:
    """Pick a filled seat for each of some territories, or any seat of one that has none filled.

    `seats` lists the usable seats by territory, `first` where each territory's begin and `size`
    how many there are, so that one number and one look-up serve any number of picks:

        territory          0        1            2
        seats (filled)     4, 7     1, 3, 5      none
        seats (usable)     4, 7     1, 3, 5      2, 6
        first, size        0, 2     2, 3         5, 2
    """
    everyone = _territory_ids(rules, state, np.arange(len(state.seats)))
    filled = state.seats["vacant"] < 0
    count = np.bincount(everyone, minlength=state.worlds * rules.settings.territories)
    active = np.bincount(everyone[filled], minlength=len(count))
    usable = filled | (active[everyone] == 0)
    seats = np.flatnonzero(usable)
    seats = seats[np.argsort(everyone[seats], kind="stable")]
    size = np.bincount(everyone[seats], minlength=len(count))
    first = np.cumsum(size) - size
    within = (picks * size[territory]).astype(np.int64)
    return seats[first[territory] + within]


def arrive(
    rules: Rules, state: State, streams: Streams, exogenous: Exogenous | None
) -> Rows | None:
    """Add the day's new leads, each at a rep of its territory.

    Returns:
        Source and interest the new leads would have without `lead_mix`; None in a replay.
    """
    if exogenous is None:
        rows, straight = _new_leads(rules, state, streams.arrivals)
        state.leads = state.leads.appended(rows)
        return straight
    actual = exogenous.arrivals[state.day]
    if rules.counterfactual.untroubled:
        actual = Rows({**actual.columns, **exogenous.straight[state.day].columns})
    rows = actual.tiled(state.worlds)
    first_seats = np.arange(state.worlds) * state.seats_each
    rows["seat"] = rows["seat"] + np.repeat(first_seats, len(actual))
    if rules.counterfactual.level:
        rows = _levelled(rules, state, rows, streams.arrivals)
    state.leads = state.leads.appended(rows)
    return None


def _levelled(rules: Rules, state: State, rows: Rows, draws: np.random.Generator) -> Rows:
    """Return the leads that would have come to territories of equal potential.

    A lead of a territory of potential p comes p**-0.4 times on average, with its value divided by
    p**0.35: what `_how_many` and `_new_leads` make of the potential, taken back. A second coming
    is a lead of its own.

        p = 0.5, rate 1.32    comes once, and in 32 of 100 worlds twice
        p = 1                 comes once
        p = 1.8, rate 0.79    comes in 79 of 100 worlds
    """
    potential = potentials(rules.settings)[state.seats["territory"][rows["seat"]]]
    rate = potential**-ARRIVALS_BY_POTENTIAL
    times = np.floor(rate + draws.random(len(rows))).astype(np.int64)
    places = np.repeat(np.arange(len(rows)), times)
    which = np.arange(len(places)) - np.repeat(np.cumsum(times) - times, times)
    copies = rows.take(places)
    copies["id"] = copies["id"] + which * COPY
    copies["value"] = copies["value"] * potential[places] ** -VALUE_BY_POTENTIAL
    return copies


def _new_leads(rules: Rules, state: State, draws: np.random.Generator) -> tuple[Rows, Rows]:
    """Draw a day's new leads, and their source and interest without `lead_mix`."""
    settings = rules.settings
    territory = np.repeat(*_how_many(rules, state, draws))
    count = len(territory)
    seat = _pick_seats(rules, state, territory, draws.random(count))
    market = state.market[seat // state.seats_each]
    shares = np.cumsum(settings.source_share)
    source = np.searchsorted(shares / shares[-1], draws.random(count), side="right")
    source = np.minimum(source, len(shares) - 1)
    diverted = rules.has_cause(state, "lead_mix")[seat] & (draws.random(count) < DIVERTED)
    sources = np.where(diverted, OUTBOUND, source), source
    potential = rules.potential[territory % settings.territories]
    value = settings.deal_value * potential**VALUE_BY_POTENTIAL
    value = value * np.exp(draws.normal(0, settings.value_spread, count))
    fit = draws.normal(0, settings.fit_spread, count)
    luck = np.exp(draws.normal(0, settings.interest_spread, count))
    warmth = (np.asarray(settings.source_interest)[s] * np.exp(0.3 * market) for s in sources)
    actual, straight = (
        Rows({"source": s.astype(np.int8), "interest": w * luck})
        for s, w in zip(sources, warmth, strict=True)
    )
    first = state.next_id["lead"]
    state.next_id["lead"] += count
    rows = Rows(
        {
            "id": first + np.arange(count),
            "seat": seat,
            "created": np.full(count, state.day),
            **actual.columns,
            "value": value,
            "fit": fit,
            "stage": np.zeros(count, dtype=np.int8),
            "touches": np.zeros(count, dtype=np.int16),
            "last_touch": np.full(count, state.day - 30),
            "open": np.ones(count, dtype=np.bool_),
        }
    )
    return rows, straight


def _how_many(rules: Rules, state: State, draws: np.random.Generator) -> tuple[Array, Array]:
    """Return the territories of all worlds, and draw how many leads come to each."""
    settings = rules.settings
    month = rules.calendar.date(state.day).month
    midweek = rules.calendar.workday[state.day] or rules.calendar.holiday[state.day]
    season = SEASON[month - 1] * (WORKDAYS if midweek else WEEKENDS) * rules.pace(state.day)
    home = state.seats["territory"][: state.seats_each]
    seats = np.bincount(home, minlength=settings.territories)
    rate = settings.leads_per_month / 30.4 * seats * rules.potential**ARRIVALS_BY_POTENTIAL * season
    rates = np.exp(0.5 * state.market)[:, None] * rate[None, :]
    return np.arange(rates.size), draws.poisson(rates.ravel())
