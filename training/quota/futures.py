"""Where each rep's attainment may land: one distribution, from which everything else is read.

The final amount of a rep is a sum of three parts, and a future is one draw of all three:

- closed: what is won already. It is the same in every future.
- open: each open deal is won or not by a coin of its own chance, and a won one brings one of its
  equally likely final amounts.
- new: a Poisson number of deals that do not exist yet, each with one of the equally likely amounts
  of new wins.

Two kinds of luck shift the chances of a future as a whole: the company's, which all reps of a
cutoff share, and the rep's own. Both are normal in log-odds and in log expected wins. A rep's own
luck adds up while the period lasts, so its variance falls with the share of the period that is
left. The shared luck is why a team's range is wider than independent reps would make it, so the
futures of a team are added up future by future. For two reps, with luck in log-odds and amounts in
thousands:

| future | company's luck | luck of A, of B | A: closed + open + new | B           | team |
|--------|----------------|-----------------|------------------------|-------------|------|
| 1      | +0.2           | +0.1, -0.3      | 40 + 30 + 10 = 80      | 20 + 15 + 0 | 115  |
| 2      | -0.2           | +0.4, +0.0      | 40 + 25 + 0  = 65      | 20 + 0 + 5  | 90   |
| 3      | +0.0           | -0.2, +0.1      | 40 + 0 + 0   = 40      | 20 + 15 + 5 | 80   |

With a quota of 65, A attains in two of the three.
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
"""Log-odds of a deal whose owner has left: somebody else will win it."""
MOST_NEW = 400
"""New wins of one rep that have amounts of their own; beyond it the mean amount stands for each."""
NODES, STEPS = 15, 8
"""Of the quadrature over luck, and of the fixed-point iteration that uses it."""
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Spread:
    """How much luck deals have in common.

    Attributes:
        rep: standard deviation of a rep's own luck over a whole period, in log-odds and log
            expected wins.
        company: the same for the luck that all reps of a cutoff share, whatever time is left.
    """

    rep: float = 0.6
    company: float = 0.15

    def rep_ahead(self, keys: pd.DataFrame) -> Floats:
        """Return the standard deviation of the luck that is still ahead of each rep.

        A rep has good weeks and bad ones. Independent weeks add up in variance, so with 0.6 over a
        whole period:

        | share of the period left | variance    | standard deviation |
        |--------------------------|-------------|--------------------|
        | 1                        | 0.36        | 0.6                |
        | 1/4                      | 0.36 / 4    | 0.3                |
        | 0                        | 0           | 0                  |

        Args:
            keys: `period_start, period_end, cutoff`.
        """
        # At the period's end nothing lies ahead; before its beginning no more than all of it.
        ahead = (keys["period_end"] - keys[CUTOFF]) / (keys["period_end"] - keys["period_start"])
        return self.rep * np.sqrt(np.clip(ahead.to_numpy(np.float64), 0.0, 1.0))


@dataclass(frozen=True)
class DrawInputs:
    """What drawing needs to know of each rep's row, and of each open deal that may count for it.

    Attributes:
        rep: place of the deal's rep row, rising.
        margin: the deal's log-odds to be won in time.
        amount: its amount as seen now.
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
        open: from open deals, rows x futures.
        new: from deals that do not exist yet, rows x futures.
    """

    keys: pd.DataFrame
    closed: Floats
    open: Floats
    new: Floats

    @property
    def quota(self) -> Floats:
        """The quotas; NaN for those of 0 or less, which nobody can miss."""
        quota = self.keys["quota"].to_numpy(np.float64)
        return np.where(quota > 0, quota, np.nan)

    @property
    def total(self) -> Floats:
        """Final amounts, rows x futures."""
        return self.closed[:, None] + self.open + self.new

    def attainment(self) -> Floats:
        """Return final attainment, rows x futures; infinite where the quota is 0 or less.

        A rep without a quota cannot miss it, so such a rep is never at risk. There is no ratio to
        give, so the range is the target itself (`ranges.quantiles`).
        """
        quota = self.quota[:, None]
        return np.where(np.isnan(quota), np.inf, self.total / quota)

    def take(self, rows: Bools | Ints) -> Futures:
        """Keep some rows, by a mask or by their places."""
        keys = self.keys[rows] if rows.dtype == bool else self.keys.iloc[rows]
        return Futures(
            keys.reset_index(drop=True), self.closed[rows], self.open[rows], self.new[rows]
        )


def draw_inputs(
    reps: Examples,
    deals: Examples,
    deadlines: DealDeadlines,
    margins: Floats,
    expected_new: Floats | None,
    amounts: Amounts,
) -> DrawInputs:
    """Put together what is needed to draw futures.

    Args:
        reps: the rows.
        deals: open deals.
        deadlines: which row each deal may count for, and by when it has to be won.
        margins: their log-odds to be won in time.
        expected_new: wins still to be created; None where nothing was learned of them.
        amounts: what deals are worth.
    """
    has_left = reps.X["has_left"].to_numpy() > 0
    amount = deals.keys["amount"].to_numpy(np.float64)[deadlines.deal]
    usual = reps.X["median_won"].to_numpy(np.float64)
    usual = np.where(np.isnan(usual) | (usual <= 0), amounts.typical, usual)
    margin = np.where(has_left[deadlines.rep], GONE, margins)
    # A missing amount counts 0 in the end, unless somebody fills it in.
    amount = np.nan_to_num(amount, nan=0.0)
    days = reps.X["days_left"].to_numpy(np.float64)
    final = amount[:, None] * amounts.ratio.at(days_left(deals, deadlines))
    new_amounts = usual[:, None] * amounts.size.at(days)
    if expected_new is None:
        # The fallback gives an amount. As wins it has to be over the mean amount of one.
        likely = amount / (1 + np.exp(-margin))
        open_ = np.bincount(deadlines.rep, likely, minlength=len(reps)).astype(np.float64)
        wins = even_pace(reps.X, open_) / new_amounts.mean(axis=1)
        expected_new = np.where(has_left, 0.0, np.minimum(wins, MOST_NEW))
    else:
        # Wins without an amount are wins that bring nothing.
        expected_new = expected_new * amounts.paid
    return DrawInputs(deadlines.rep, margin, amount, final, expected_new, new_amounts)


def draw_futures(
    reps: Examples, inputs: DrawInputs, spread: Spread, count: int, seed: int
) -> Futures:
    """Draw futures. Each cutoff has random numbers of its own, whatever other cutoffs there are.

    Args:
        reps: the rows.
        inputs: what is known of them and of their open deals.
        spread: luck in common.
        count: futures of each row.
        seed: of the random numbers, together with the cutoff.
    """
    keys = reps.keys
    won, new = np.zeros((len(keys), count)), np.zeros((len(keys), count))
    own = spread.rep_ahead(keys)
    variance = spread.company**2 + own**2
    margin = evened(inputs.margin, variance[inputs.rep])
    for moment, rows in _by_cutoff(keys):
        rng = np.random.default_rng([seed, moment])
        # The rows of this cutoff, numbered from 0, and the deals that count for them.
        place = np.full(len(keys), -1)
        place[rows] = np.arange(len(rows))
        deals = np.flatnonzero(place[inputs.rep] >= 0)
        owner = place[inputs.rep[deals]]
        # One row of shared luck, repeated for every rep, and a row of luck for each rep.
        shared = rng.normal(0, 1, count)[None, :] * spread.company
        luck = shared + rng.normal(0, 1, (len(rows), count)) * own[rows, None]
        won[rows] = _open(rng, owner, margin[deals], inputs.final[deals], luck)
        # The mean of exp(luck) is exp(variance / 2): dividing by it leaves expected wins as said.
        mean = np.exp(luck - variance[rows, None] / 2)
        wins = rng.poisson(inputs.expected_new[rows][:, None] * mean)
        new[rows] = _worth(rng, wins, inputs.new_amounts[rows])
    return Futures(keys, keys["attained"].to_numpy(np.float64), won, new)


def _by_cutoff(keys: pd.DataFrame) -> Iterator[tuple[int, Ints]]:
    """Yield each cutoff in whole seconds, which seed its random numbers, and its rows' places."""
    moments = keys[CUTOFF].to_numpy("datetime64[us]").astype(np.int64)
    for moment in np.unique(moments):
        yield abs(int(moment)) // MICROSECONDS, np.flatnonzero(moments == moment)


def evened(margin: Floats, variance: Floats) -> Floats:
    """Return log-odds moved so that, with luck added to them, the mean chance is what they said.

    Luck of both signs moves a small chance up more than down, and a large one down more than up.
    With a luck of variance 0.36:

    | chance | mean over luck, as it is | moved to | mean over luck then |
    |--------|--------------------------|----------|---------------------|
    | 0.05   | 0.058                    | 0.043    | 0.05                |
    | 0.50   | 0.500                    | 0.500    | 0.50                |
    | 0.95   | 0.942                    | 0.957    | 0.95                |

    The mean over luck is a Gauss-Hermite quadrature (Abramowitz & Stegun 1964, 25.4.46); the shift
    is found by adding what the mean lacks, in log-odds, until nothing is lacking.

    Args:
        margin: log-odds.
        variance: of the luck that will be added to each of them.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    luck, share = np.sqrt(variance)[:, None] * nodes, weights / weights.sum()
    moved = margin
    for _ in range(STEPS):
        mean = expit(moved[:, None] + luck) @ share
        moved = moved + margin - logit(mean)
    return moved


def _open(
    rng: np.random.Generator, owner: Ints, margin: Floats, final: Floats, luck: Floats
) -> Floats:
    """Return what open deals bring, rows x futures.

    Args:
        rng: the random numbers of the cutoff.
        owner: the row of each deal, rising.
        margin: its log-odds before luck.
        final: its equally likely final amounts, deals x amounts.
        luck: of each row in each future, in log-odds.
    """
    summed = np.zeros_like(luck)
    if not len(owner):
        return summed
    chance = expit(margin[:, None] + luck[owner])
    wins = rng.random(chance.shape) < chance
    picked = rng.integers(0, final.shape[1], chance.shape)
    worth = np.take_along_axis(final, picked, axis=1)
    # Deals come by rep, so each rep's deals are one slice: summed from its first to the next one's.
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    summed[owner[first]] = np.add.reduceat(np.where(wins, worth, 0.0), first, axis=0)
    return summed


def _worth(rng: np.random.Generator, wins: Ints, amounts: Floats) -> Floats:
    """Return what new wins bring, rows x futures, each win with an amount of its own.

    Args:
        rng: the random numbers of the cutoff.
        wins: how many there are, rows x futures.
        amounts: the equally likely amounts of a win, rows x amounts.
    """
    few = np.minimum(wins, MOST_NEW)
    count = few.ravel()
    # One entry for each win, holding the cell (row, future) it belongs to: wins of 2, 0, 1 in
    # three cells make the entries 0, 0, 2.
    cell = np.repeat(np.arange(wins.size), count)
    picked = rng.integers(0, amounts.shape[1], len(cell))
    total = np.bincount(cell, amounts[cell // wins.shape[1], picked], wins.size)
    beyond = (wins - few) * amounts.mean(axis=1)[:, None]
    return np.asarray(total.reshape(wins.shape) + beyond)


def summed(futures: Futures, groups: pd.Series, level: str) -> pd.DataFrame:
    """Add reps up to teams, future by future, and read the teams' ranges off the sums.

    Args:
        futures: of reps.
        groups: each row's team; rows without one are left out.
        level: what kind of team it is.

    Returns:
        A row for each team, period and cutoff: `group, period_start, period_end, cutoff, level,
        quota, closed, expected_open, expected_new, mean, p10, p50, p90`, all amounts.
    """
    keys = [
        groups.to_numpy(),
        *(futures.keys[c].to_numpy() for c in ("period_start", "period_end")),
    ]
    frame = pd.DataFrame({"group": keys[0], "period_start": keys[1], "period_end": keys[2]})
    frame[CUTOFF] = futures.keys[CUTOFF].to_numpy()
    known = frame["group"].notna().to_numpy()
    number = frame.groupby(["group", "period_start", "period_end", CUTOFF], sort=True).ngroup()
    # Teams in the order of their first rep; `rows` says to which of them each rep's row adds.
    teams = frame[known].drop_duplicates().reset_index(drop=True)
    order = number[known].drop_duplicates().to_numpy()
    row_of = {int(n): k for k, n in enumerate(order)}
    rows = np.array([row_of[int(n)] for n in number[known]], dtype=np.int64)
    totals = np.zeros((len(teams), futures.open.shape[1]))
    np.add.at(totals, rows, futures.total[known])

    def added(values: Floats) -> Floats:
        return np.bincount(rows, np.nan_to_num(values[known]), len(teams)).astype(np.float64)

    p10, p50, p90 = np.quantile(totals, QUANTILES, axis=1)
    return teams.assign(
        level=level,
        quota=added(futures.quota),
        closed=added(futures.closed),
        expected_open=added(futures.open.mean(axis=1)),
        expected_new=added(futures.new.mean(axis=1)),
        mean=totals.mean(axis=1),
        p10=p10,
        p50=p50,
        p90=p90,
    )
