"""Where each rep's attainment may land: one distribution, from which everything said is read.

Final attainment is what is closed, plus open deals that are won in time, plus business still to be
created. Each is drawn many times; reps share the luck of the company, so draws add up to teams.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from features.arrays import Bools, Floats, Ints
from features.build import Examples
from features.snapshot import CUTOFF
from training.quota.amounts import Amounts
from training.quota.dataset import DealDeadlines
from training.quota.deals import days_left
from training.quota.new_business import even_pace

QUANTILES = (0.1, 0.5, 0.9)
GONE = -25.0
"""Log-odds of a deal whose owner has left: it will be won by somebody else."""
MOST_NEW = 400
"""New deals of one rep drawn one by one; beyond it their mean amount stands for each."""
NODES, STEPS = 15, 8
"""Of the quadrature over luck, and of the fixed-point iteration that uses it."""


@dataclass(frozen=True)
class Spread:
    """How much luck deals have in common.

    Attributes:
        rep: standard deviation of a rep's own log-odds and log business.
        company: the same for what all reps of a moment share.
    """

    rep: float = 0.3
    company: float = 0.15


@dataclass(frozen=True)
class DrawInputs:
    """What a forecast needs to know of each rep's row, and of each deal it may count on.

    Attributes:
        rep: place of the deal's rep row, rising.
        margin: log-odds to be won in time.
        amount: as seen now.
        final: equally likely amounts it may bring in the end, deals x amounts.
        expected_new: wins still to be created, by rep row.
        new_amounts: equally likely amounts of such a win, rep rows x amounts.
    """

    rep: Ints
    margin: Floats
    amount: Floats
    final: Floats
    expected_new: Floats
    new_amounts: Floats


@dataclass(frozen=True)
class Futures:
    """Futures of each rep's row, as amounts.

    Attributes:
        keys: the rows: `rep_id, period_start, period_end, cutoff, quota, ...`.
        closed: won so far.
        open: from open deals, rows x draws.
        new: from deals that do not exist yet, rows x draws.
    """

    keys: pd.DataFrame
    closed: Floats
    open: Floats
    new: Floats

    @property
    def quota(self) -> Floats:
        """The quotas; those nobody can miss (0 or less) are empty."""
        quota = self.keys["quota"].to_numpy(np.float64)
        return np.where(quota > 0, quota, np.nan)

    @property
    def total(self) -> Floats:
        """Final amounts, rows x draws."""
        return self.closed[:, None] + self.open + self.new

    def attainment(self) -> Floats:
        """Final attainment, rows x draws; infinite where the quota is 0 or less.

        Who is asked for nothing misses nothing, so such a rep is never at risk; the range is read
        as the very target (`quantiles`), since there is no ratio to give.
        """
        quota = self.quota[:, None]
        return np.where(np.isnan(quota), np.inf, self.total / quota)

    def take(self, rows: Bools | Ints) -> Futures:
        """Keep some rows."""
        keys = self.keys[rows] if rows.dtype == bool else self.keys.iloc[rows]
        return Futures(
            keys.reset_index(drop=True), self.closed[rows], self.open[rows], self.new[rows]
        )


def draw_inputs(
    reps: Examples,
    deals: Examples,
    claims: DealDeadlines,
    margins: Floats,
    expected_new: Floats | None,
    amounts: Amounts,
) -> DrawInputs:
    """Put together what is needed to draw futures.

    Args:
        reps: the rows.
        deals: open deals.
        claims: which row each may count for.
        margins: their log-odds to be won in time.
        expected_new: wins still to be created; None where there is nothing to learn that from.
        amounts: what deals are worth.
    """
    left = reps.X["has_left"].to_numpy() > 0
    amount = deals.keys["amount"].to_numpy(np.float64)[claims.deal]
    usual = reps.X["median_won"].to_numpy(np.float64)
    usual = np.where(np.isnan(usual) | (usual <= 0), amounts.typical, usual)
    margin = np.where(left[claims.rep], GONE, margins)
    # A missing amount counts 0 in the end, unless somebody fills it in.
    amount = np.nan_to_num(amount, nan=0.0)
    days = reps.X["days_left"].to_numpy(np.float64)
    final = amount[:, None] * amounts.ratio.at(days_left(deals, claims))
    new_amounts = usual[:, None] * amounts.size.at(days)
    if expected_new is None:
        likely = amount / (1 + np.exp(-margin))
        open_ = np.bincount(claims.rep, likely, minlength=len(reps)).astype(np.float64)
        wins = even_pace(reps.X, open_) / new_amounts.mean(axis=1)
        expected_new = np.where(left, 0.0, np.minimum(wins, MOST_NEW))
    else:
        # Wins without an amount are wins that bring nothing.
        expected_new = expected_new * amounts.paid
    return DrawInputs(claims.rep, margin, amount, final, expected_new, new_amounts)


def draw_futures(
    reps: Examples, chances: DrawInputs, spread: Spread, count: int, seed: int
) -> Futures:
    """Draw futures; each cutoff has chances of its own, so that no row depends on others' cutoffs.

    Args:
        reps: the rows.
        chances: of them.
        spread: luck in common.
        count: futures.
        seed: of the chances.
    """
    keys = reps.keys
    won, new = np.zeros((len(keys), count)), np.zeros((len(keys), count))
    variance = spread.company**2 + spread.rep**2
    margin = evened(chances.margin, variance)
    for moment, rows in _by_cutoff(keys):
        draws = np.random.default_rng([seed, moment])
        place = np.full(len(keys), -1)
        place[rows] = np.arange(len(rows))
        mine = np.flatnonzero(place[chances.rep] >= 0)
        owner = place[chances.rep[mine]]
        shared = draws.normal(0, 1, count)[None, :] * spread.company
        luck = shared + draws.normal(0, 1, (len(rows), count)) * spread.rep
        won[rows] = _open(draws, owner, margin[mine], chances.final[mine], luck)
        mean = np.exp(luck - variance / 2)
        wins = draws.poisson(chances.expected_new[rows][:, None] * mean)
        new[rows] = _worth(draws, wins, chances.new_amounts[rows])
    return Futures(keys, keys["attained"].to_numpy(np.float64), won, new)


def _by_cutoff(keys: pd.DataFrame) -> Iterator[tuple[int, Ints]]:
    moments = keys[CUTOFF].to_numpy("datetime64[us]").astype(np.int64)
    for moment in np.unique(moments):
        yield abs(int(moment)) // 1_000_000, np.flatnonzero(moments == moment)


def evened(margin: Floats, variance: float) -> Floats:
    """Move log-odds so that, with luck added to them, the mean chance is what they said.

    Luck of both signs moves a small chance up more than down; unmended, ten deals of one in twenty
    would bring more than half a win. The mean over luck is by Gauss-Hermite quadrature.
    """
    if variance <= 0 or not len(margin):
        return margin
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    luck, share = nodes * np.sqrt(variance), weights / weights.sum()
    moved = margin
    for _ in range(STEPS):
        mean = expit(moved[:, None] + luck[None, :]) @ share
        moved = moved + margin - logit(mean)
    return moved


def _open(
    draws: np.random.Generator, owner: Ints, margin: Floats, final: Floats, luck: Floats
) -> Floats:
    """Sum up open deals that are won, rows x draws."""
    summed = np.zeros_like(luck)
    if not len(owner):
        return summed
    chance = expit(margin[:, None] + luck[owner])
    wins = draws.random(chance.shape) < chance
    picked = draws.integers(0, final.shape[1], chance.shape)
    worth = np.take_along_axis(final, picked, axis=1)
    # Deals come by rep, so that the sums are differences of a running total.
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    summed[owner[first]] = np.add.reduceat(np.where(wins, worth, 0.0), first, axis=0)
    return summed


def _worth(draws: np.random.Generator, wins: Ints, amounts: Floats) -> Floats:
    """Give what so many new wins bring, each with an amount of its own."""
    few = np.minimum(wins, MOST_NEW)
    count = few.ravel()
    place = np.repeat(np.arange(wins.size), count)
    picked = draws.integers(0, amounts.shape[1], len(place))
    total = np.bincount(place, amounts[place // wins.shape[1], picked], wins.size)
    beyond = (wins - few) * amounts.mean(axis=1)[:, None]
    return np.asarray(total.reshape(wins.shape) + beyond)


def summed(draws: Futures, groups: pd.Series, level: str) -> pd.DataFrame:
    """Add futures up to teams, draw by draw, and read the teams' ranges off the sums.

    Args:
        draws: futures of reps.
        groups: each row's team.
        level: what kind of team it is.

    Returns:
        `level, group, period_start, period_end, cutoff, quota, closed, expected_open,
        expected_new, mean, p10, p50, p90`, amounts.
    """
    by = [groups.to_numpy(), *(draws.keys[c].to_numpy() for c in ("period_start", "period_end"))]
    frame = pd.DataFrame({"group": by[0], "period_start": by[1], "period_end": by[2]})
    frame[CUTOFF] = draws.keys[CUTOFF].to_numpy()
    known = frame["group"].notna().to_numpy()
    number = frame.groupby(["group", "period_start", "period_end", CUTOFF], sort=True).ngroup()
    teams = frame[known].drop_duplicates().reset_index(drop=True)
    place = number[known].drop_duplicates().to_numpy()
    totals = np.zeros((len(teams), draws.open.shape[1]))
    row_of = {int(n): k for k, n in enumerate(place)}
    rows = np.array([row_of[int(n)] for n in number[known]], dtype=np.int64)
    np.add.at(totals, rows, draws.total[known])

    def added(values: Floats) -> Floats:
        return np.bincount(rows, np.nan_to_num(values[known]), len(teams)).astype(np.float64)

    p10, p50, p90 = np.quantile(totals, QUANTILES, axis=1)
    return teams.assign(
        level=level,
        quota=added(draws.quota),
        closed=added(draws.closed),
        expected_open=added(draws.open.mean(axis=1)),
        expected_new=added(draws.new.mean(axis=1)),
        mean=totals.mean(axis=1),
        p10=p10,
        p50=p50,
        p90=p90,
    )
