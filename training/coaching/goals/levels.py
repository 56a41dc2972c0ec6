"""How well reps qualify leads and close deals over a year, given what they were dealt.

For each rep, wins are set against those that the company's rates would have made of the same leads
(by source and territory) or deals (by size). The ratio is shrunk towards 1 as far as counting alone
explains it: a gamma prior whose width is that of this company's reps, found by moments (Clayton and
Kaldor 1987).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.snapshot import within
from training.coaching.goals.record import SalesRecord

YEAR_DAYS = 365
PRIOR = 50.0
"""A cell of source and territory counts as if it had so many leads more at its source's rate."""
SIZES = 4
"""Deals are compared within so many classes of size."""
LEVEL = 0.8
LEAST_SPREAD = 0.15
"""Reps are taken to differ by at least this standard deviation, however alike they look."""
QUALIFYING, CLOSING = "qualifying", "closing"


@dataclass(frozen=True)
class Ratio:
    """How a rep's wins compare with those expected of the same leads or deals.

    Attributes:
        count: leads or deals that were decided.
        won: of these.
        expected: wins at the company's rates.
        level: the shrunk ratio of won to expected.
        low: the lower end of its 80 % interval.
        high: its upper end.
    """

    count: int
    won: int
    expected: float
    level: float
    low: float
    high: float

    @property
    def is_strong(self) -> bool:
        """Whether more than luck lies above the company's rates."""
        return self.low > 1

    @property
    def is_weak(self) -> bool:
        """Whether more than luck lies below the company's rates."""
        return self.high < 1


def levels(record: SalesRecord) -> dict[str, dict[str, Ratio]]:
    """Compare every rep's last year with the company's rates.

    Returns:
        By `qualifying` and `closing`, and by rep; reps without a decided lead or deal are left out.
    """
    return {
        QUALIFYING: _ratios(_decided_leads(record)),
        CLOSING: _ratios(_ended_deals(record)),
    }


def _year(rows: pd.DataFrame, record: SalesRecord) -> pd.DataFrame:
    return rows[within(rows["at"], record.as_of - timedelta(days=YEAR_DAYS), record.as_of)]


def _decided_leads(record: SalesRecord) -> pd.DataFrame:
    """Return a year's decided leads with the `chance` that source and territory gave them."""
    rows = _year(record.decisions, record).reset_index(drop=True)
    territory = record.people.set_index("rep_id")["territory"]
    rows = rows.assign(territory=rows["rep_id"].map(territory).astype(object).fillna(""))
    of_source = rows.groupby("source")["won"].transform("mean")
    cell = rows.groupby(["source", "territory"])["won"]
    chance = (cell.transform("sum") + PRIOR * of_source) / (cell.transform("size") + PRIOR)
    return rows.assign(chance=chance)


def _ended_deals(record: SalesRecord) -> pd.DataFrame:
    """Return a year's ended deals with the `chance` to be won that their size gave them."""
    rows = _year(record.endings, record).reset_index(drop=True)
    place = rows["amount"].rank(pct=True, method="average").fillna(0.5)
    size = np.minimum((place * SIZES).astype(np.int64), SIZES - 1)
    return rows.assign(chance=rows["won"].groupby(size).transform("mean"))


def _ratios(rows: pd.DataFrame) -> dict[str, Ratio]:
    by_rep = rows.groupby("rep_id", sort=True).agg(
        count=("won", "size"), won=("won", "sum"), expected=("chance", "sum")
    )
    by_rep = by_rep[by_rep["expected"] > 0]
    won, expected = (by_rep[name].to_numpy(np.float64) for name in ("won", "expected"))
    shape = _shape(won, expected)
    level, low, high = _posterior(won, expected, shape)
    return {
        str(rep): Ratio(int(count), int(w), float(e), float(m), float(lo), float(hi))
        for rep, count, w, e, m, lo, hi in zip(
            by_rep.index, by_rep["count"], won, expected, level, low, high, strict=True
        )
    }


def _shape(won: Floats, expected: Floats) -> float:
    """Return the shape of the gamma prior with mean 1: 1 over the variance of the reps' levels.

    The variance of won / expected is that of the levels plus 1 / expected by counting alone.
    """
    widest = 1 / LEAST_SPREAD**2
    if not len(won):
        return widest
    excess = float(((won - expected) ** 2 - expected).sum() / (expected**2).sum())
    return min(1 / excess, widest) if excess > 0 else widest


def _posterior(won: Floats, expected: Floats, shape: float) -> tuple[Floats, Floats, Floats]:
    from scipy.stats import gamma  # noqa: PLC0415 - takes a second, and few verbs need it

    a, scale = won + shape, 1 / (expected + shape)
    tails = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    return a * scale, gamma.ppf(tails[0], a, scale=scale), gamma.ppf(tails[1], a, scale=scale)
