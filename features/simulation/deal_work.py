"""A day of deals: the next stage, a later date, won, or lost.

As with leads, chances are drawn for every deal and worked out where they matter.
"""

from __future__ import annotations

import numpy as np

from features.simulation.day import SHOCK, Day, Lots, Rules, chosen
from features.simulation.lead_work import SLACK, cycle
from features.simulation.rows import Array, Rows
from features.simulation.state import State

DISCOVERY, PROPOSAL, NEGOTIATION, LEGAL = range(4)
RUSH_DAYS = 6
"""Working days at a quarter's end in which deals are pulled in and swept out."""
SLOW_LEGAL = 5.0
"""Times as long as usual where `internal_delay` is the planted cause."""
REFUSED = 0.006
"""Rate a day at which a deal is lost on legal grounds."""
LEAST_AMOUNT = 500.0
REBATE = 0.92
"""What is left of an amount that is pulled into the quarter."""
FLAT_PASS = 0.65
"""Chance to pass a stage where there is no signal."""


def wish(state: State) -> Array:
    """How much each deal asks for attention."""
    due = np.clip((state.day - state.deals["last_touch"]) / 4.0, 0.1, 1.5)
    return 3.0 * due * state.deals["open"]


def work_deals(
    rules: Rules,
    state: State,
    lots: Lots,
    now: dict[str, Array],
    touched: Array,
    day: Day,
) -> None:
    """Let deals move on.

    Args:
        rules: of the world.
        state: whose deals are changed.
        lots: of deals.
        now: each seat's skills as they work today.
        touched: places of the deals that are worked on.
        day: what happens is noted here.
    """
    deals, count = state.deals, len(state.deals)
    deals["last_touch"][touched] = state.day
    u, haggling = lots.all(count), lots.draws.normal(-0.03, 0.1, count)
    rushing = bool(rules.calendar.workdays_left[state.day] <= RUSH_DAYS)
    maybe = u < _most(rules, deals, state.day, rushing=rushing)
    if day.is_summed:
        maybe |= deals["stage"] == LEGAL
    places = np.flatnonzero(maybe & deals["open"])
    some = deals.take(places)
    ahead, gone = _chances(rules, state, some, now, rushing=rushing)
    u, is_legal = u[places], some["stage"] == LEGAL
    if day.is_summed:
        rebate = REBATE if rushing else 1.0
        day.wins, day.revenue = np.zeros(count), np.zeros(count)
        day.wins[places] = ahead * is_legal
        day.revenue[places] = ahead * is_legal * some["amount"] * rebate
    advanced = u < ahead
    lost = places[~advanced & (u < ahead + gone)]
    won, moved = places[advanced & is_legal], places[advanced & ~is_legal]
    haggled = moved[deals["stage"][moved] == PROPOSAL]
    deals["stage"][moved] += 1
    _price(deals, haggled, np.exp(haggling[haggled]))
    if rushing:
        _price(deals, won, REBATE)
    deals["open"][won] = False
    deals["open"][lost] = False
    late = np.flatnonzero(deals["open"] & (deals["due"] <= state.day))
    deals["due"][late] = state.day + 10 + (lots.at(late, count) * 35).astype(np.int64)
    deals["pushes"][late] = np.minimum(deals["pushes"][late] + 1, 9)
    day.deals = deals
    day.masks |= {
        "deal_touched": chosen(count, touched),
        "deal_staged": chosen(count, moved),
        "priced": chosen(count, np.append(haggled, won) if rushing else haggled),
        "pushed": chosen(count, late),
        "won": chosen(count, won),
        "deal_lost": chosen(count, lost),
    }


def _price(deals: Rows, places: Array, factor: Array | float) -> None:
    """Change amounts; they stay multiples of 50."""
    priced = np.rint(deals["amount"][places] * factor / 5_000).astype(np.int64)
    deals["amount"][places] = priced * 5_000


def _leave(rules: Rules, amount: Array, day: int) -> Array:
    """Rate a day at which a deal leaves a stage, one way or the other."""
    settings = rules.settings
    workdays = np.maximum(cycle(rules, amount) * 5 / 7 - settings.legal_days, 6.0)
    return 3 / workdays * (SHOCK["pace"] if rules.is_shocked(day) else 1.0)


def _chances(
    rules: Rules, state: State, deals: Rows, now: dict[str, Array], *, rushing: bool
) -> tuple[Array, Array]:
    """Give the chances to move ahead and to be lost today."""
    settings = rules.settings
    seat, stage = deals["seat"], deals["stage"]
    amount = np.maximum(deals["amount"] / 100, LEAST_AMOUNT)
    times = 0.5 * state.market + rules.shock(state.day, "win")
    odds = np.log(settings.win_rate / (1 - settings.win_rate)) + deals["quality"]
    odds = odds - settings.win_by_size * np.log(amount / 25_000) + np.log(now["closing"][seat])
    odds = odds + np.repeat(times, state.seats_each)[seat]
    odds = odds - 0.6 * deals["pushes"]
    passes = (1 / (1 + np.exp(-odds))) ** (1 / 3)
    if settings.signal < 1:
        passes = FLAT_PASS * (passes / FLAT_PASS) ** settings.signal
    leave = _leave(rules, amount, state.day)
    stalled = np.where(state.day - deals["last_touch"] > 9, 0.55, 1.0)  # noqa: PLR2004 - days
    ahead = leave * passes * stalled
    gone = leave * (1 - passes)
    slow = rules.has(state, "internal_delay")[seat]
    is_legal = stage == LEGAL
    ahead = np.where(is_legal, 1 / settings.legal_days / np.where(slow, SLOW_LEGAL, 1.0), ahead)
    gone = np.where(is_legal, REFUSED, gone)
    if rushing:
        small = np.clip((25_000 / amount) ** 0.25, 0.6, 1.4)
        pulled = ahead * (1 + (settings.end_rush - 1) * small)
        ahead = np.where(stage >= NEGOTIATION, pulled, ahead)
        stale = (deals["pushes"] > 0) | (deals["due"] <= state.day + 45)
        gone = np.where(stale & ~is_legal, gone * settings.end_clearing, gone)
    return 1 - np.exp(-ahead), 1 - np.exp(-gone)


def _most(rules: Rules, deals: Rows, day: int, *, rushing: bool) -> float:
    """Give a chance that nothing happens with more of today: the smallest deals move fastest."""
    if rushing or not len(deals):
        return 1.0
    smallest = np.maximum(deals["amount"].min(keepdims=True) / 100, LEAST_AMOUNT)
    leave = float(_leave(rules, smallest, day)[0])
    return max(leave, 1 / rules.settings.legal_days + REFUSED) * (1 + SLACK) + SLACK
