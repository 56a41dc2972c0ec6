"""Figures of replayed call lists, beside habit: pooled over companies, and company by company."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FIGURES = ("conversions", "value", "revenue")
DRAWS = 2000
LEVEL = 0.90
NORMAL = 1.645
"""Of a normal distribution, 90 % lie within so many standard deviations of the middle."""


@dataclass(frozen=True)
class Change:
    """A relative change and its interval.

    Attributes:
        value: 0.2 is a fifth more.
        low: of the 90 % interval.
        high: of the same.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Write it in per cent."""
        return f"{self.value:+.1%} ({self.low:+.1%} to {self.high:+.1%})"

    def plain(self) -> str:
        """Write it as a share."""
        return f"{self.value:.0%} ({self.low:.0%} to {self.high:.0%})"


def pooled(rows: pd.DataFrame, policy: str, figure: str) -> Change:
    """Return how much more of a figure a policy brings than habit, over all companies together.

    Each policy is compared with habit in the same worlds. The interval comes from drawing companies
    whole, with replacement; with one company it has no width.

    Args:
        rows: `company, policy, world, seat`, and the figures.
        policy: the policy.
        figure: the column: `touches`, one of `FIGURES`, or the sum of its chances.
    """
    totals = _totals(rows, policy, figure)
    drawn = _drawn(totals)
    return _change(totals[:, 0].sum() / totals[:, 1].sum() - 1, drawn[..., 0] / drawn[..., 1] - 1)


def pooled_share(rows: pd.DataFrame, policy: str, best: str, figure: str) -> Change:
    """Return which share of what another policy brings over habit a policy brings."""
    totals = np.concatenate([_totals(rows, policy, figure), _totals(rows, best, figure)], axis=1)
    sums = totals.sum(axis=0)
    drawn = _drawn(totals)
    return _change(
        (sums[0] / sums[1] - 1) / (sums[2] / sums[3] - 1),
        (drawn[..., 0] / drawn[..., 1] - 1) / (drawn[..., 2] / drawn[..., 3] - 1),
    )


def against_noise(
    rows: pd.DataFrame, policy: str, noisy: str, figure: str
) -> list[tuple[str, float, float]]:
    """Compare a policy with habit in every company.

    Args:
        rows: as for `pooled`.
        policy: the policy.
        noisy: one that was played in many worlds: how much its change differs between them is how
            much chance alone moves a change in one world.
        figure: the column: `touches`, one of `FIGURES`, or the sum of its chances.

    Returns:
        Of each company its name, the relative change, and the least change that is within the
        noise about no change at all.
    """
    compared = []
    for name, own in rows.groupby("company", sort=False):
        totals = _totals(own, policy, figure)[0]
        worlds = _by_world(own, noisy, figure)
        changes = worlds[:, 0] / worlds[:, 1] - 1
        spread = float(changes.std(ddof=1)) / np.sqrt(len(_by_world(own, policy, figure)))
        compared.append((str(name), float(totals[0] / totals[1] - 1), -NORMAL * spread))
    return compared


def _by_world(rows: pd.DataFrame, policy: str, figure: str) -> Floats:
    """Return the totals of a policy and of habit, a row for each world that both have."""
    totals = rows[rows["policy"].isin([policy, "habit"])]
    totals = totals.pivot_table(index="world", columns="policy", values=figure, aggfunc="sum")
    return totals[[policy, "habit"]].dropna().to_numpy()


def _totals(rows: pd.DataFrame, policy: str, figure: str) -> Floats:
    """Return the mean totals of a policy and of habit, a row for each company."""
    return np.array(
        [_by_world(own, policy, figure).mean(axis=0) for _, own in rows.groupby("company")]
    )


def _drawn(totals: Floats) -> Floats:
    """Return sums over companies that are drawn with replacement, a row for each draw."""
    draws = np.random.default_rng(0)
    return totals[draws.integers(0, len(totals), (DRAWS, len(totals)))].sum(axis=1)


def _change(value: float, drawn: Floats) -> Change:
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Change(float(value), float(low), float(high))
