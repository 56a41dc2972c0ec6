"""Lots of a made-up company, with a true effect that is known."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from training.calls.holdout import Asked
from training.calls.lots import Lots

START = datetime(2026, 1, 1, 6)
HORIZON = 30
ASKED = Asked(level=0.9, least_leads=50, least_converted=5, harm=0.01)


def lots(
    seed: int,
    effect: float = 0.0,
    a_day: int = 50,
    days: int = 92,
    share: float = 0.05,
    known_days: int = 122,
) -> Lots:
    """Lots of some weeks; being listed adds the effect to every lead's chance to convert.

    Args:
        seed: of the draws.
        effect: what being listed adds.
        a_day: new leads.
        days: with new leads.
        share: of leads that are held out.
        known_days: days after the start up to which outcomes are known.
    """
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), a_day)
    p = rng.beta(1, 9, len(day))
    is_listed = rng.random(len(day)) < 1 - share
    converted = (rng.random(len(day)) < np.clip(p + effect * is_listed, 0, 1)).astype(float)
    enrolled = np.datetime64(START, "us") + day.astype("timedelta64[D]")
    return Lots(
        enrolled_at=enrolled,
        ends_at=enrolled + np.timedelta64(HORIZON, "D"),
        is_listed=is_listed,
        propensity=np.full(len(day), 1 - share),
        is_next=np.zeros(len(day), dtype=np.bool_),
        p=p,
        value=rng.lognormal(10, 0.75, len(day)),
        converted=np.where(day + HORIZON <= known_days, converted, np.nan),
    )
