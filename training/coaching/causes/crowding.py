"""How fast what happens to each lead falls with the leads that a rep has at hand."""

from __future__ import annotations

import numpy as np

from features.arrays import Floats
from features.feature import DAY_US
from training.coaching.causes.ramp import grows_with_work
from training.coaching.causes.rows import Observed, Rows, later_move_rows, qualifying_rows

FULLER = 0.7
"""Log factor of leads at hand beyond which a period counts as no fuller."""


def crowding(observed: Observed, first_moves: Rows) -> dict[str, float]:
    """Learn how fast what happens to each lead falls with the leads at hand.

    Each rep's fuller periods are held against the own emptier ones.

    Args:
        observed: the company.
        first_moves: of its leads.

    Returns:
        The exponent of each field of the flow, 0 where nothing falls.
    """
    room = -np.clip(log_load(observed), -FULLER, FULLER)
    rows = {
        "qualifying": qualifying_rows(observed, by_load=False),
        "first": first_moves,
        "later": later_move_rows(observed, by_load=False),
    }
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
