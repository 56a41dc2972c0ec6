"""The company's chances: what comes of a lead or deal like this one, whoever has it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.feature import DAY_US
from training.coaching.grounds.dealt import LEAD
from training.coaching.grounds.windows import Windows

STEP_DAYS = 14
"""Leads that came within the same two weeks before or within a period are alike in timing."""
MOST_STEPS = 8
BELIEF = 5.0
"""Outcomes at the rate of the coarser class that a finer class's own rate starts from."""
LEAST_RATE = 1e-12
AGES_DAYS = (30.0, 90.0, 180.0)
SIZES = (1 / 3, 2 / 3)
"""Quantiles of the amount that part small, middle and large."""
LEVELS = (("timing",), ("source", "stage"), ("size",), ("age",))
"""Classes of likeness, from coarse to fine: each adds columns to those before it."""


def classes(rows: pd.DataFrame, windows: Windows) -> pd.DataFrame:
    """Return what makes leads and deals alike, as small whole numbers and texts.

    Nothing in it tells which rep a lead is dealt to, or what became of it after its entry.

    Args:
        rows: `Dealt.rows`.
        windows: the windows.
    """
    place = rows["window"].to_numpy()
    start, end = windows.bounds("start")[place], windows.bounds("end")[place]
    entered = rows["entered_us"].to_numpy(np.float64)
    before = _steps(np.maximum(start - entered, 0.0) / DAY_US)
    room = _steps((end - np.maximum(start, entered)) / DAY_US)
    is_old = rows["is_old"].to_numpy(dtype=np.bool_)
    age = np.digitize((entered - rows["created_us"].to_numpy(np.float64)) / DAY_US, AGES_DAYS)
    kind = np.where(rows["kind"] == LEAD, 0, 1) * 2 + ~is_old
    return pd.DataFrame(
        {
            "timing": (kind * (MOST_STEPS + 1) + before) * (MOST_STEPS + 1) + room,
            "source": pd.factorize(rows["source"], sort=True)[0],
            "stage": np.where(is_old, pd.factorize(rows["stage"], sort=True)[0], -1),
            "size": _sizes(rows),
            "age": np.where(is_old, age, 0),
        }
    )


def _steps(days: Floats) -> Floats:
    return np.minimum(days // STEP_DAYS, MOST_STEPS).astype(np.int64)


def _sizes(rows: pd.DataFrame) -> Floats:
    """Return whether each row's amount is small, middle or large among its kind; -1 where empty."""
    size = np.full(len(rows), -1)
    for kind in rows["kind"].unique():
        own = (rows["kind"] == kind).to_numpy() & rows["amount"].notna().to_numpy()
        amounts = rows["amount"].to_numpy(np.float64)[own]
        if len(amounts):
            size[own] = np.searchsorted(np.quantile(amounts, SIZES), amounts)
    return size


def chances(likeness: pd.DataFrame, outcomes: Floats) -> Floats:
    """Return the outcomes to be expected of each row, by what came of those like it.

    A class of few rows is believed only as far as it has seen outcomes: its rate starts from that
    of the coarser class it belongs to, as if five outcomes had been seen at that rate. With the
    coarser rate 0.10:

    | rows | outcomes | returned                          |
    |------|----------|-----------------------------------|
    | 0    | 0        | 0.10                              |
    | 50   | 0        | (0 + 5) / (50 + 50)   = 0.05      |
    | 950  | 200      | (200 + 5) / (950 + 50) = 0.205    |

    Args:
        likeness: what `classes` returns.
        outcomes: of each row.
    """
    rate = np.full(len(likeness), outcomes.sum() / max(len(likeness), 1))
    columns: list[str] = []
    coarser = np.zeros(len(likeness))
    for level in LEVELS:
        columns += level
        code = likeness.groupby(columns, sort=False).ngroup().to_numpy()
        seen, had = np.bincount(code).astype(np.float64), np.bincount(code, outcomes)
        finer = (had[code] + BELIEF) / (seen[code] + BELIEF / np.maximum(rate, LEAST_RATE))
        # A class that the further columns do not part has shown all that it can.
        rate = np.where(seen[code] == coarser, rate, finer)
        coarser = seen[code]
    return np.asarray(rate if outcomes.sum() > 0 else np.zeros(len(likeness)))
