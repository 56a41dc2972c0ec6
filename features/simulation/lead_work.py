"""A day of leads: how much attention each needs, and what becomes of it.

A number is drawn for every lead, so that each keeps its own luck whatever happens to the others.
Chances are computed only where they matter: a lead whose number lies above every possible chance
needs no formula.
"""

from __future__ import annotations

import numpy as np

from features.simulation.day import SHOCK, Day, Luck, Rules, mask_of
from features.simulation.rows import Array, Rows
from features.simulation.state import State

NEW, ATTEMPTING, CONNECTED, MEETING = range(4)
WEIGHT = np.array([8.0, 0.9, 1.4, 2.2])
"""How much attention a lead needs, by stage."""
DUE = np.clip(np.arange(7) / 3.5, 0.1, 1.5)
"""Factor of that attention, by days since the last touch; the last stands for all later days."""
GIVEN_UP = 0.06
"""Daily rate at which a lead is given up once the rep's patience is used up."""
FLAT_CONVERSION_RATE, FLAT_LOSS_RATE = 0.005, 0.02
"""Daily rates where there is no signal."""
COLDEST = 0.05
"""Added to interest, so that leads without any are not lost at once."""
SHRUNKEN_DEALS = 0.6
"""Factor of amounts where `deal_size` is the planted cause."""
SLACK = 1e-9
"""More than rounding can add to a bound."""


def attention(state: State, now: dict[str, Array]) -> Array:
    """Return how much attention each lead needs; the hot and the new most.

    It is the product of factors for its stage, the days since its last touch, and the root of its
    interest. For a new lead, the rep's speed is one more; for a lead attempted in vain, a factor
    that falls with every touch, more slowly for persistent reps.
    """
    leads = state.leads
    seat, stage = leads["seat"], leads["stage"]
    weight = WEIGHT[stage]
    new = np.flatnonzero(stage == NEW)
    weight[new] *= now["speed"][seat[new]]
    attempted = np.flatnonzero(stage == ATTEMPTING)
    persistence = now["persistence"][seat[attempted]]
    weight[attempted] *= np.exp(-leads["touches"][attempted] / (7 * persistence))
    weight *= DUE.take(state.day - leads["last_touch"], mode="clip")
    weight *= np.sqrt(leads["interest"])
    weight *= leads["open"]
    return weight


def contact_chance(rules: Rules, leads: Rows, day: int) -> Array:
    """Return the chance that a touch gets through; best at the first one, while a lead is fresh."""
    settings = rules.settings
    chance = settings.contact * np.sqrt(leads["interest"])
    chance = chance * np.where(leads["touches"] > 0, settings.contact_fall, 1.0)
    return chance * (1 + 0.8 * np.exp(-(day - leads["created"]) / 1.5))


def interest_after_contact(interest: Array) -> Array:
    """Return the interest after a contact."""
    return np.minimum(interest * 1.25 + 0.1, 4.0)


def meeting_chance(rules: Rules, leads: Rows, now: dict[str, Array]) -> Array:
    """Return the chance that a first contact becomes a meeting; at a later one it is twice that."""
    fit = np.exp(leads["fit"])
    chance = rules.settings.meeting * np.sqrt(now["qualifying"][leads["seat"]] * fit)
    return np.asarray(chance * leads["interest"] ** 0.3)


def work_leads(
    rules: Rules,
    state: State,
    uniforms: Luck,
    now: dict[str, Array],
    touched: Array,
    day: Day,
) -> None:
    """Touch leads, then let every open lead become a deal, be lost, or stay.

    Args:
        rules: what the day is played with.
        state: its leads are changed.
        uniforms: the stream of leads.
        now: each seat's skills as they work today.
        touched: places of the leads that are worked on.
        day: takes what happens.
    """
    _touch(rules, state, uniforms, now, touched, day)
    end_leads(rules, state, uniforms, now, day)


def end_leads(rules: Rules, state: State, uniforms: Luck, now: dict[str, Array], day: Day) -> None:
    """Let every open lead become a deal, be lost, or stay; alone on holidays, without any touch.

    Args:
        rules: what the day is played with.
        state: its leads are changed.
        uniforms: the stream of leads.
        now: each seat's skills as they work today.
        day: takes what happens.
    """
    converted, lost = _outcomes(rules, state, uniforms, now, day)
    state.leads["open"][converted] = False
    state.leads["open"][lost] = False
    count = len(state.leads)
    day.masks |= {"converted": mask_of(count, converted), "lost": mask_of(count, lost)}
    if len(converted):
        _open_deals(rules, state, uniforms, now, converted, day)


def _touch(
    rules: Rules,
    state: State,
    uniforms: Luck,
    now: dict[str, Array],
    touched: Array,
    day: Day,
) -> None:
    """Work on leads: some touches get through, and some contacts become meetings.

    A contact leads to a meeting with one of three chances, by the stage before it:

        new, attempting   `meets`        a first contact
        connected         2 * `meets`    a further contact
        meeting           0              there has been one already
    """
    leads, count = state.leads, len(state.leads)
    stage, interest = leads["stage"], leads["interest"]
    chance = contact_chance(rules, leads.take(touched, "interest", "touches", "created"), state.day)
    connected = touched[uniforms.at(touched, leads) < chance]
    before = stage[connected]
    meets = meeting_chance(rules, leads.take(connected, "seat", "interest", "fit"), now)
    again, first = uniforms.at(connected, leads), uniforms.at(connected, leads)
    knows = (before >= CONNECTED) & (before < MEETING)
    met = connected[np.where(before < CONNECTED, first < meets, knows & (again < 2 * meets))]
    was = stage[touched]
    stage[touched] = np.maximum(was, ATTEMPTING)
    stage[connected] = np.maximum(before, CONNECTED)
    stage[met] = MEETING
    leads["touches"][touched] += 1
    leads["last_touch"][touched] = state.day
    interest[connected] = interest_after_contact(interest[connected])
    day.masks |= {
        "touched": mask_of(count, touched),
        "connected": mask_of(count, connected),
        "met": mask_of(count, met),
        "staged": mask_of(count, touched[stage[touched] != was]),
    }


def _outcomes(
    rules: Rules, state: State, uniforms: Luck, now: dict[str, Array], day: Day
) -> tuple[Array, Array]:
    """Return the places of leads that become deals, and of those that are lost.

    One number u decides between three outcomes, with c the chance to become a deal today and l
    that to be lost:

        u < c              becomes a deal       c = 0.02, l = 0.05:  u = 0.01
        c <= u < c + l     is lost                                   u = 0.04
        c + l <= u         stays open                                u = 0.20

    Numbers above a bound on c + l mean "stays open" whatever the lead, so c and l are computed
    only for leads below it.
    """
    leads = state.leads
    factors = seat_factors(rules, state, now)
    u = uniforms.all(leads)
    maybe = np.flatnonzero((u < _upper_bound(rules, leads, factors)) & leads["open"])
    some = leads.take(maybe, "seat", "stage", "interest", "fit", "touches", "last_touch")
    if day.with_chances:
        rate = conversion_rate(rules, leads, factors, state.day)
        day.chance = (1 - np.exp(-rate)) * leads["open"]
        chance = day.chance[maybe]
    else:
        chance = 1 - np.exp(-conversion_rate(rules, some, factors, state.day))
    u = u[maybe]
    converted = u < chance
    lost = ~converted & (u < chance + 1 - np.exp(-loss_rate(rules, some, now, state.day)))
    return maybe[converted], maybe[lost]


def seat_factors(rules: Rules, state: State, now: dict[str, Array]) -> tuple[Array, Array, Array]:
    """Return the factors of rep, territory and market in a lead's conversion rate, by seat."""
    territory = rules.potential[state.seats["territory"]] ** 0.25
    market = np.exp(state.market + rules.shock(state.day, "conversion"))
    return now["qualifying"], territory, np.repeat(market, state.seats_each)


def conversion_rate(
    rules: Rules, leads: Rows, factors: tuple[Array, Array, Array], day: int
) -> Array:
    """Return the daily rate at which each lead becomes a deal."""
    seat, settings = leads["seat"], rules.settings
    rate = np.asarray(settings.convert)[leads["stage"]] * leads["interest"] ** 0.65
    rate *= np.exp(leads["fit"])
    rate *= np.where(day - leads["last_touch"] <= 7, 1.15, 0.85)  # noqa: PLR2004 - a week
    for factor in factors:
        rate *= factor[seat]
    return _blended(rules, rate, FLAT_CONVERSION_RATE) * rules.pace(day)


def loss_rate(rules: Rules, leads: Rows, now: dict[str, Array], day: int) -> Array:
    """Return the daily rate at which each lead is lost: it cools, or its rep gives it up.

    On a holiday nobody gives up.
    """
    settings, stage = rules.settings, leads["stage"]
    patience = settings.patience * now["persistence"][leads["seat"]]
    given_up = np.where(
        stage == ATTEMPTING, GIVEN_UP / (1 + np.exp(-(leads["touches"] - patience))), 0.0
    )
    given_up = given_up * bool(rules.calendar.workday[day])
    cooled = np.asarray(settings.lose)[stage] / np.sqrt(leads["interest"] + COLDEST)
    return _blended(rules, cooled + given_up, FLAT_LOSS_RATE) * rules.pace(day)


def _blended(rules: Rules, rate: Array, flat: float) -> Array:
    """Return a rate between itself (signal 1) and a flat one (signal 0), by geometric weights."""
    signal = rules.settings.signal
    return np.asarray(rate if signal == 1 else flat * (rate / flat) ** signal)


def _upper_bound(rules: Rules, leads: Rows, factors: tuple[Array, Array, Array]) -> float:
    """Return a chance that no lead exceeds today, with every factor at its largest at once.

    Rates bound chances from above, since 1 - exp(-rate) <= rate; a day's pace is at most 1.
    """
    if not len(leads):
        return 0.0
    settings = rules.settings
    rate = max(settings.convert) * leads["interest"].max() ** 0.65 * np.exp(leads["fit"].max())
    rate = rate * 1.15 * np.prod([factor.max() for factor in factors])
    loss = np.asarray(max(settings.lose) / np.sqrt(COLDEST) + GIVEN_UP)
    total = _blended(rules, rate, FLAT_CONVERSION_RATE) + _blended(rules, loss, FLAT_LOSS_RATE)
    return float(total) * (1 + SLACK) + SLACK


def _open_deals(
    rules: Rules,
    state: State,
    uniforms: Luck,
    now: dict[str, Array],
    places: Array,
    day: Day,
) -> None:
    """Open a deal for every lead that became one."""
    settings, count = rules.settings, len(places)
    leads = state.leads.take(places)
    seat = leads["seat"]
    amount = leads["value"] * np.exp(uniforms.normal(leads, 0, 0.15))
    amount = np.where(rules.has_cause(state, "deal_size")[seat], amount * SHRUNKEN_DEALS, amount)
    if rules.is_shocked(state.day):
        amount = amount * SHOCK["amount"]
    wait = cycle_length(rules, amount) * np.exp(uniforms.normal(leads, 0, 0.3))
    # Better qualified leads make better deals; nobody sees this part of a deal's odds.
    quality = uniforms.normal(leads, 0, settings.quality_spread) + 0.4 * leads["fit"]
    quality = quality + 0.35 * np.log(now["qualifying"][seat])
    day.opened = Rows(
        {
            "id": state.next_id["deal"] + np.arange(count),
            "lead": leads["id"],
            "seat": seat,
            "created": np.full(count, state.day),
            "source": leads["source"],
            "stage": np.zeros(count, dtype=np.int8),
            "last_touch": np.full(count, state.day),
            "pushes": np.zeros(count, dtype=np.int8),
            "due": state.day + np.maximum(wait, 10).astype(np.int64),
            "amount": np.rint(amount / 50).astype(np.int64) * 5_000,
            "quality": quality,
            "open": np.ones(count, dtype=np.bool_),
        }
    )
    state.next_id["deal"] += count
    state.deals = state.deals.appended(day.opened)


def cycle_length(rules: Rules, amount: Array) -> Array:
    """Return the usual days from opening a deal to winning it, by amount in money."""
    settings = rules.settings
    return np.asarray(settings.cycle_days * (amount / 25_000) ** settings.cycle_by_size)
