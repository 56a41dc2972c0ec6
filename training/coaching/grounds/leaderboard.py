"""A ranking of reps by wins above expectation, off by default, that says what it cannot tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats
from training.coaching.grounds.dealt import CONVERSIONS, WINS
from training.coaching.grounds.equal import Z80
from training.coaching_params import CoachingParams

OFF = (
    "There is no leaderboard: it is switched off, as it is by default. Most differences between "
    "reps within a period are luck, and a ranking hides that. Set training.coaching.leaderboard to "
    "true to have one on equal grounds."
)
FOR = (
    "For coaching, not for decisions on employment. Places are by what lies above what an average "
    "rep would have got from the same leads, not by totals."
)


@dataclass(frozen=True)
class Place:
    """A rep's place.

    Attributes:
        rep_id: who.
        shrunk: outcomes above expectation that are believed to be the rep's own.
        low: lower end of its 80 % interval, chance included.
        high: upper end.
        best: the best place that the intervals allow, 1 the first.
        worst: the worst one.
    """

    rep_id: str
    shrunk: float
    low: float
    high: float
    best: int
    worst: int

    def says(self, metric: str) -> str:
        """Return all of it in a sentence.

        Args:
            metric: what is counted: `wins` or `conversions`.
        """
        where = f"place {self.best}"
        if self.best < self.worst:
            where = f"place {self.best} to {self.worst}, not told apart from others there"
        way = "above" if self.shrunk >= 0 else "below"
        return (
            f"{self.rep_id}: {abs(self.shrunk):.1f} {metric} {way} expectation "
            f"({self.low:+.1f} to {self.high:+.1f}), {where}"
        )


@dataclass(frozen=True)
class Leaderboard:
    """The ranking, or why there is none.

    Attributes:
        metric: what is counted: `wins`, or `conversions` where no deals are loaded.
        places: the reps, the highest wins above expectation first; empty where it is off.
        says: what it is for, and how far it tells reps apart.
    """

    metric: str
    places: tuple[Place, ...]
    says: tuple[str, ...]


def leaderboard(grounds: pd.DataFrame, params: CoachingParams) -> Leaderboard:
    """Rank reps by their shrunk wins above expectation, with ties where intervals overlap.

    A rep is above another only if the whole interval is. Of four reps with the intervals

        A 2 to 5    B 1 to 3    C -1 to 1.5    D -4 to -2

    A and B are not told apart (places 1 to 2), A is above C, B and C are not told apart, and D is
    last: A 1 to 2, B 1 to 3, C 2 to 3, D 4 to 4.

    Args:
        grounds: what `equal_grounds` returns, of one period.
        params: whether there is one at all.
    """
    if not params.leaderboard:
        return Leaderboard(WINS, (), (OFF,))
    expected = grounds[grounds["expected"] > 0]
    # Where no deals are loaded, conversions are what can be compared.
    metric = WINS if (expected["metric"] == WINS).any() else CONVERSIONS
    rows = expected[expected["metric"] == metric]
    rows = rows.sort_values(["shrunk", "rep_id"], ascending=[False, True], ignore_index=True)
    if rows.empty:
        return Leaderboard(WINS, (), (FOR, "Nothing is dealt to anybody in this period."))
    shrunk = rows["shrunk"].to_numpy(np.float64)
    reach = Z80 * _own_error(rows)
    low, high = shrunk - reach, shrunk + reach
    best = 1 + (low[None, :] > high[:, None]).sum(axis=1)
    worst = len(rows) - (high[None, :] < low[:, None]).sum(axis=1)
    places = tuple(
        Place(
            rep_id=str(row.rep_id),
            shrunk=float(shrunk[k]),
            low=float(low[k]),
            high=float(high[k]),
            best=int(best[k]),
            worst=int(worst[k]),
        )
        for k, row in enumerate(rows.itertuples())
    )
    return Leaderboard(metric, places, (FOR, _told_apart(places)))


def _own_error(rows: pd.DataFrame) -> Floats:
    """Return the standard deviation of what is believed of each rep's own wins.

    A residual is the rep's own wins above expectation, plus luck (Poisson: the variance is the
    expectation), plus the expectation's error. Shrinking by a factor k leaves k times the variance
    of luck and error, as for normal figures (Morris 1983); k is what the shrunk figures are of the
    residuals, taken over all reps.
    """
    residual, shrunk = (rows[name].to_numpy(np.float64) for name in ("residual", "shrunk"))
    squares = float(residual @ residual)
    factor = min(max(float(residual @ shrunk) / squares, 0.0), 1.0) if squares > 0 else 0.0
    width = (rows["high"] - rows["low"]).to_numpy(np.float64) / (2 * Z80)
    return np.sqrt(factor * (rows["expected"].to_numpy(np.float64) + width**2))


def _told_apart(places: tuple[Place, ...]) -> str:
    """Say how many of all pairs the intervals tell apart."""
    count = len(places)
    pairs = count * (count - 1) // 2
    apart = sum(place.best - 1 for place in places)
    if pairs == 0:
        return "There is nobody to compare with."
    if apart == 0:
        return f"No two of the {count} reps are told apart: the order is within luck."
    return f"Of {pairs:,} pairs of reps, {apart:,} are told apart; the others are within luck."
