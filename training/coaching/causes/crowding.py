"""How fast leads move where a rep has few or many of them at hand."""

from __future__ import annotations

import numpy as np

from features.arrays import Floats
from features.feature import DAY_US
from training.coaching.causes.ramp import grows_with_work
from training.coaching.causes.rows import Observed, Rows, later_move_rows

FULLER = 0.7
"""Log factor of leads at hand beyond which a period counts as no fuller."""


def crowding(observed: Observed, first_moves: Rows) -> dict[str, float]:
    """Learn how fast the moves of each lead fall with the leads at hand.

    Each rep's fuller periods are held against the own emptier ones. Conversions are left out: they
    are compared between territories whatever the load, so that what few leads at hand spare them
    is seen there already.

    Args:
        observed: the company.
        first_moves: of its leads.

    Returns:
        The exponents of first and of later moves, 0 where nothing falls.
    """
    room = -np.clip(log_load(observed), -FULLER, FULLER)
    rows = {"first": first_moves, "later": later_move_rows(observed, by_load=False)}
    return {field: grows_with_work(each, room) for field, each in rows.items()}


def log_load(observed: Observed) -> Floats:
    """Return by rep and period the log of the leads at hand, over the rep's own mean of it."""
    stays = observed.leads.take(observed.leads.rep >= 0)
    at_hand = observed.table(stays.rep, stays.period, stays.days)
    with np.errstate(divide="ignore"):
        load = np.log(at_hand / np.diff(observed.periods.borders) * DAY_US)
    known = np.isfinite(load)
    own = np.where(known, load, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, load - own[:, None], 0.0)
