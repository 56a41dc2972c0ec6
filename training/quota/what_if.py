"""What a rep's forecast would be with more new deals, a higher win rate or larger deals.

The factors act on what futures are drawn from, and everything is drawn again with the same random
numbers: at 1, 1, 1 the forecast is the model's own, to the bit.

    factor      open deals                       deals that do not exist yet
    volume      as they are                      their number is multiplied
    win rate    each chance is multiplied,       the share that is won, and so the number of wins,
                and stays below certainty        is multiplied
    deal size   as they are: they have amounts   their amounts are multiplied

With a win rate of 1.5, an open deal with a chance of 0.4 is won with 0.6, and one with 0.9 with
0.999. Two expected new wins become three.

It is an association, not an effect: reps with such numbers had such results. Nothing here says that
raising one by will leaves the others as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from features.arrays import Bools
from features.build import Examples
from features.storage.warehouse import Warehouse
from training.quota.bundle import QuotaBundle
from training.quota.fit import forecast_examples
from training.quota.futures import DrawInputs
from training.quota.ranges import read_off

CERTAIN = 0.999
"""No open deal is won with a greater chance, however high the win rate."""


@dataclass(frozen=True)
class Factors:
    """What is changed, as multiples of what the model expects; 1 changes nothing.

    Attributes:
        volume: of the number of new deals.
        win_rate: of the chances to win.
        deal_size: of the amounts of new deals.
    """

    volume: float = 1.0
    win_rate: float = 1.0
    deal_size: float = 1.0


@dataclass(frozen=True, eq=False)
class WhatIf:
    """Everything that futures of one moment are drawn from, ready to be drawn again.

    Attributes:
        bundle: the model.
        reps: a row for each rep with a running quota, and each period.
        inputs: what is known of them and of their open deals.
    """

    bundle: QuotaBundle
    reps: Examples
    inputs: DrawInputs

    @classmethod
    def at(cls, warehouse: Warehouse, bundle: QuotaBundle, as_of: datetime) -> WhatIf:
        """Look at every rep whose quota period runs at a moment.

        Args:
            warehouse: the history.
            bundle: the model.
            as_of: the cutoff.
        """
        reps, deals = forecast_examples(bundle, warehouse, [as_of])
        return cls(bundle, reps, bundle.draw_inputs(reps, deals))

    def ask(self, rep_id: str, factors: Factors) -> pd.DataFrame:
        """Forecast one rep with changed factors, a row for each running period.

        Args:
            rep_id: whose factors are changed; everybody else's stay.
            factors: what is changed.

        Returns:
            The rep's keys (`rep_id, period_start, period_end, quota`) beside what `read_off`
            returns, `attained`, and the mean amounts `expected_open` and `expected_new`.
        """
        own = (self.reps.keys["rep_id"] == rep_id).to_numpy(np.bool_)
        futures = self.bundle.draw_from(self.reps, changed(self.inputs, own, factors)).take(own)
        names = ["rep_id", "period_start", "period_end", "quota"]
        return pd.concat(
            [
                futures.keys[names],
                read_off(futures, self.bundle.target),
                pd.DataFrame(
                    {
                        "attained": futures.closed,
                        "expected_open": futures.open.mean(axis=1),
                        "expected_new": futures.new.mean(axis=1),
                    }
                ),
            ],
            axis=1,
        )


def changed(inputs: DrawInputs, rows: Bools, factors: Factors) -> DrawInputs:
    """Return what futures are drawn from, with the factors of some rows changed.

    Args:
        inputs: as the model expects them.
        rows: whose factors are changed, one value for each rep row.
        factors: what is changed.
    """
    margin, size = inputs.margin, inputs.new_amounts
    if factors.win_rate != 1:
        chance = np.minimum(expit(margin) * factors.win_rate, np.maximum(CERTAIN, expit(margin)))
        # A chance of exactly 0 has no log-odds; the margin of such a deal stays.
        is_own = rows[inputs.rep] & (chance > 0)
        margin = np.where(is_own, logit(np.where(is_own, chance, 0.5)), margin)
    wins = inputs.expected_new * np.where(rows, factors.volume * factors.win_rate, 1.0)
    size = size * np.where(rows, factors.deal_size, 1.0)[:, None]
    return replace(inputs, margin=margin, expected_new=wins, new_amounts=size)
