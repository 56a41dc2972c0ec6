"""How readily leads ripen: of those that are reached, how many come to the ripest stage."""

from __future__ import annotations

import numpy as np

from features.arrays import Floats, Ints
from training.coaching.causes.rates import log_odds
from training.coaching.causes.rows import Observed, Rows, lead_cell, of_stays
from training.coaching.causes.stays import MOVES

ONLY = 0.9
"""Share of the moves from a stage that go to the ripest one, from which it counts as before it."""
LEAST_MOVES = 50
"""Moves from a stage below which nothing is made of them."""


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


def later_ripening(observed: Observed) -> tuple[Floats, Floats, Floats]:
    """Count leads that ripen after they were reached, beside leads that are reached.

    Both take work, on leads that need about as much of it, so that their ratio shows what comes of
    the work and not how much there is. With stages new, tried, reached and ripe:

        new to tried           somebody tried: not counted
        tried to reached       reached; tried to ripe counts as well
        reached to ripe        ripened later

    Returns:
        By rep and period: leads that ripened later, all that were counted, and the usual log-odds
        of the former among the latter. Without such stages, nothing is counted.
    """
    early, late = _stages_between(observed)
    second = _usual_next(observed)

    def counted(stages: Ints) -> tuple[Floats, Floats]:
        every = observed.leads
        stays = every.take((every.rep >= 0) & np.isin(every.stage, stages))
        events = (stays.end == MOVES) & (stays.after != second)
        rows = of_stays(observed, stays, events, [lead_cell(observed, stays), stays.period])
        seen, usual = (observed.table(rows.rep, rows.period, x) for x in (rows.seen, rows.usual))
        return seen, usual

    ripened, usual_ripened = counted(late)
    reached, usual_reached = counted(early)
    # One imagined half of an event keeps the odds of a rep without leads at even.
    odds = np.log((usual_ripened + 0.5) / (usual_reached + 0.5))
    is_told = len(early) > 0 and len(late) > 0
    return ripened * is_told, (ripened + reached) * is_told, odds


def _stages_between(observed: Observed) -> tuple[Ints, Ints]:
    """Return the stages between the first and the ripest: those far from it, and those before it.

    From those before it, nearly all moves go to the ripest.
    """
    every, second = observed.leads, _usual_next(observed)
    known = (every.rep >= 0) & (every.stage >= 0) & (observed.ripe >= 0)
    between = known & (every.stage != observed.first) & (every.stage != observed.ripe)
    moved = between & (every.end == MOVES) & (every.after != second)
    size = int(every.stage.max(initial=-1)) + 1
    moves = np.bincount(every.stage[moved], minlength=size)
    ripe = np.bincount(every.stage[moved & (every.after == observed.ripe)], minlength=size)
    is_before = ripe >= ONLY * moves
    enough = moves >= LEAST_MOVES
    return np.flatnonzero(enough & ~is_before), np.flatnonzero(enough & is_before)


def _usual_next(observed: Observed) -> int:
    every = observed.leads
    after = every.after[(every.stage == observed.first) & (every.after >= 0)]
    return int(np.bincount(after).argmax()) if len(after) else -1
