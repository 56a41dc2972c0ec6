"""A day of deals: the next stage, a later date, won, or lost.

As with leads, a number is drawn for every deal, and chances are computed where they matter.
"""

from __future__ import annotations

import numpy as np

from features.simulation.day import SHOCK, Day, Luck, Rules, mask_of
from features.simulation.lead_work import SLACK, cycle_length
from features.simulation.rows import Array, Rows
from features.simulation.state import State

DISCOVERY, PROPOSAL, NEGOTIATION, LEGAL = range(4)
RUSH_DAYS = 6
"""Working days at a quarter's end in which reps pull deals in and clear out stale ones."""
SLOW_LEGAL = 5.0
"""Factor of the legal stage's length where `internal_delay` is the planted cause."""
LEGAL_LOSS_RATE = 0.006
"""Daily rate at which a deal is lost in the legal stage."""
LEAST_AMOUNT = 500.0
"""Smallest amount in money that the formulas use."""
REBATE = 0.92
"""Factor of an amount that is won in the rush."""
FLAT_PASS = 0.65
"""Chance to pass a stage where there is no signal."""


def attention(state: State) -> Array:
    """Return how much attention each deal needs; the longer untouched, the more."""
    due = np.clip((state.day - state.deals["last_touch"]) / 4.0, 0.1, 1.5)
    return 3.0 * due * state.deals["open"]


def work_deals(
    rules: Rules,
    state: State,
    uniforms: Luck,
    now: dict[str, Array],
    touched: Array,
    day: Day,
) -> None:
    """Let every open deal advance, be won, be lost, or stay; overdue ones get a later date.

    As with leads, one number u decides, with a the chance to advance and l that to be lost:

        u < a, not yet legal    next stage; on leaving the proposal also another amount
        u < a, legal            won, in the quarter's last days with a rebate
        a <= u < a + l          lost
        a + l <= u              stays; a date that has come is moved 10 to 44 days ahead

    Args:
        rules: what the day is played with.
        state: its deals are changed.
        uniforms: the stream of deals.
        now: each seat's skills as they work today.
        touched: places of the deals that are worked on.
        day: takes what happens.
    """
    deals, count = state.deals, len(state.deals)
    deals["last_touch"][touched] = state.day
    u, haggling = uniforms.all(deals), uniforms.normal(deals, -0.03, 0.1)
    rushing = bool(rules.calendar.workdays_left[state.day] <= RUSH_DAYS)
    maybe = u < _upper_bound(rules, deals, state.day, rushing=rushing)
    if day.with_chances:
        maybe |= deals["stage"] == LEGAL
    places = np.flatnonzero(maybe & deals["open"])
    some = deals.take(places)
    ahead, gone = _chances(rules, state, some, now, rushing=rushing)
    u, is_legal = u[places], some["stage"] == LEGAL
    if day.with_chances:
        rebate = REBATE if rushing else 1.0
        day.wins, day.revenue = np.zeros(count), np.zeros(count)
        day.wins[places] = ahead * is_legal
        day.revenue[places] = ahead * is_legal * some["amount"] * rebate
    advanced = u < ahead
    lost = places[~advanced & (u < ahead + gone)]
    won, moved = places[advanced & is_legal], places[advanced & ~is_legal]
    haggled = moved[deals["stage"][moved] == PROPOSAL]
    deals["stage"][moved] += 1
    _reprice(deals, haggled, np.exp(haggling[haggled]))
    if rushing:
        _reprice(deals, won, REBATE)
    deals["open"][won] = False
    deals["open"][lost] = False
    late = np.flatnonzero(deals["open"] & (deals["due"] <= state.day))
    deals["due"][late] = state.day + 10 + (uniforms.at(late, deals) * 35).astype(np.int64)
    deals["pushes"][late] = np.minimum(deals["pushes"][late] + 1, 9)
    day.deals = deals
    day.masks |= {
        "deal_touched": mask_of(count, touched),
        "deal_staged": mask_of(count, moved),
        "priced": mask_of(count, np.append(haggled, won) if rushing else haggled),
        "pushed": mask_of(count, late),
        "won": mask_of(count, won),
        "deal_lost": mask_of(count, lost),
    }


def _reprice(deals: Rows, places: Array, factor: Array | float) -> None:
    """Change amounts; they stay multiples of 50 in money, 5,000 in cents."""
    priced = np.rint(deals["amount"][places] * factor / 5_000).astype(np.int64)
    deals["amount"][places] = priced * 5_000


def _exit_rate(rules: Rules, amount: Array, day: int) -> Array:
    """Return the daily rate at which a deal leaves a stage, to the next one or lost.

    Three stages lie before the legal one; together they take the usual cycle less the legal wait.
    """
    settings = rules.settings
    workdays = np.maximum(cycle_length(rules, amount) * 5 / 7 - settings.legal_days, 6.0)
    return 3 / workdays * (SHOCK["pace"] if rules.is_shocked(day) else 1.0)


def _chances(
    rules: Rules, state: State, deals: Rows, now: dict[str, Array], *, rushing: bool
) -> tuple[Array, Array]:
    """Return the chances to advance and to be lost today.

    A deal passes each of three stages with the cube root of its chance to be won, so that it
    passes all three with that chance. Then, in this order:

        untouched for over 9 days    advances at 0.55 of the rate
        legal stage                  advances by `legal_days` alone, is lost at a fixed rate
        quarter's last days          from negotiation on, advances about `end_rush` times as fast,
                                     small deals more; before the legal stage, stale deals are
                                     lost `end_clearing` times as fast
    """
    settings = rules.settings
    seat, stage = deals["seat"], deals["stage"]
    amount = np.maximum(deals["amount"] / 100, LEAST_AMOUNT)
    market = 0.5 * state.market + rules.shock(state.day, "win")
    odds = np.log(settings.win_rate / (1 - settings.win_rate)) + deals["quality"]
    odds = odds - settings.win_by_size * np.log(amount / 25_000) + np.log(now["closing"][seat])
    odds = odds + np.repeat(market, state.seats_each)[seat]
    odds = odds - 0.6 * deals["pushes"]
    passes = (1 / (1 + np.exp(-odds))) ** (1 / 3)
    if settings.signal < 1:
        passes = FLAT_PASS * (passes / FLAT_PASS) ** settings.signal
    exit_rate = _exit_rate(rules, amount, state.day)
    stalled = np.where(state.day - deals["last_touch"] > 9, 0.55, 1.0)  # noqa: PLR2004 - days
    ahead = exit_rate * passes * stalled
    gone = exit_rate * (1 - passes)
    slow = rules.has_cause(state, "internal_delay")[seat]
    is_legal = stage == LEGAL
    ahead = np.where(is_legal, 1 / settings.legal_days / np.where(slow, SLOW_LEGAL, 1.0), ahead)
    gone = np.where(is_legal, LEGAL_LOSS_RATE, gone)
    if rushing:
        small = np.clip((25_000 / amount) ** 0.25, 0.6, 1.4)
        pulled = ahead * (1 + (settings.end_rush - 1) * small)
        ahead = np.where(stage >= NEGOTIATION, pulled, ahead)
        stale = (deals["pushes"] > 0) | (deals["due"] <= state.day + 45)
        gone = np.where(stale & ~is_legal, gone * settings.end_clearing, gone)
    pace = rules.pace(state.day)
    return 1 - np.exp(-ahead * pace), 1 - np.exp(-gone * pace)


def _upper_bound(rules: Rules, deals: Rows, day: int, *, rushing: bool) -> float:
    """Return a chance that no deal exceeds today; the smallest deals move fastest.

    A day's pace, at most 1, can only lower it.
    """
    if rushing or not len(deals):
        return 1.0
    smallest = np.maximum(deals["amount"].min(keepdims=True) / 100, LEAST_AMOUNT)
    exit_rate = float(_exit_rate(rules, smallest, day)[0])
    return max(exit_rate, 1 / rules.settings.legal_days + LEGAL_LOSS_RATE) * (1 + SLACK) + SLACK
