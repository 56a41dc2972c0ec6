"""How new reps get going, and what less work costs: both learned from the company's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.arrays import Bools, Floats
from training.coaching.causes.rows import SETTLED, Observed, Rows, touch_rows
from training.coaching_params import CauseParams

LACKS = np.round(np.arange(0, 0.91, 0.03), 10)
"""Shares that a first day may lack."""
LENGTHS = 30.0
"""Step between lengths that are tried, in days."""
RAMP_DOUBT = 0.25
"""How far one rep's ramp may differ from the usual one, as a share of its log factor."""
OF_WORK = ("volume", "follow_up")
"""Channels of what reps do, not of what comes of it: many events that come together."""
SLOPES = np.round(np.arange(0, 1.51, 0.05), 10)
"""How fast something may grow with work: the exponents that are tried."""
SLOPE_DOUBT = 0.1
"""How far a company's exponent usually lies from the usual one."""


@dataclass(frozen=True)
class Ramp:
    """How new reps get going: in a straight line from the day hired.

    Attributes:
        days: until a new rep works like the others; 0 where none was found.
        lacks: by channel, the share that the first day lacks.
    """

    days: float
    lacks: Mapping[str, float]

    def log_factor(self, channel: str, tenure: Floats) -> Floats:
        """Return the log factor of a channel at a tenure in days; 0 where that is unknown."""
        if self.days <= 0:
            return np.zeros_like(tenure)
        share = np.nan_to_num(np.clip(1 - tenure / self.days, 0, 1))
        return np.log(1 - self.lacks.get(channel, 0.0) * share)


def fitted_ramp(
    observed: Observed,
    counts: Mapping[str, Rows],
    choices: Mapping[str, Rows],
    params: CauseParams,
) -> Ramp:
    """Learn how long new reps take to get going, and what they lack on the first day.

    For every length, what the first day lacks is fitted to each channel by maximum likelihood on a
    grid; the length that explains all channels best is kept. Each rep is held against the own
    level, so that a good year of joiners is not taken for a short ramp. Where few have joined, what
    is usual elsewhere counts (`ramp_usual_days`, `ramp_usual_lack`).
    """
    rows = {name: each.about_own() for name, each in counts.items()}
    rows |= {**choices, "volume": touch_rows(observed)}
    best, best_score = Ramp(0.0, {}), -np.inf
    for length in np.arange(60.0, params.ramp_longest_days + 1, LENGTHS):
        score = -0.5 * (np.log(length / params.ramp_usual_days) / 0.4) ** 2
        lacks = {}
        for name, each in rows.items():
            share = np.nan_to_num(np.clip(1 - each.tenure / length, 0, 1))
            new = share > 0
            if each.seen[new].sum() < 1:
                continue
            gain = _gains(each, share, new, is_choice=name in choices)
            if name not in OF_WORK:
                gain = gain - 0.5 * ((LACKS - params.ramp_usual_lack) / 0.2) ** 2
            place = int(np.argmax(gain))
            lacks[name] = float(LACKS[place])
            score += float(gain[place]) * (name not in OF_WORK)
        # Touches say how little new reps do, but on few leads: they do not say how long.
        if score > best_score:
            best, best_score = Ramp(float(length), lacks), score
    return best


def _gains(rows: Rows, share: Floats, new: Bools, *, is_choice: bool) -> Floats:
    """Return the gain in log-likelihood by what the first day lacks."""
    seen, usual = rows.seen[new], rows.usual[new]
    shift = np.log(1 - share[new][:, None] * LACKS)
    if is_choice:
        gain = seen[:, None] * shift - np.logaddexp(0, usual[:, None] + shift)
        return np.asarray((gain + np.logaddexp(0, usual)[:, None]).sum(axis=0))
    return np.asarray((seen[:, None] * shift - usual[:, None] * np.expm1(shift)).sum(axis=0))


def grows_with_work(rows: Rows, work: Floats, usual_slope: float | None = None) -> float:
    """Return how fast events grow with a rep's work: the exponent, by maximum likelihood.

    Args:
        rows: events and what is usual.
        work: by rep and period, the log of the rep's work over the own usual.
        usual_slope: what the exponent is drawn towards; None for nothing.
    """
    inside = (rows.rep >= 0) & (rows.period >= 0) & (rows.period < work.shape[1])
    # New reps work less, but on few leads: they say nothing of what less work does to many.
    inside &= ~(rows.tenure < SETTLED)
    own = rows.about_own()
    cell = own.rep[inside] * work.shape[1] + own.period[inside]
    seen = np.bincount(cell, own.seen[inside], work.size)
    usual = np.bincount(cell, own.usual[inside], work.size)
    shift = work.ravel()[:, None] * SLOPES
    gain = (seen[:, None] * shift - usual[:, None] * np.expm1(shift)).sum(axis=0)
    if usual_slope is not None:
        gain = gain - 0.5 * ((SLOPES - usual_slope) / SLOPE_DOUBT) ** 2
    return float(SLOPES[int(np.argmax(gain))])
