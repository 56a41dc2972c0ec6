"""Does the call list help? What the lots have shown so far, and how sure that is.

A lead is one case; `training.calls.lots` says what it tells. The interval is one that may be looked
at every day (`training.calls.anytime`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from features.arrays import Floats
from features.clock import MOMENT
from training.calls.anytime import cases_until, half_width, once_half_width, tuned_for
from training.calls.lots import CONVERSION, VALUE, Lots
from training.evaluation.bootstrap import WITHHELD, Estimate

QUARTER_DAYS = 91
RATE_DAYS = 28
"""Days of the newest lots that tell how many are to come."""
BELIEVED = 75.0
"""Leads of the smaller arm for which the variance that the forecasts let expect counts."""
SIZES = (0.01, 0.02, 0.05)
"""Effects on conversion of which is said when they would show."""
_DAY = np.timedelta64(1, "D")


class Verdict(StrEnum):
    """What may be said of the list."""

    NO_LOTS = "no lots yet"
    TOO_EARLY = "too early"
    UNKNOWN = "not yet known"
    NO_HARM = "does no harm"
    HELPS = "helps"
    HARMS = "harms"


@dataclass(frozen=True)
class Asked:
    """How the question is asked.

    Attributes:
        level: coverage of the interval.
        least_leads: mature leads in each arm below which nothing is told.
        least_converted: conversions among them below which nothing is told: with few, the mean is
            far from normal, and the interval rests on that.
        harm: a loss of conversion that would count as harm.
    """

    level: float
    least_leads: int
    least_converted: int
    harm: float


@dataclass(frozen=True)
class Look:
    """What was known at the end of a day.

    Attributes:
        day: the day, as its midnight.
        listed: mature leads that were listed.
        held_out: mature leads that were held out.
        effect: of being listed, per lead, with the interval; withheld where too few count.
    """

    day: datetime
    listed: int
    held_out: int
    effect: Estimate


@dataclass(frozen=True)
class Wait:
    """When an effect of some size would show, lots being drawn as they were lately.

    Attributes:
        size: the effect.
        leads: mature leads it takes.
        days: from the moment of the question; infinite if no lots are drawn any more.
    """

    size: float
    leads: float
    days: float


@dataclass(frozen=True)
class Arms:
    """Leads of one place, by arm: how many, and the share that converted."""

    place: str
    listed: int
    listed_rate: float
    held_out: int
    held_out_rate: float


@dataclass(frozen=True)
class Answer:
    """What the lots have shown by a moment.

    Attributes:
        as_of: the moment.
        verdict: what may be said.
        looks: for conversion and for value, what was known day by day.
        once: the effect on conversion with the interval that holds for a single look.
        arms: mature leads by place and arm.
        waiting: leads whose horizon is not over.
        began: when the first lot was drawn; None without lots.
        told_from: when enough leads have had their time in each arm, as far as lots are drawn.
        waits: when effects would show.
        asked: how it was asked.
    """

    as_of: datetime
    verdict: Verdict
    looks: Mapping[str, Sequence[Look]]
    once: Estimate
    arms: Sequence[Arms]
    waiting: int
    began: datetime | None
    told_from: datetime | None
    waits: Sequence[Wait]
    asked: Asked

    @property
    def conversion(self) -> Estimate:
        """The effect on conversion as it is known now."""
        return _last(self.looks[CONVERSION])

    @property
    def value(self) -> Estimate:
        """The effect on converted value as it is known now, per lead."""
        return _last(self.looks[VALUE])


def answer(lots: Lots, as_of: datetime, asked: Asked) -> Answer:
    """Say what the lots have shown.

    Args:
        lots: every lot drawn by the moment.
        as_of: the moment.
        asked: level, and what is too little to tell.
    """
    rho = _rho(lots, asked.level)
    looks = {name: running(lots, name, rho, asked) for name in (CONVERSION, VALUE)}
    now = _last(looks[CONVERSION])
    return Answer(
        as_of=as_of,
        verdict=_verdict(lots, now, asked.harm),
        looks=looks,
        once=_once(lots, now, asked.level),
        arms=_arms(lots),
        waiting=int((~lots.is_mature).sum()),
        began=lots.enrolled_at[0].astype(MOMENT).item() if len(lots) else None,
        told_from=_told_from(lots, asked.least_leads),
        waits=_waits(lots, now, as_of, rho, asked.level),
        asked=asked,
    )


def running(lots: Lots, outcome: str, rho: float, asked: Asked) -> list[Look]:
    """Return the effect with its interval as it was known at the end of each day with new leads.

    The variance of a case is a mean of what was seen and of what the forecasts let expect. While
    few held-out leads have converted, what was seen is too small more often than not:

        leads of the smaller arm   weight of what was seen   of what was to be expected
        50                         0.40                      0.60
        250                        0.77                      0.23
        1,000                      0.93                      0.07

    Args:
        lots: every lot.
        outcome: conversion or value.
        rho: from `tuned_for`, chosen before the first outcome was known.
        asked: level, and the least leads.
    """
    rows = lots.is_mature
    order = np.argsort(lots.ends_at[rows], kind="stable")
    scores, is_listed = lots.scores(outcome)[order], lots.is_listed[rows][order]
    converted = lots.converted[rows][order]
    days = lots.ends_at[rows][order].astype("datetime64[D]").astype(np.int64)
    last = np.flatnonzero(np.diff(days, append=np.iinfo(np.int64).max))
    n, listed = last + 1, np.cumsum(is_listed)[last]
    mean = np.cumsum(scores)[last] / n
    seen = np.maximum(np.cumsum(scores**2)[last] / n - mean**2, 0.0)
    expected = np.cumsum(lots.expected_variance(outcome)[order])[last] / n
    fewer = np.minimum(listed, n - listed)
    variance = (fewer * seen + BELIEVED * expected) / (fewer + BELIEVED)
    half = half_width(n.astype(np.float64), variance, rho, asked.level)
    rarer = np.minimum(np.cumsum(converted * is_listed), np.cumsum(converted * ~is_listed))[last]
    is_told = (fewer >= asked.least_leads) & (rarer >= asked.least_converted)
    limit = 1.0 if outcome == CONVERSION else np.inf
    low, high = np.maximum(mean - half, -limit), np.minimum(mean + half, limit)
    return [
        Look(
            np.datetime64(int(days[at]), "D").astype(MOMENT).item(),
            int(listed[k]),
            int(n[k] - listed[k]),
            Estimate(float(mean[k]), float(low[k]), float(high[k])) if is_told[k] else WITHHELD,
        )
        for k, at in enumerate(last)
    ]


def _rho(lots: Lots, level: float) -> float:
    """Tune the interval for the end of the first quarter, before any outcome is known.

    By then all lots count that were drawn a horizon earlier: those of the first horizon, which are
    known when the first outcome is, and of the days after it as many as lately. Of 30 days with
    900 lots, 300 of them in the last 15, these are 900 + 31 * 20.
    """
    if not len(lots):
        return tuned_for(1.0, level)
    horizon = lots.ends_at[0] - lots.enrolled_at[0]
    since = lots.enrolled_at - lots.enrolled_at[0]
    days = float(horizon / _DAY)
    lately = int(((since >= horizon / 2) & (since < horizon)).sum()) / (days / 2)
    first = int((since < horizon).sum())
    return tuned_for(first + lately * max(QUARTER_DAYS - 2 * days, 0.0), level)


def _verdict(lots: Lots, now: Estimate, harm: float) -> Verdict:
    if not len(lots):
        return Verdict.NO_LOTS
    if now.low is None or now.high is None:
        return Verdict.TOO_EARLY
    if now.low > 0:
        return Verdict.HELPS
    if now.high < 0:
        return Verdict.HARMS
    return Verdict.NO_HARM if now.low > -harm else Verdict.UNKNOWN


def _told_from(lots: Lots, least: int) -> datetime | None:
    """Return when the least leads of both arms have had their time, by the lots drawn already."""
    ends = [np.sort(lots.ends_at[lots.is_listed == arm]) for arm in (True, False)]
    if min(map(len, ends)) < least:
        return None
    moment: datetime = max(own[least - 1] for own in ends).astype(MOMENT).item()
    return moment


def _once(lots: Lots, now: Estimate, level: float) -> Estimate:
    if now.value is None:
        return WITHHELD
    scores = lots.scores(CONVERSION)
    half = once_half_width(len(scores), float(scores.var()), level)
    return Estimate(now.value, now.value - half, now.value + half)


def _arms(lots: Lots) -> list[Arms]:
    arms = []
    for place, is_next in (("on the list", False), ("next in line", True)):
        rows = lots.is_mature & (lots.is_next == is_next)
        listed, held = (lots.converted[rows & (lots.is_listed == arm)] for arm in (True, False))
        if len(listed) or len(held):
            arms.append(Arms(place, len(listed), _rate(listed), len(held), _rate(held)))
    return arms


def _rate(converted: Floats) -> float:
    return float(converted.mean()) if len(converted) else float("nan")


def _waits(lots: Lots, now: Estimate, as_of: datetime, rho: float, level: float) -> list[Wait]:
    """Say when effects would show, were the interval about them and the leads as so far."""
    if now.value is None:
        return []
    variance = float(lots.expected_variance(CONVERSION).mean())
    end = np.datetime64(as_of, "us")
    span = min(RATE_DAYS, max((end - lots.enrolled_at[0]) / _DAY, 1.0))
    a_day = float((lots.enrolled_at >= end - span * _DAY.astype("timedelta64[us]")).sum() / span)
    ends = np.sort(lots.ends_at)
    waits = []
    for size in SIZES:
        leads = cases_until(size, variance, rho, level)
        waits.append(Wait(size, leads, _days_until(leads, ends, end, lots, a_day)))
    return waits


def _days_until(
    leads: float, ends: npt.NDArray[np.datetime64], end: np.datetime64, lots: Lots, a_day: float
) -> float:
    """Return the days until so many leads are mature: those enrolled already have their dates."""
    if leads <= len(ends):
        return max(float((ends[int(np.ceil(leads)) - 1] - end) / _DAY), 0.0)
    if a_day <= 0:
        return float("inf")
    horizon = float((lots.ends_at[-1] - lots.enrolled_at[-1]) / _DAY)
    return (leads - len(ends)) / a_day + horizon


def _last(looks: Sequence[Look]) -> Estimate:
    return looks[-1].effect if looks else WITHHELD


def until_day(as_of: datetime, days: float) -> datetime | None:
    """Return the moment so many days on; None beyond a century."""
    return as_of + timedelta(days=days) if days < 36_500 else None  # noqa: PLR2004 - a century
