"""What a forecast would be under other assumptions, drawn by the same model with the same luck.

Only the inputs of one rep change, so the futures at the assumptions as they are equal those of the
forecast, and a slider moves the forecast by what the model makes of it and not by new luck.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import numpy as np
from scipy.special import expit, logit

from features.build import Examples
from features.errors import NotFoundError
from features.storage.warehouse import Warehouse
from training.quota.bundle import QuotaBundle
from training.quota.explain import open_amounts
from training.quota.fit import forecast_examples
from training.quota.futures import DrawInputs, Futures
from training.quota.ranges import read_off

LEAST, MOST = 0.5, 2.0
"""A half to twice as much: beyond, the model has seen nothing like it."""
SUREST = 0.99
"""No deal is won for certain, however much the win rate is raised."""


@dataclass(frozen=True)
class Change:
    """What is assumed, as factors; 1 is as it is.

    Attributes:
        volume: deals still to be created.
        win_rate: the chance of each deal, open or new.
        deal_size: what a won deal brings, open or new.
    """

    volume: float = 1.0
    win_rate: float = 1.0
    deal_size: float = 1.0

    @property
    def is_none(self) -> bool:
        """Whether everything stays as it is."""
        return self == Change()


@dataclass(frozen=True)
class Outcome:
    """What a forecast would be.

    Attributes:
        p_attain: the chance to make quota.
        low: where the range of attainment begins, as a share of quota.
        middle: the median.
        high: where the range ends.
        mean: the expected final amount.
    """

    p_attain: float
    low: float
    middle: float
    high: float
    mean: float


@dataclass(frozen=True, eq=False)
class WhatIf:
    """Draws one rep's futures anew.

    Attributes:
        bundle: the model.
        reps: every rep with a running quota at the moment of the forecasts.
        inputs: what their futures are drawn from.
    """

    bundle: QuotaBundle
    reps: Examples
    inputs: DrawInputs

    @classmethod
    def of(cls, warehouse: Warehouse, bundle: QuotaBundle, moment: datetime) -> Self:
        """Build what the forecasts of a moment are drawn from."""
        reps, deals = forecast_examples(bundle, warehouse, [moment])
        return cls(bundle, reps, bundle.draw_inputs(reps, deals))

    def open_amount(self) -> dict[tuple[str, datetime], float]:
        """Return the amount of the open deals that each rep's forecast of a period counts."""
        amounts = open_amounts(len(self.reps), self.inputs.rep, self.inputs.amount)
        keys = zip(self.reps.keys["rep_id"], self.reps.keys["period_start"], strict=True)
        return {
            (str(rep), start.to_pydatetime()): float(amount)
            for (rep, start), amount in zip(keys, amounts, strict=True)
        }

    def outcome(self, rep_id: str, period_start: datetime, change: Change) -> Outcome:
        """Return the forecast of a rep's period under other assumptions.

        Raises:
            NotFoundError: the rep has no forecast of the period.
        """
        keys = self.reps.keys
        rows = np.flatnonzero((keys["rep_id"] == rep_id) & (keys["period_start"] == period_start))
        if not len(rows):
            raise NotFoundError(f"{rep_id!r} has no running quota from {period_start:%Y-%m-%d}")
        row = int(rows[0])
        futures: Futures = self.bundle.draw_from(self.reps, changed(self.inputs, row, change))
        own = futures.take(np.array([row]))
        read = read_off(own, self.bundle.target).iloc[0]
        return Outcome(
            float(read["p_attain"]),
            float(read["range_low"]),
            float(read["attainment_p50"]),
            float(read["range_high"]),
            float(own.total.mean()),
        )


def changed(inputs: DrawInputs, row: int, change: Change) -> DrawInputs:
    """Return what futures are drawn from, with one rep's part changed.

    | assumption | open deals                          | deals still to be created |
    |------------|-------------------------------------|---------------------------|
    | volume     | as they are                         | so many times as many     |
    | win rate   | so many times the chance, at most   | so many times the wins    |
    |            | 0.99                                |                           |
    | deal size  | so many times the final amount      | so many times the amount  |

    Args:
        inputs: of all reps.
        row: whose part changes.
        change: the factors.
    """
    own = inputs.rep == row
    margin, final = inputs.margin.copy(), inputs.final.copy()
    if change.win_rate != 1:
        chance = expit(margin[own])
        raised = np.minimum(chance * change.win_rate, np.maximum(chance, SUREST))
        margin[own] = logit(raised)
    final[own] *= change.deal_size
    new, amounts = inputs.expected_new.copy(), inputs.new_amounts.copy()
    new[row] *= change.volume * change.win_rate
    amounts[row] *= change.deal_size
    return replace(inputs, margin=margin, final=final, expected_new=new, new_amounts=amounts)
