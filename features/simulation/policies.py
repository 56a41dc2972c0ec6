"""Whom reps call: orders in which a day's touches go to leads.

A policy only says who comes first. How many leads a rep touches on a day stays what habit would
have it be; see `calling.called`. But for `Listed`, policies know what no CRM shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from features.simulation.day import KeyedUniforms, Rules
from features.simulation.lead_work import (
    ATTEMPTING,
    CONNECTED,
    MEETING,
    contact_chance,
    conversion_rate,
    interest_after_contact,
    loss_rate,
    meeting_chance,
    seat_factors,
)
from features.simulation.rows import Array, Rows
from features.simulation.state import State

NEVER = -np.inf
"""The score of a lead that must not be called."""
HORIZON_DAYS = 60
"""Days over which chances are added up."""
SPANS = (0, 1, 3, 7, 14, 28, 60)
"""Days between which a lead's daily rates are taken as those of the middle."""
COOLED = 1e6
"""Taken from the score of a lead that was touched just now: it comes after all others."""
HIDDEN = ("seat", "stage", "interest", "fit", "touches", "last_touch", "created")


class Policy(Protocol):
    """Puts leads in the order in which they should be called."""

    def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
        """Return a score for each row of the leads: the higher, the sooner; `NEVER` is never.

        Args:
            state: at the beginning of the work of a day.
            rules: what the day is played with.
            now: each seat's skills as they work today.
        """


@dataclass(frozen=True)
class RandomOrder:
    """Any lead as soon as any other.

    Attributes:
        seed: of the draws.
    """

    seed: int = 0

    def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
        """Return random scores, anew each day."""
        del rules, now
        seed = np.random.SeedSequence([self.seed, 6])
        luck = KeyedUniforms(seed, state.seats_each, "id")
        luck.begin(state.day)
        return luck.all(state.leads)


@dataclass(frozen=True)
class TrueChance:
    """The likeliest to become a deal first: no forecast of that chance can be better.

    Attributes:
        by_value: times the lead's value.
    """

    by_value: bool = False

    def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
        """Return the chance to become a deal within `HORIZON_DAYS` if nobody called any more."""
        chance = chance_ahead(state.leads, state, rules, now)
        return chance * state.leads["value"] if self.by_value else chance


@dataclass(frozen=True)
class TrueGain:
    """The leads first that one more touch, today, helps most.

    Attributes:
        by_value: times the lead's value.
        knows_badly: log standard deviation of an error in each lead's interest, the same on all
            days; the hidden fit is then taken to be average.
        seed: of that error.
    """

    by_value: bool = False
    knows_badly: float = 0.0
    seed: int = 0

    def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
        """Return what a touch adds to the chance to become a deal within `HORIZON_DAYS`."""
        leads = state.leads.take(np.arange(len(state.leads)), *HIDDEN, "id", "value")
        if self.knows_badly:
            luck = KeyedUniforms(np.random.SeedSequence([self.seed, 8]), state.seats_each, "id")
            leads["interest"] = leads["interest"] * np.exp(luck.normal(leads, 0, self.knows_badly))
            leads["fit"] = np.zeros(len(leads))
        gain = gain_of_touch(leads, state, rules, now)
        return gain * leads["value"] if self.by_value else gain


@dataclass(frozen=True)
class CoolDown:
    """Another policy's order, but whoever was touched within some working days comes last.

    Attributes:
        policy: the other one.
        working_days: 3: touched on a Monday, a lead may be called again on Thursday.
    """

    policy: Policy
    working_days: int

    def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
        """Return the other policy's scores, those of leads touched just now far below."""
        passed = np.cumsum(rules.calendar.workday)
        touched = np.clip(state.leads["last_touch"], 0, None)
        is_warm = passed[state.day] - passed[touched] < self.working_days
        is_warm &= state.leads["touches"] > 0
        scores = self.policy.order(state, rules, now)
        return scores - np.where(is_warm, COOLED * np.abs(scores).max(initial=1.0), 0.0)


@dataclass(frozen=True)
class Listed:
    """A list from outside.

    Attributes:
        scores: by the lead's number, `NEVER` for leads that stand on no list.
        newcomers: the score of leads that came in since the list was made.
    """

    scores: Array
    newcomers: float = NEVER

    def order(self, state: State, rules: Rules, now: dict[str, Array]) -> Array:
        """Return the list's scores."""
        del rules, now
        number = state.leads["id"]
        scores = np.full(len(number), self.newcomers)
        is_listed = number < len(self.scores)
        scores[is_listed] = self.scores[number[is_listed]]
        return scores


def chance_ahead(leads: Rows, state: State, rules: Rules, now: dict[str, Array]) -> Array:
    """Return the chance to become a deal within `HORIZON_DAYS` if nobody called any more.

    With c the rate to become a deal, l that to be lost and S the share still open, the chance is
    the integral of c S. In each of `SPANS` both rates are those of its middle, on its days from
    Monday to Friday:

        days      c, l         S at the start    becomes a deal
        1 to 3    .01, .04     1.00              1.00 * (1 - exp(-2 * .05)) * .01 / .05 = .019
        3 to 7    .01, .03      .90               .90 * (1 - exp(-4 * .04)) * .01 / .04 = .033

    Args:
        leads: some leads, as they are or as they might be.
        state: its seats and its market count.
        rules: what the days are played with.
        now: each seat's skills as they work today.
    """
    settings, factors = rules.settings, seat_factors(rules, state, now)
    is_warm = (leads["stage"] >= CONNECTED).astype(np.intp)
    daily = np.exp2(-1 / np.array([settings.cold_half_life, settings.warm_half_life]))[is_warm]
    ahead = leads.take(np.arange(len(leads)), *HIDDEN)
    still_open, chance = np.ones(len(leads)), np.zeros(len(leads))
    for start, end in pairwise(SPANS):
        days = [state.day + k for k in range(start, end)]
        days = [day for day in days if rules.calendar.date(day).weekday() < 5]  # noqa: PLR2004 - Monday to Friday
        if not days:
            continue
        middle = days[len(days) // 2]
        ahead["interest"] = leads["interest"] * daily ** (middle - state.day)
        wins = conversion_rate(rules, ahead, factors, middle)
        ends = wins + loss_rate(rules, ahead, now, middle)
        gone = 1 - np.exp(-ends * len(days))
        chance += still_open * gone * wins / np.maximum(ends, 1e-12)
        still_open *= 1 - gone
    return chance


def gain_of_touch(leads: Rows, state: State, rules: Rules, now: dict[str, Array]) -> Array:
    """Return what one touch today adds to the chance to become a deal, if none follows.

    It is the mean over what may come of the touch, less the chance without it:

        not reached              attempting, one touch more
        reached                  connected, with more interest
        reached, and a meeting   the same with a meeting, unless there was one

    Args:
        leads: some leads, as they are.
        state: its seats and its market count.
        rules: what the days are played with.
        now: each seat's skills as they work today.
    """
    stage = leads["stage"]
    reach = contact_chance(rules, leads, state.day)
    meets = np.minimum(meeting_chance(rules, leads, now), 1.0)
    meets = np.where(stage < CONNECTED, meets, np.minimum(2 * meets, 1.0)) * (stage < MEETING)

    def after(least: int, interest: Array) -> Array:
        changed = leads.take(np.arange(len(leads)), *HIDDEN)
        changed["stage"] = np.maximum(stage, least)
        changed["touches"] = leads["touches"] + 1
        changed["last_touch"] = np.full(len(leads), state.day)
        changed["interest"] = interest
        return chance_ahead(changed, state, rules, now)

    warmer = interest_after_contact(leads["interest"])
    reached = (1 - meets) * after(CONNECTED, warmer) + meets * after(MEETING, warmer)
    missed = after(ATTEMPTING, leads["interest"])
    before = chance_ahead(leads, state, rules, now)
    return reach * reached + (1 - reach) * missed - before
