"""How long leads and deals stood in each stage, cut where anything that matters changes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from features.arrays import Bools, Floats, Ints
from features.feature import DAY_US
from training.coaching.causes.company import Company, Entities, days

AGES = (1.0, 3.0, 7.0, 14.0, 30.0, 60.0, 90.0, 135.0, 180.0, 270.0, 365.0)
"""Days since creation at which stays are cut."""
PARTS = 3
"""Parts a period is cut into, so that a rep's tenure hardly changes within a stay."""
STAYS, MOVES, WON, LOST = range(4)
"""How a stay ends: cut short (or still on), the next stage, converted or won, lost."""


@dataclass(frozen=True)
class Periods:
    """The quota periods of a company, one after the other.

    Attributes:
        borders: where each begins, and where the last ends, in microseconds.
        cuts: all moments at which stays are cut, the borders among them.
        period: of the stretch after each cut, the number of its period.
        is_rush: whether that stretch is the last part of its period.
    """

    borders: Ints
    cuts: Ints
    period: Ints
    is_rush: Bools

    def __len__(self) -> int:
        """Count the periods."""
        return len(self.borders) - 1

    def of(self, moments: Ints | Floats) -> Ints:
        """Return the number of the period that each moment lies in, clipped to those there are."""
        place = np.searchsorted(self.borders, moments, side="right") - 1
        return np.clip(place, -1, len(self)).astype(np.int64)


def periods_of(company: Company, start: int, end: int, rush_days: float) -> Periods:
    """Lay out the periods that end with one of them, back to where the log begins.

    Args:
        company: its quotas say where periods begin.
        start: of the period that is asked about, in microseconds.
        end: of it.
        rush_days: the last days of a period, in which deals move as they do at no other time.
    """
    length = end - start
    quotas = company.quotas
    alike = np.abs((quotas["end"] - quotas["start"]) / length - 1) < 0.2  # noqa: PLR2004 - months differ
    starts = np.unique(quotas["start"][alike & (quotas["start"] <= start)].to_numpy())
    starts = starts if len(starts) else np.array([start])
    # Before the first quota, periods of the same length, as far back as the log goes.
    before = int(max(0, starts[0] - company.log_begins) // length)
    earlier = starts[0] - length * np.arange(before, 0, -1)
    borders = np.concatenate([earlier, starts, [end]]).astype(np.int64)
    rush = np.int64(rush_days * DAY_US)
    cuts, period, is_rush = [], [], []
    for place, (low, high) in enumerate(pairwise(borders)):
        last = max(high - rush, low)
        edges = np.linspace(low, last, PARTS + 1).astype(np.int64)
        cuts += [*edges[:-1], last]
        period += [place] * (PARTS + 1)
        is_rush += [False] * PARTS + [True]
    order = np.array(cuts, dtype=np.int64)
    return Periods(borders, order, np.array(period), np.array(is_rush, dtype=np.bool_))


@dataclass(frozen=True)
class Stays:
    """Stretches in which one owner had a lead or deal in one stage.

    Attributes:
        place: of the lead or deal.
        rep: who owned it, -1 nobody.
        stage: as a number, -1 unknown.
        period: the number of the period.
        is_rush: whether the stretch lies in the last days of the period.
        age: class of the days since creation.
        start: in microseconds.
        days: how long the stretch is.
        end: how it ended: `STAYS`, `MOVES`, `WON` or `LOST`.
        after: the stage that it moved to, -1 where it did not.
    """

    place: Ints
    rep: Ints
    stage: Ints
    period: Ints
    is_rush: Bools
    age: Ints
    start: Ints
    days: Floats
    end: Ints
    after: Ints

    def take(self, which: Bools) -> Stays:
        """Return some of them."""
        return Stays(**{name: values[which] for name, values in vars(self).items()})


def stays_of(entities: Entities, periods: Periods, as_of: int) -> Stays:
    """Cut the life of every lead or deal into stretches.

    A stretch begins when the lead or deal is created, gets another owner or stage, comes to an age
    of `AGES`, and where a part of a period begins. Of a lead created on day 1 by Ann, in stage
    `new`, that moves to `tried` on day 4 and goes to Bob on day 9:

        days 1 to 2    Ann, new       stays: it comes to the age of 1 day
        days 2 to 4    Ann, new       moves to `tried`
        days 4 to 8    Ann, tried     stays: it comes to the age of 7 days
        days 8 to 9    Ann, tried     stays
        day 9 on       Bob, tried
    """
    place, at, rep, stage = _moments(entities, periods)
    until = np.minimum(entities.ended, as_of)[place]
    keep = at < until
    place, at, rep, stage, until = (x[keep] for x in (place, at, rep, stage, until))
    # At one moment the rows that say something come after those that only cut.
    order = np.lexsort((np.maximum(rep, stage), at, place))
    place, at, rep, stage, until = (x[order] for x in (place, at, rep, stage, until))
    first = np.append(True, place[1:] != place[:-1])[: len(place)]
    rep, stage = _carried(rep, first), _carried(stage, first)
    # What holds after a moment is what its last row says.
    settled = np.append((place[1:] != place[:-1]) | (at[1:] != at[:-1]), True)[: len(place)]
    place, at, rep, stage, until = (x[settled] for x in (place, at, rep, stage, until))
    last = np.append(place[1:] != place[:-1], True)[: len(place)]
    end_at = np.where(last, until, np.roll(at, -1))
    next_stage = np.where(last, stage, np.roll(stage, -1))
    has_ended = last & (entities.ended[place] == until)
    end = np.select(
        [has_ended & entities.is_won[place], has_ended, next_stage != stage],
        [WON, LOST, MOVES],
        STAYS,
    )
    stretch = np.searchsorted(periods.cuts, at, side="right") - 1
    inside = (end_at > at) & (stretch >= 0)
    stretch = np.maximum(stretch, 0)
    stays = Stays(
        place=place,
        rep=rep,
        stage=stage,
        period=periods.period[stretch],
        is_rush=periods.is_rush[stretch],
        age=np.searchsorted(AGES, days(at - entities.created[place]), side="right"),
        start=at,
        days=days(end_at - at),
        end=end,
        after=np.where(end == MOVES, next_stage, -1),
    )
    return stays.take(inside)


NOTHING = -9
"""Stands where a moment tells no new owner, or no new stage."""


def _moments(entities: Entities, periods: Periods) -> tuple[Ints, Ints, Ints, Ints]:
    """Return every moment at which a stretch may begin: place, moment, new owner, new stage."""
    count = len(entities.created)
    everyone = np.arange(count)
    parts = [(everyone, entities.created, np.full(count, -1), np.full(count, -1))]
    for rows, is_owner in ((entities.owner, True), (entities.stage, False)):
        place, at = rows["place"].to_numpy(), rows["at"].to_numpy()
        value = rows["rep" if is_owner else "stage"].to_numpy()
        nothing = np.full(len(rows), NOTHING)
        at = np.maximum(at, entities.created[place])
        parts.append((place, at, value if is_owner else nothing, nothing if is_owner else value))
    cuts = [entities.created + np.int64(age * DAY_US) for age in AGES]
    nothing = np.full(count, NOTHING)
    parts += [(everyone, moment, nothing, nothing) for moment in cuts]
    low = np.searchsorted(periods.cuts, entities.created, side="right")
    high = np.searchsorted(periods.cuts, entities.ended, side="left")
    many = np.maximum(high - low, 0)
    place = np.repeat(everyone, many)
    which = np.arange(len(place)) - np.repeat(np.cumsum(many) - many, many) + low[place]
    parts.append((place, periods.cuts[which], *(np.full(len(place), NOTHING) for _ in range(2))))
    place, at, rep, stage = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return place, at, rep, stage


def _carried(values: Ints, first: Bools) -> Ints:
    """Carry each value forward over `NOTHING`; the first row of an entity always has one."""
    known = (values != NOTHING) | first
    place = np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))
    carried = values[place]
    return np.where(carried == NOTHING, -1, carried)


def first_owner(stays: Stays, count: int) -> Ints:
    """Return who owned each lead or deal first, -1 where nobody is known."""
    owner = np.full(count, -1)
    owner[stays.place[::-1]] = stays.rep[::-1]
    return owner


def last_owner(stays: Stays, count: int) -> Ints:
    """Return who owned each lead or deal last, -1 where nobody is known."""
    owner = np.full(count, -1)
    owner[stays.place] = stays.rep
    return owner
