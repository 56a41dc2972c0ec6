"""A day of leads: what each asks of its rep, and what becomes of it.

Chances are drawn for every lead, so that each keeps its own luck whatever the others do, but
worked out only where they matter: a lead whose draw lies above all chances needs no formula.
"""

from __future__ import annotations

import numpy as np

from features.simulation.day import SHOCK, Day, Lots, Rules, chosen
from features.simulation.rows import Array, Rows
from features.simulation.state import State

NEW, ATTEMPTING, CONNECTED, MEETING = range(4)
WEIGHT = np.array([8.0, 0.9, 1.4, 2.2])
"""How much a lead asks for attention, by stage."""
DUE = np.clip(np.arange(7) / 3.5, 0.1, 1.5)
"""The same, by days since the last touch."""
GIVEN_UP = 0.06
"""Chance a day that an attempt beyond all patience is given up."""
FLAT_RATE, FLAT_FALL = 0.005, 0.02
"""Chances a day where there is no signal."""
COLDEST = 0.05
"""Interest below which leads are lost no faster."""
SHRUNKEN_DEALS = 0.6
"""What is left of amounts where `deal_size` is the planted cause."""
SLACK = 1e-9
"""More than rounding could make of a bound."""


def wish(state: State, now: dict[str, Array]) -> Array:
    """How much each lead asks for attention; the hot and the new first."""
    leads = state.leads
    seat, stage = leads["seat"], leads["stage"]
    weight = WEIGHT[stage]
    new = np.flatnonzero(stage == NEW)
    weight[new] *= now["speed"][seat[new]]
    tired = np.flatnonzero(stage == ATTEMPTING)
    persistence = now["persistence"][seat[tired]]
    weight[tired] *= np.exp(-leads["touches"][tired] / (7 * persistence))
    weight *= DUE.take(state.day - leads["last_touch"], mode="clip")
    weight *= np.sqrt(leads["interest"])
    weight *= leads["open"]
    return weight


def reach(rules: Rules, leads: Rows, day: int) -> Array:
    """Chance that a touch gets through; best while a lead is fresh."""
    settings = rules.settings
    chance = settings.contact * np.sqrt(leads["interest"])
    chance = chance * np.where(leads["touches"] > 0, settings.contact_fall, 1.0)
    return chance * (1 + 0.8 * np.exp(-(day - leads["created"]) / 1.5))


def warmer(interest: Array) -> Array:
    """Give the interest after a contact."""
    return np.minimum(interest * 1.25 + 0.1, 4.0)


def work_leads(
    rules: Rules,
    state: State,
    lots: Lots,
    now: dict[str, Array],
    touched: Array,
    day: Day,
) -> None:
    """Let touched leads come nearer, and every open lead become a deal, be lost, or stay.

    Args:
        rules: of the world.
        state: whose leads are changed.
        lots: of leads.
        now: each seat's skills as they work today.
        touched: places of the leads that are worked on.
        day: what happens is noted here.
    """
    _touch(rules, state, lots, now, touched, day)
    converted, lost = _fates(rules, state, lots, now, day)
    state.leads["open"][converted] = False
    state.leads["open"][lost] = False
    count = len(state.leads)
    day.masks |= {"converted": chosen(count, converted), "lost": chosen(count, lost)}
    if len(converted):
        _open_deals(rules, state, lots.draws, now, converted, day)


def _touch(
    rules: Rules,
    state: State,
    lots: Lots,
    now: dict[str, Array],
    touched: Array,
    day: Day,
) -> None:
    leads, count = state.leads, len(state.leads)
    seat, stage, interest = leads["seat"], leads["stage"], leads["interest"]
    chance = reach(rules, leads.take(touched, "interest", "touches", "created"), state.day)
    connected = touched[lots.at(touched, count) < chance]
    before = stage[connected]
    fit = np.exp(leads["fit"][connected])
    meets = rules.settings.meeting * np.sqrt(now["qualifying"][seat[connected]] * fit)
    meets = meets * interest[connected] ** 0.3
    again, first = lots.at(connected, count), lots.at(connected, count)
    knows = (before >= CONNECTED) & (before < MEETING)
    met = connected[np.where(before < CONNECTED, first < meets, knows & (again < 2 * meets))]
    was = stage[touched]
    stage[touched] = np.maximum(was, ATTEMPTING)
    stage[connected] = np.maximum(before, CONNECTED)
    stage[met] = MEETING
    leads["touches"][touched] += 1
    leads["last_touch"][touched] = state.day
    interest[connected] = warmer(interest[connected])
    day.masks |= {
        "touched": chosen(count, touched),
        "connected": chosen(count, connected),
        "met": chosen(count, met),
        "staged": chosen(count, touched[stage[touched] != was]),
    }


def _fates(
    rules: Rules, state: State, lots: Lots, now: dict[str, Array], day: Day
) -> tuple[Array, Array]:
    """Give the places of leads that become deals, and of those that are lost."""
    leads = state.leads
    each = _by_seat(rules, state, now)
    u = lots.all(len(leads))
    maybe = np.flatnonzero((u < _most(rules, leads, each)) & leads["open"])
    some = leads.take(maybe, "seat", "stage", "interest", "fit", "touches", "last_touch")
    if day.is_summed:
        day.chance = (1 - np.exp(-_rate(rules, leads, each, state.day))) * leads["open"]
        chance = day.chance[maybe]
    else:
        chance = 1 - np.exp(-_rate(rules, some, each, state.day))
    u = u[maybe]
    converted = u < chance
    fall = _fall(rules, some, now)
    lost = ~converted & (u < chance + 1 - np.exp(-fall))
    return maybe[converted], maybe[lost]


def _by_seat(rules: Rules, state: State, now: dict[str, Array]) -> tuple[Array, Array, Array]:
    """What the rep, the ground and the times do to a lead's rate, by seat."""
    good = rules.potential[state.seats["territory"]] ** 0.25
    times = np.exp(state.market + rules.shock(state.day, "conversion"))
    return now["qualifying"], good, np.repeat(times, state.seats_each)


def _rate(rules: Rules, leads: Rows, each: tuple[Array, Array, Array], day: int) -> Array:
    """Rate a day at which a lead becomes a deal."""
    seat, settings = leads["seat"], rules.settings
    rate = np.asarray(settings.convert)[leads["stage"]] * leads["interest"] ** 0.65
    rate *= np.exp(leads["fit"])
    rate *= np.where(day - leads["last_touch"] <= 7, 1.15, 0.85)  # noqa: PLR2004 - a week
    for factor in each:
        rate *= factor[seat]
    return _flat(rules, rate, FLAT_RATE)


def _fall(rules: Rules, leads: Rows, now: dict[str, Array]) -> Array:
    """Rate a day at which a lead is lost: it cools, or its rep gives it up."""
    settings, stage = rules.settings, leads["stage"]
    patience = settings.patience * now["persistence"][leads["seat"]]
    given_up = np.where(
        stage == ATTEMPTING, GIVEN_UP / (1 + np.exp(-(leads["touches"] - patience))), 0.0
    )
    fall = np.asarray(settings.lose)[stage] / np.sqrt(leads["interest"] + COLDEST) + given_up
    return _flat(rules, fall, FLAT_FALL)


def _flat(rules: Rules, rate: Array, flat: float) -> Array:
    """Draw a rate towards one that depends on nothing, where there is little signal."""
    signal = rules.settings.signal
    return np.asarray(rate if signal == 1 else flat * (rate / flat) ** signal)


def _most(rules: Rules, leads: Rows, each: tuple[Array, Array, Array]) -> float:
    """Give a chance that no lead's fate has more of today: the largest of each factor at once."""
    if not len(leads):
        return 0.0
    settings = rules.settings
    rate = max(settings.convert) * leads["interest"].max() ** 0.65 * np.exp(leads["fit"].max())
    rate = rate * 1.15 * np.prod([factor.max() for factor in each])
    fall = max(settings.lose) / np.sqrt(COLDEST) + GIVEN_UP
    most = _flat(rules, rate, FLAT_RATE) + _flat(rules, np.asarray(fall), FLAT_FALL)
    return float(most) * (1 + SLACK) + SLACK


def _open_deals(
    rules: Rules,
    state: State,
    draws: np.random.Generator,
    now: dict[str, Array],
    places: Array,
    day: Day,
) -> None:
    settings, count = rules.settings, len(places)
    leads = state.leads.take(places)
    seat = leads["seat"]
    amount = leads["value"] * np.exp(draws.normal(0, 0.15, count))
    amount = np.where(rules.has(state, "deal_size")[seat], amount * SHRUNKEN_DEALS, amount)
    if rules.is_shocked(state.day):
        amount = amount * SHOCK["amount"]
    wait = cycle(rules, amount) * np.exp(draws.normal(0, 0.3, count))
    # Better qualified leads make better deals, as a hidden part of their odds.
    quality = draws.normal(0, settings.quality_spread, count) + 0.4 * leads["fit"]
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
    state.deals = state.deals.with_(day.opened)


def cycle(rules: Rules, amount: Array) -> Array:
    """Give the usual days from a deal's opening to its winning, by amount in money."""
    settings = rules.settings
    return np.asarray(settings.cycle_days * (amount / 25_000) ** settings.cycle_by_size)
